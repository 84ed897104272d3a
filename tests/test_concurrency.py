"""Sixteen deploys at once, on each server and through a pooling proxy, with and without one killed in the middle."""

import getpass
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from migrated_project import MigratedProject
from pgbouncer import pgbouncer
from postgresql_rows import connect
from projects import Project, clean_environment
from server_checks import assert_waiting_tells_of_the_holder
from warm_python import warm_python

MODELS = """
from sqlmodel import Field, SQLModel


class Counter(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    n: int
"""
RUNS = 16
BESIDE_A_VICTIM = 5
LONG_S = 240  # sixteen of them on few cores
VICTIM = "OPPMAN_TEST_VICTIM"
SLEEP = (
    f'import os, pathlib, time; {VICTIM!r} in os.environ and (pathlib.Path("holding").touch(), time.sleep({LONG_S}))'
)
AUTOCOMMIT = "with op.get_context().autocommit_block(): op.execute({!r})"


class Counter(MigratedProject):
    """A project whose revisions count: what is applied twice, or not at all, shows in the rows.

    The first revision is applied, and there are rows in its tables.
    """

    def __init__(self, project: Project, url: str, programs: Path) -> None:
        super().__init__(project, url)
        self.programs = programs
        project.write("models.py", MODELS)
        self.ok("migrate", "init")
        self.revision(
            "one",
            None,
            'op.create_table("counter", sa.Column("id", sa.Integer, primary_key=True), sa.Column("n", sa.Integer))',
            'op.create_table("guests", sa.Column("id", sa.Integer), sa.Column("name", sa.String(20)))',
        )
        self.ok("migrate", "upgrade")
        self.execute("INSERT INTO counter (id, n) VALUES (1, 0), (2, 100)")
        self.execute("INSERT INTO guests (id, name) VALUES (1, 'Ada'), (2, 'Grace')")
        self.revision("two", "one", SLEEP, 'op.execute("UPDATE counter SET n = n + 1")')
        self.revision("three", "two", AUTOCOMMIT.format("UPDATE counter SET n = n + 10"))
        self.revision("four", "three", 'op.add_column("guests", sa.Column("seat", sa.Integer))')
        self.revision("five", "four", "op.execute(\"INSERT INTO guests (id, name, seat) VALUES (3, 'once', 3)\")")

    def start(self, **env: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [self.programs / "python", "-m", "oppmigrate", "migrate", "upgrade", "--lock-timeout", str(LONG_S)],
            cwd=self.project.path,
            env={**clean_environment(), **self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_victim(self) -> "subprocess.Popen[str]":
        """A run that stands still in the middle of `two`, where it holds the lock."""
        victim, holding = self.start(**{VICTIM: "1"}), self.project.path / "holding"
        end = time.monotonic() + 60
        while not holding.exists():
            assert victim.poll() is None, victim.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)
        return victim

    def assert_each_revision_was_applied_once(self) -> None:
        assert self.heads() == [("five",)]
        assert self.rows("SELECT id, n FROM counter ORDER BY id") == [(1, 11), (2, 111)]
        assert self.rows("SELECT id, name, seat FROM guests ORDER BY id") == [
            (1, "Ada", None),
            (2, "Grace", None),
            (3, "once", 3),
        ]


def finish(runs: "list[subprocess.Popen[str]]") -> list[int]:
    """How many revisions each run says that it applied, the most first; every one has to end well."""
    outputs = [run.communicate(timeout=LONG_S) for run in runs]
    assert [run.returncode for run in runs] == [0] * len(runs), outputs
    found = [re.search(r"applied (\d+) revision", out) for out, _ in outputs]
    return sorted((int(match[1]) if match else 0 for match in found), reverse=True)


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    """Where the `python` is that has made the imports already, so that many start at once."""
    with tempfile.TemporaryDirectory(prefix="runs-") as folder, warm_python(Path(folder)) as programs:
        yield programs


@pytest.fixture
def counter(project: Project, database_url: str, programs: Path) -> Counter:
    return Counter(project, database_url, programs)


@pytest.fixture
def pooled(project: Project, postgresql_url: str, programs: Path, tmp_path: Path) -> Iterator[Counter]:
    """The project, whose database is reached through pgbouncer."""
    with pgbouncer(postgresql_url, tmp_path) as port:
        url = make_url(postgresql_url).set(port=port).render_as_string(hide_password=False)
        yield Counter(project, url, programs)


def test_sixteen_upgrades_at_once_apply_each_revision_once(counter: Counter) -> None:
    applied = finish([counter.start() for _ in range(RUNS)])
    assert applied == [4] + [0] * (RUNS - 1)
    counter.assert_each_revision_was_applied_once()


def test_upgrades_of_which_the_first_is_killed_while_it_holds_the_lock(counter: Counter) -> None:
    victim = counter.start_victim()
    runs = [counter.start() for _ in range(BESIDE_A_VICTIM)]
    time.sleep(2)
    assert all(run.poll() is None for run in runs)
    victim.kill()
    assert finish(runs)[0] == 4
    victim.communicate()
    counter.assert_each_revision_was_applied_once()


# ---- through a pooling proxy


def assert_nothing_stays_in_the_sessions(pooled: Counter) -> None:
    """The proxy gives them to others: no lock, and no setting but those of the server."""
    advisory = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    database = "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    assert pooled.rows(f"{advisory} {database}") == [(0,)]
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "tcp_keepalives_idle")
    settings = ", ".join(f"current_setting('{name}')" for name in names)
    asked = [connect(pooled.database) for _ in range(8)]  # at once, so that each has a session of its own
    for session in asked:
        session.autocommit = False
    rows = [session.execute(f"SELECT {settings}, pg_backend_pid()").fetchone() for session in asked]  # type: ignore[call-overload]
    for session in asked:
        session.close()
    assert len({row[-1] for row in rows if row}) == len(asked)
    assert {row[:3] for row in rows if row} == {("0", "0", "0")}
    assert len({row[3] for row in rows if row}) == 1


def test_holder_behind_a_pooling_proxy_is_known(pooled: Counter) -> None:
    holder = assert_waiting_tells_of_the_holder(pooled.database)
    assert f"oppmigrate {getpass.getuser()}@" in holder.description
    assert holder.since is not None
    assert_nothing_stays_in_the_sessions(pooled)


def test_sixteen_upgrades_at_once_through_a_pooling_proxy(pooled: Counter) -> None:
    assert finish([pooled.start() for _ in range(RUNS)]) == [4] + [0] * (RUNS - 1)
    pooled.assert_each_revision_was_applied_once()
    assert_nothing_stays_in_the_sessions(pooled)


def test_killed_run_behind_a_pooling_proxy_blocks_nobody(pooled: Counter) -> None:
    victim = pooled.start_victim()
    runs = [pooled.start() for _ in range(3)]
    time.sleep(2)
    assert all(run.poll() is None for run in runs)
    victim.kill()
    assert finish(runs)[0] == 4
    victim.communicate()
    pooled.assert_each_revision_was_applied_once()
    assert_nothing_stays_in_the_sessions(pooled)


@pytest.mark.parametrize("driver", ["postgresql+asyncpg", "postgresql+psycopg_async"])
def test_async_drivers_work_through_a_pooling_proxy(pooled: Counter, driver: str) -> None:
    pooled.env = {"DATABASE_URL": make_url(pooled.url).set(drivername=driver).render_as_string(hide_password=False)}
    assert finish([pooled.start() for _ in range(3)]) == [4, 0, 0]
    pooled.assert_each_revision_was_applied_once()
    assert_nothing_stays_in_the_sessions(pooled)
