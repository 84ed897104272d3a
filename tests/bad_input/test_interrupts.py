"""Ctrl-C at a question, and Ctrl-C or SIGTERM in the middle of the work."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest
from sqlalchemy import Connection, make_url

from bad_projects import FIRST, Shop
from oppmigrate.databases import open_database
from projects import clean_environment
from servers import with_driver

SOON_S = 20
SLOW_STATEMENT = {
    "sqlite": "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1e9) SELECT max(x) FROM c",
    "postgresql": "SELECT pg_sleep(60)",
    "mysql": "SELECT SLEEP(60)",
}
SLEEP = "import time; time.sleep(60)"
CREATE_T = 'op.create_table("t{}", sa.Column("a", sa.Integer()))'


def interrupt(shop: Shop, number: signal.Signals, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Send the signal to a command once its revision has made the file `started`."""
    command = [sys.executable, "-m", "oppmigrate", *arguments]
    environment = {**clean_environment(), **shop.env}
    with subprocess.Popen(
        command, cwd=shop.path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        wait_for(shop.path / "started")
        time.sleep(0.2)  # into the statement
        process.send_signal(number)
        try:
            out, err = process.communicate(timeout=SOON_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + SOON_S
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} was not made"
        time.sleep(0.02)


def slow_shop(shop: Shop, url: str, slow: str) -> Shop:
    """Two revisions are pending, and the second takes long."""
    shop.url = url
    shop.env = {"DATABASE_URL": url}
    shop.upgraded().revision("bbbb", upgrade=CREATE_T.format(1))
    mark = "from pathlib import Path; Path('started').touch()"
    shop.revision("cccc", "bbbb", f"{CREATE_T.format(2)}\n    {mark}\n    {slow}")
    return shop


def assert_last_line(done: subprocess.CompletedProcess[str], word: str, stands: str) -> None:
    *story, last = done.stderr.splitlines()
    last = last.partition("; the backup from before is ")[0]
    assert last == f"{word}: the database stands at {stands}", done.stderr
    assert all(line.startswith("  ") for line in story), done.stderr


@pytest.mark.parametrize("statement", [False, True], ids=["sleeping", "in a statement"])
@pytest.mark.parametrize("driver", ["sqlite", "sqlite+aiosqlite"])
def test_ctrl_c_on_sqlite_undoes_the_whole_upgrade(small_shop: Shop, driver: str, statement: bool) -> None:
    slow = f"op.execute({SLOW_STATEMENT['sqlite']!r})" if statement else SLEEP
    slow_shop(small_shop, small_shop.url.replace("sqlite:", f"{driver}:"), slow)
    state = small_shop.state()
    done = interrupt(small_shop, signal.SIGINT, "migrate", "upgrade")
    assert done.returncode == 130
    assert_last_line(done, "interrupted", f"{FIRST}, as before: nothing was changed")
    (small_shop.path / "started").unlink()
    assert small_shop.state() == state
    small_shop.revision("cccc", "bbbb")
    small_shop.ok("migrate", "upgrade", "--lock-timeout", "0")
    assert small_shop.recorded() == ["cccc"]


def test_ctrl_c_among_many_rows_leaves_no_lock_behind(small_shop: Shop) -> None:
    """More was written than the cache holds, so that nobody reads before the transaction is over."""
    slow = SLOW_STATEMENT["sqlite"].replace("max(x)", "CAST(max(x) AS TEXT)")
    lines = (
        "bind = op.get_bind()",
        "bind.exec_driver_sql('PRAGMA cache_size = 1')",
        f"bind.exec_driver_sql('CREATE TRIGGER w AFTER INSERT ON t2 WHEN new.a = 999 BEGIN {slow}; END')",
        "bind.execute(sa.text('INSERT INTO t2 (a) VALUES (:a)'), [{'a': n} for n in range(100_000, 0, -1)])",
    )
    slow_shop(small_shop, small_shop.url, "\n    ".join(lines))
    done = interrupt(small_shop, signal.SIGINT, "migrate", "upgrade")
    assert_last_line(done, "interrupted", f"{FIRST}, as before: nothing was changed")


@pytest.mark.parametrize("statement", [False, True], ids=["sleeping", "in a statement"])
@pytest.mark.parametrize("driver", ["postgresql+psycopg", "postgresql+asyncpg"])
def test_ctrl_c_on_postgresql_undoes_the_revision(
    small_shop: Shop, postgresql_url: str, driver: str, statement: bool
) -> None:
    slow = f"op.execute({SLOW_STATEMENT['postgresql']!r})" if statement else SLEEP
    slow_shop(small_shop, postgresql_url.replace("postgresql+psycopg", driver), slow)
    done = interrupt(small_shop, signal.SIGINT, "migrate", "upgrade")
    assert done.returncode == 130
    assert_last_line(done, "interrupted", "bbbb")
    assert small_shop.tables() == {"users", "t1"}
    small_shop.revision("cccc", "bbbb")
    small_shop.ok("migrate", "upgrade", "--lock-timeout", "0")


@pytest.mark.parametrize("driver", ["mysql+pymysql", "mysql+aiomysql"])
def test_ctrl_c_on_mariadb_says_what_stays(small_shop: Shop, mysql_url: str, driver: str) -> None:
    slow_shop(small_shop, mysql_url.replace("mysql+pymysql", driver), SLEEP)
    done = interrupt(small_shop, signal.SIGINT, "migrate", "upgrade")
    assert done.returncode == 130
    assert "the database stands at bbbb, and half way in the upgrade of cccc: 1 statement committed" in done.stderr
    assert "Traceback" not in done.stderr
    assert small_shop.tables() == {"users", "t1", "t2"}
    small_shop.revision("cccc", "bbbb")
    small_shop.refuse("migrate upgrade", "revision-diverged", "CREATE TABLE t2", keeps=False)
    small_shop.revision("cccc", "bbbb", CREATE_T.format(2))
    small_shop.ok("migrate", "upgrade")


def test_sigterm_is_as_ctrl_c(small_shop: Shop, postgresql_url: str) -> None:
    slow_shop(small_shop, postgresql_url, SLEEP)
    done = interrupt(small_shop, signal.SIGTERM, "migrate", "upgrade")
    assert done.returncode == 143
    assert_last_line(done, "terminated", "bbbb")
    small_shop.revision("cccc", "bbbb")
    small_shop.ok("migrate", "upgrade", "--lock-timeout", "0")


def test_scratch_database_is_removed_when_create_is_called_off(small_shop: Shop, mysql_url: str) -> None:
    named = "Path('started').write_text(op.get_bind().exec_driver_sql('SELECT DATABASE()').scalar())"
    slow_shop(small_shop, mysql_url, f"{named}\n    {SLEEP}")
    done = interrupt(small_shop, signal.SIGTERM, "migrate", "create", "x")
    assert (done.returncode, done.stderr) == (143, "terminated\n")
    scratch = (small_shop.path / "started").read_text()
    databases = open_database(mysql_url).run(lambda c: c.exec_driver_sql("SHOW DATABASES").scalars().all())
    assert scratch.startswith("oppman_scratch_") and scratch not in databases
    assert len(list((small_shop.path / "alembic/versions").glob("*.py"))) == 3


def test_ctrl_c_with_json_is_one_document(small_shop: Shop) -> None:
    slow_shop(small_shop, small_shop.url, SLEEP)
    done = interrupt(small_shop, signal.SIGINT, "migrate", "upgrade", "--json")
    error = json.loads(done.stdout)["error"]
    assert error["kind"] == "interrupted" and f"the database stands at {FIRST}" in error["what"]


def test_ctrl_c_while_waiting_for_the_lock(small_shop: Shop) -> None:
    small_shop.upgraded().revision("bbbb")
    # found by the wait, as if a revision had made it
    small_shop.change(
        "alembic/env.py", "import models", "import models\nfrom pathlib import Path; Path('started').touch()"
    )
    holder = sqlite3.connect(make_url(small_shop.url).database or "", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    done = interrupt(small_shop, signal.SIGINT, "migrate", "upgrade", "--lock-timeout", "60")
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
    assert time.monotonic() - started < SOON_S
    holder.rollback()
    holder.close()
    small_shop.ok("migrate", "upgrade", "--lock-timeout", "0")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
@pytest.mark.parametrize("driver", ["postgresql+psycopg", "postgresql+asyncpg", "mysql+pymysql", "mysql+aiomysql"])
def test_signal_while_waiting_for_another_run(
    small_shop: Shop, request: pytest.FixtureRequest, driver: str, number: signal.Signals
) -> None:
    small_shop.url = with_driver(request.getfixturevalue(f"{driver.partition('+')[0]}_url"), driver)
    small_shop.env = {"DATABASE_URL": small_shop.url}
    small_shop.upgraded().revision("bbbb")
    small_shop.change(
        "alembic/env.py", "import models", "import models\nfrom pathlib import Path; Path('started').touch()"
    )
    database = open_database(small_shop.url)

    def hold(connection: Connection) -> subprocess.CompletedProcess[str]:
        with database.lock(connection, "", 1):
            return interrupt(small_shop, number, "migrate", "upgrade", "--lock-timeout", "60")

    done = database.run(hold)
    word = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}[number]
    *waiting, last = done.stderr.splitlines()
    assert (done.returncode, last) == (128 + number, word)
    assert all(line.startswith("  waiting: ") for line in waiting)
    small_shop.ok("migrate", "upgrade", "--lock-timeout", "0")


@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        (["migrate", "create"], "What changes"),
        (["migrate", "downgrade", "-1"], "Undo 1 revision"),
        (["delete"], "Delete everything"),
    ],
)
def test_ctrl_c_at_a_question(small_shop: Shop, arguments: list[str], question: str) -> None:
    small_shop.upgraded()
    state = small_shop.state()
    child = pexpect.spawn(
        sys.executable,
        ["-m", "oppmigrate", *arguments],
        cwd=small_shop.path,
        env={**clean_environment(), **small_shop.env, "TERM": "xterm"},
        encoding="utf-8",
        timeout=60,
    )
    child.expect(question)
    child.sendintr()
    child.expect("interrupted\r\n")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert child.before == ""
    assert small_shop.state() == state


@pytest.mark.parametrize("arguments", [["migrate", "create"], ["delete"]])
def test_end_of_input_at_a_question(small_shop: Shop, arguments: list[str]) -> None:
    small_shop.upgraded()
    state = small_shop.state()
    child = pexpect.spawn(
        sys.executable,
        ["-m", "oppmigrate", *arguments],
        cwd=small_shop.path,
        env={**clean_environment(), **small_shop.env, "TERM": "xterm"},
        encoding="utf-8",
        timeout=60,
    )
    child.expect(": ")
    child.sendeof()
    child.expect("the input ended before the answer")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1
    assert small_shop.state() == state
