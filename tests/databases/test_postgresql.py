"""PostgreSQL: which driver, connections, and the lock for migrating."""

import asyncio
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, ProgrammingError

from oppmigrate.databases import Database, open_database, opening
from oppmigrate.errors import (
    ConfigurationError,
    DatabaseLocked,
    DriverMissing,
    MigrateError,
    UnsupportedDatabase,
)
from postgresql_rows import connect, query
from server_checks import assert_lock_is_held_by_one, assert_lock_waits
from servers import with_driver

# ---- which driver


def test_url_without_a_driver_takes_the_one_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for installed, expected in (
        ({"psycopg", "asyncpg", "greenlet"}, "psycopg"),
        ({"psycopg"}, "psycopg"),
        ({"asyncpg", "greenlet"}, "asyncpg"),
        ({"psycopg2"}, "psycopg2"),
    ):
        monkeypatch.setattr(opening, "is_installed", installed.__contains__)
        assert open_database("postgresql://u@h/d").url.get_driver_name() == expected


def test_missing_driver_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "is_installed", lambda module: False)
    for url, command in (
        ("postgresql://u:secret@h/d", "pip install 'oppmigrate[postgresql]'"),
        ("postgresql+psycopg://u:secret@h/d", "pip install 'oppmigrate[postgresql]'"),
        ("postgresql+asyncpg://u:secret@h/d", "pip install asyncpg"),
    ):
        with pytest.raises(DriverMissing) as caught:
            open_database(url)
        assert caught.value.do == command
        assert "secret" not in str(caught.value)


def test_async_driver_without_greenlet_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "is_installed", lambda module: module != "greenlet")
    with pytest.raises(DriverMissing) as caught:
        open_database("postgresql+asyncpg://u@h/d")
    assert caught.value.do == "pip install greenlet"


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("", ConfigurationError),
        ("  ", ConfigurationError),
        ("no url", ConfigurationError),
        ("postgresql://u:secret@h:port/d", ConfigurationError),
        ("postgres://u:secret@h/d", ConfigurationError),
        ("postgresql://u:secret@h", ConfigurationError),
        ("postgresql+nonesuch://u:secret@h/d", UnsupportedDatabase),
        ("oracle://u:secret@h/d", UnsupportedDatabase),
    ],
)
def test_url_that_cannot_be_used(url: str, error: type[MigrateError]) -> None:
    with pytest.raises(error) as caught:
        open_database(url)
    assert "secret" not in str(caught.value)
    assert caught.value.do or caught.value.why


ONLY_ASYNCPG = """
import sys
for name in ("psycopg", "psycopg2", "pg8000"):
    sys.modules[name] = None
from pathlib import Path
from oppmigrate.databases import open_database

database = open_database(sys.argv[1])
assert database.is_async and database.url.get_driver_name() == "asyncpg"
database.probe()
assert database.exists() and database.size_bytes()

def work(connection):
    database.prepare(connection)
    with database.lock(connection, "key", 1), connection.begin():
        connection.exec_driver_sql("CREATE TABLE t (x integer)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        database.check_integrity(connection)
    database.release(connection)

database.run(work)
with database.scratch() as scratch:
    scratch.run(work)
target = Path(sys.argv[2])
database.backup(target)
assert database.delete() == ("table public.t",)
database.restore(target)
print(database.run(lambda connection: connection.exec_driver_sql("SELECT x FROM t").scalar_one()))
"""


@pytest.mark.parametrize("driver", ["postgresql", "postgresql+asyncpg"])
def test_every_method_works_with_asyncpg_alone(postgresql_url: str, tmp_path: Path, driver: str) -> None:
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        ONLY_ASYNCPG,
        with_driver(postgresql_url, driver),
        tmp_path / "b.dump",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1\n", "")


# ---- connections


def test_run_commits_nothing_by_itself(database: Database) -> None:
    database.run(lambda connection: connection.exec_driver_sql("CREATE TABLE t (x integer)"))
    assert query(database, "SELECT to_regclass('t')") == [(None,)]


def test_run_works_inside_a_running_event_loop(database: Database) -> None:
    async def main() -> int:
        return database.run(lambda connection: int(connection.exec_driver_sql("SELECT 7").scalar_one()))

    assert asyncio.run(main()) == 7


def test_ddl_is_gone_when_a_later_statement_fails(database: Database) -> None:
    def work(connection: Connection) -> None:
        database.prepare(connection)
        with connection.begin():
            connection.exec_driver_sql("CREATE TABLE t (x integer)")
            connection.exec_driver_sql("no sql")

    with pytest.raises((ProgrammingError, DBAPIError)):
        database.run(work)
    assert query(database, "SELECT to_regclass('t')") == [(None,)]


