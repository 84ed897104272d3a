"""Transactions, trying again, and what others do meanwhile."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from migrated_project import MigratedProject
from projects import Project, clean_environment

MODELS = """
    from sqlmodel import Field, SQLModel


    class Account(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        n: int = 0
"""
COUNT_UP = 'op.execute("UPDATE account SET n = n + 1")'


class Accounts(MigratedProject):
    """A project at its first revision, with an account in it."""

    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        project.write("models.py", MODELS)
        for command in (("init",), ("create", "Initial", "--rev-id", "first"), ("upgrade",)):
            self.ok("migrate", *command)
        self.execute("INSERT INTO account (id, n) VALUES (1, 0)")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "oppmigrate", *arguments],
            cwd=self.project.path,
            env={**clean_environment(), **self.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def accounts(project: Project, database_url: str) -> Accounts:
    return Accounts(project, database_url)


@pytest.fixture
def sqlite_accounts(project: Project, sqlite_url: str) -> Accounts:
    return Accounts(project, sqlite_url)


@pytest.fixture
def postgresql_accounts(project: Project, postgresql_url: str) -> Accounts:
    return Accounts(project, postgresql_url)


def add_revisions_of_which_the_last_fails(accounts: Accounts) -> None:
    accounts.revision("second", "first", COUNT_UP)
    accounts.revision("third", "second", COUNT_UP, 'raise ValueError("no")')


# ---- how much is one transaction


def test_revision_is_a_transaction_on_sqlite_where_the_setting_says_so(sqlite_accounts: Accounts) -> None:
    add_revisions_of_which_the_last_fails(sqlite_accounts)
    sqlite_accounts.env["OPPMAN_TRANSACTION"] = "revision"
    done = sqlite_accounts.run("migrate", "upgrade")
    assert done.returncode == 1
    assert "the database stands at second" in done.stderr
    assert sqlite_accounts.heads() == [("second",)]
    assert sqlite_accounts.rows("SELECT n FROM account") == [(1,)]


def test_whole_upgrade_is_a_transaction_on_postgresql_where_the_setting_says_so(postgresql_accounts: Accounts) -> None:
    add_revisions_of_which_the_last_fails(postgresql_accounts)
    postgresql_accounts.env["OPPMAN_TRANSACTION"] = "upgrade"
    done = postgresql_accounts.run("migrate", "upgrade")
    assert done.returncode == 1
    assert "the database stands at first, as before: nothing was changed" in done.stderr
    assert postgresql_accounts.heads() == [("first",)]
    assert postgresql_accounts.rows("SELECT n FROM account") == [(0,)]


def test_runs_that_take_turns_between_revisions_apply_each_once(sqlite_accounts: Accounts) -> None:
    parent = "first"
    for number in range(8):
        sqlite_accounts.revision(f"r{number}", parent, "import time", "time.sleep(0.05)", COUNT_UP)
        parent = f"r{number}"
    sqlite_accounts.env["OPPMAN_TRANSACTION"] = "revision"
    runs = [sqlite_accounts.start("migrate", "upgrade") for _ in range(3)]
    outputs = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], outputs
    assert sqlite_accounts.rows("SELECT n FROM account") == [(8,)]
    assert sqlite_accounts.heads() == [("r7",)]


# ---- trying again


@contextmanager
def reading(accounts: Accounts, seconds: float) -> Iterator[None]:
    """Meanwhile a transaction that has read the table is open, for so long."""
    holds = threading.Event()

    def work(connection) -> None:
        connection.execute(text("SELECT * FROM account")).all()
        holds.set()
        time.sleep(seconds)

    thread = threading.Thread(target=accounts.database.run, args=(work,))
    thread.start()
    holds.wait()
    try:
        yield
    finally:
        thread.join()


@pytest.mark.parametrize("server", ["postgresql", "mysql"])
def test_revision_is_tried_again_when_a_lock_is_in_its_way(
    project: Project, server: str, request: pytest.FixtureRequest
) -> None:
    accounts = Accounts(project, request.getfixturevalue(f"{server}_url"))
    accounts.revision("second", "first", COUNT_UP, 'op.add_column("account", sa.Column("a", sa.Integer))')
    accounts.env["OPPMAN_TABLE_LOCK_TIMEOUT"] = "1"
    with reading(accounts, 4):
        done = accounts.run("migrate", "upgrade")
    assert done.returncode == 0, done.stderr
    assert "waits for a lock on a table" in done.stderr
    assert accounts.rows("SELECT n FROM account") == [(1,)]
    assert accounts.heads() == [("second",)]


@pytest.mark.parametrize("server", ["postgresql", "mysql"])
def test_lock_that_stays_in_the_way_is_an_error_after_the_time_to_wait(
    project: Project, server: str, request: pytest.FixtureRequest
) -> None:
    accounts = Accounts(project, request.getfixturevalue(f"{server}_url"))
    accounts.revision("second", "first", 'op.add_column("account", sa.Column("a", sa.Integer))')
    accounts.env["OPPMAN_TABLE_LOCK_TIMEOUT"] = "1"
    with reading(accounts, 6):
        done = accounts.run("migrate", "upgrade", "--lock-timeout", "0")
    assert done.returncode == 1
    assert "lock" in done.stderr
    assert "Traceback" not in done.stderr
    assert accounts.heads() == [("first",)]
    accounts.ok("migrate", "upgrade")


# ---- what is said afterwards


def test_step_is_written_down_with_the_file_and_who_ran_it(accounts: Accounts) -> None:
    accounts.revision("second", "first", COUNT_UP)
    accounts.ok("migrate", "upgrade")
    query = "SELECT revision, direction, outcome, error, progress FROM oppman_journal ORDER BY id"
    assert accounts.rows(query) == [
        ("first", "upgrade", "done", None, None),
        ("second", "upgrade", "done", None, None),
    ]
    assert all("@" in by for (by,) in accounts.rows("SELECT done_by FROM oppman_journal"))


def test_env_file_that_swallows_the_error_is_no_success(sqlite_accounts: Accounts) -> None:
    sqlite_accounts.revision("second", "first", COUNT_UP, 'raise ValueError("no")')
    env = sqlite_accounts.project.path / "alembic" / "env.py"
    env.write_text(
        env.read_text().replace(
            "run_migrations(context",
            "import contextlib\nwith contextlib.suppress(Exception):\n    run_migrations(context",
        )
    )
    done = sqlite_accounts.run("migrate", "upgrade")
    assert done.returncode == 1, done.stdout
    assert sqlite_accounts.heads() == [("first",)]
    assert sqlite_accounts.rows("SELECT n FROM account") == [(0,)]