def test_exists_and_size(database: Database) -> None:
    assert database.exists()
    assert database.size_bytes() > 1_000_000
    other = open_database(database.url.set(database="oppman_none").render_as_string(hide_password=False))
    assert not other.exists()


INTERRUPTED = """
import asyncio, os, signal, sys, threading, time
from oppmigrate.databases import open_database

database = open_database(sys.argv[1])

def interrupt():
    for _ in range(2 if sys.argv[2] == "inside" else 1):  # asyncio.run keeps the first for its own task
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

def work(connection):
    connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    threading.Thread(target=interrupt).start()
    with database.lock(connection, "key", 0):
        connection.exec_driver_sql("SELECT pg_sleep(60)")

async def inside():
    database.run(work)

try:
    asyncio.run(inside()) if sys.argv[2] == "inside" else database.run(work)
except KeyboardInterrupt:
    print("interrupted", database.run(lambda connection: connection.exec_driver_sql("SELECT * FROM t").all()))
"""


@pytest.mark.parametrize("place", ["outside", "inside"])
def test_ctrl_c_ends_the_statement_and_leaves_nothing(database: Database, place: str) -> None:
    """Inside and outside of a running event loop."""
    query(database, "CREATE TABLE t (x integer)")
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-W", "error", "-c", INTERRUPTED, url, place]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr) == ("interrupted []\n", "")
    assert query(
        database,
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())",
    ) == [(0,)]


# ---- migrating


def lock_timeout(connection: Connection) -> str:
    value = str(connection.exec_driver_sql("SHOW lock_timeout").scalar_one())
    connection.rollback()
    return value


def test_prepare_sets_a_lock_timeout_that_a_rollback_leaves_and_release_takes_back(database: Database) -> None:
    def work(connection: Connection) -> None:
        database.prepare(connection)
        assert not connection.in_transaction()
        connection.exec_driver_sql("SELECT 1")
        connection.rollback()
        assert lock_timeout(connection) == "5s"
        database.release(connection)
        assert lock_timeout(connection) == "0"

    database.run(work)


def test_prepare_leaves_a_lock_timeout_of_the_users_own(plain: Database) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("SET lock_timeout = '9s'")
        connection.commit()
        plain.prepare(connection)
        assert lock_timeout(connection) == "9s"
        plain.release(connection)
        assert lock_timeout(connection) == "9s"

    plain.run(work)


def test_statement_that_waits_for_a_lock_becomes_database_locked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(database), "table_lock_timeout_s", 0.2)
    query(database, "CREATE TABLE t (x integer)")

    def work(connection: Connection) -> None:
        database.prepare(connection)
        connection.exec_driver_sql("ALTER TABLE t ADD COLUMN y integer")

    with closing(connect(database)) as other:
        other.autocommit = False
        other.execute("SELECT * FROM t")
        with pytest.raises(DatabaseLocked, match="another session"):
            database.run(work)
        other.rollback()


def test_lock_is_held_by_one_and_free_afterwards(database: Database) -> None:
    assert_lock_is_held_by_one(database, do="pg_terminate_backend")


def test_lock_is_free_after_an_error_inside(database: Database) -> None:
    def work(connection: Connection) -> None:
        with database.lock(connection, "key", 0), connection.begin():
            connection.exec_driver_sql("no sql")

    def both(connection: Connection) -> None:
        with pytest.raises(DBAPIError):
            work(connection)
        database.run(lambda other: database.lock(other, "key", 0).__enter__())

    database.run(both)


def test_lock_waits_until_the_other_is_done(plain: Database) -> None:
    assert_lock_waits(plain)


def test_only_an_index_tells_that_its_statement_did_nothing(database: Database) -> None:
    query(database, "CREATE TABLE t (x INT)")
    query(database, "CREATE INDEX here ON t (x)")
    made, dropped = "CREATE INDEX CONCURRENTLY {} ON t (x)", "DROP INDEX CONCURRENTLY {}"

    def work(connection: Connection) -> None:
        assert database.is_untouched(connection, made.format("gone"), None)
        assert not database.is_untouched(connection, made.format("here"), None)
        assert database.is_untouched(connection, dropped.format("here"), None)
        assert not database.is_untouched(connection, dropped.format("gone"), None)
        assert not database.is_untouched(connection, "ALTER TYPE color ADD VALUE 'red'", None)

    database.run(work)
