"""MariaDB and MySQL: which driver, connections, and the lock for migrating."""

import asyncio
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from mysql_rows import DRIVERS, connect, query
from oppmigrate.databases import Database, open_database, opening
from oppmigrate.errors import (
    ConfigurationError,
    DatabaseLocked,
    DriverMissing,
)
from server_checks import assert_lock_is_held_by_one, assert_lock_waits
from servers import with_driver

# ---- which driver


def test_url_without_a_driver_takes_the_one_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("mysql", "mariadb"):
        for installed, expected in (
            ({"MySQLdb", "pymysql"}, "mysqldb"),
            ({"pymysql"}, "pymysql"),
            ({"aiomysql", "pymysql", "greenlet"}, "pymysql"),
            ({"asyncmy", "greenlet"}, "asyncmy"),
        ):
            monkeypatch.setattr(opening, "is_installed", installed.__contains__)
            database = open_database(f"{scheme}://u@h/d")
            assert (database.url.get_backend_name(), database.url.get_driver_name()) == (scheme, expected)


def test_missing_driver_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "is_installed", lambda module: False)
    for url, command in (
        ("mysql://u:secret@h/d", "pip install 'oppmigrate[mysql]'"),
        ("mariadb+pymysql://u:secret@h/d", "pip install 'oppmigrate[mysql]'"),
        ("mysql+aiomysql://u:secret@h/d", "pip install aiomysql"),
        ("mysql+mysqldb://u:secret@h/d", "pip install mysqlclient"),
    ):
        with pytest.raises(DriverMissing) as caught:
            open_database(url)
        assert caught.value.do == command
        assert "secret" not in str(caught.value)


def test_url_without_a_database_is_incomplete() -> None:
    with pytest.raises(ConfigurationError, match="names no database"):
        open_database("mysql+pymysql://u:secret@h")


ONLY_ONE_DRIVER = """
import sys
for name in sys.argv[3:]:
    sys.modules[name] = None
from pathlib import Path
from oppmigrate.databases import open_database

database = open_database(sys.argv[1])
database.probe()
assert database.exists()
database.size_bytes()

def work(connection):
    database.prepare(connection)
    with database.lock(connection, "key", 1), connection.begin():
        connection.exec_driver_sql("CREATE TABLE t (x integer)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    database.release(connection)

database.run(work)
with database.scratch() as scratch:
    scratch.run(work)
target = Path(sys.argv[2])
database.backup(target)
assert database.delete() == ("table t",)
database.restore(target)
print(database.run(lambda connection: connection.exec_driver_sql("SELECT x FROM t").scalar_one()))
"""


@pytest.mark.parametrize(
    ("driver", "absent"),
    [("mysql+aiomysql", "MySQLdb"), ("mysql+pymysql", "aiomysql"), ("mysql", "aiomysql"), ("mariadb", "aiomysql")],
)
def test_every_method_works_with_one_driver_alone(mysql_url: str, tmp_path: Path, driver: str, absent: str) -> None:
    command = [sys.executable, "-W", "error", "-c", ONLY_ONE_DRIVER, with_driver(mysql_url, driver), tmp_path / "b.sql"]
    done = subprocess.run([*command, absent, "MySQLdb", "asyncmy"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1\n", "")


# ---- connections


def test_run_commits_nothing_by_itself(database: Database) -> None:
    query(database, "CREATE TABLE t (x INT)")
    database.run(lambda connection: connection.exec_driver_sql("INSERT INTO t VALUES (1)"))
    assert query(database, "SELECT * FROM t") == []


def test_run_works_inside_a_running_event_loop(database: Database) -> None:
    async def main() -> int:
        return database.run(lambda connection: int(connection.exec_driver_sql("SELECT 7").scalar_one()))

    assert asyncio.run(main()) == 7


def test_ddl_is_known_to_commit_by_itself(plain: Database) -> None:
    assert (plain.rolls_back_ddl, plain.one_transaction, plain.rebuilds_tables) == (False, False, False)


def test_exists_and_size(database: Database) -> None:
    query(database, "CREATE TABLE t (x INT)")
    assert database.exists()
    assert database.size_bytes() > 1000
    assert not type(database)(database.url.set(database="oppman_none")).exists()


def test_statement_longer_than_the_time_to_connect_runs_to_its_end(
    mysql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pymysql's read timeout stands for the connecting only."""
    monkeypatch.setattr("oppmigrate.databases.base.Database.connect_timeout_s", 1)
    for driver in DRIVERS:
        database = open_database(with_driver(mysql_url, driver))
        assert database.run(lambda connection: connection.exec_driver_sql("SELECT SLEEP(1.3)").scalar_one()) == 0


# ---- migrating


def lock_wait_timeout(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT @@SESSION.lock_wait_timeout").scalar_one())


def test_prepare_sets_a_lock_timeout_and_release_takes_it_back(database: Database) -> None:
    def work(connection: Connection) -> None:
        before = lock_wait_timeout(connection)
        connection.rollback()
        database.prepare(connection)
        assert not connection.in_transaction()
        assert lock_wait_timeout(connection) == 5 < before
        database.release(connection)
        assert lock_wait_timeout(connection) == before

    database.run(work)


def test_prepare_leaves_a_lock_timeout_of_the_users_own(plain: Database) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("SET SESSION lock_wait_timeout = 60")
        plain.prepare(connection)
        assert lock_wait_timeout(connection) == 60
        plain.release(connection)
        assert lock_wait_timeout(connection) == 60

    plain.run(work)


def test_statement_that_waits_for_a_lock_becomes_database_locked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(database), "table_lock_timeout_s", 1)
    query(database, "CREATE TABLE t (x INT)")

    def work(connection: Connection) -> None:
        database.prepare(connection)
        connection.exec_driver_sql("ALTER TABLE t ADD COLUMN y INT")

    with closing(connect(database)) as other, other.cursor() as cursor:
        other.begin()
        cursor.execute("SELECT * FROM t")
        with pytest.raises(DatabaseLocked, match="another session"):
            database.run(work)
        other.rollback()


def test_lock_is_held_by_one_and_free_afterwards(database: Database) -> None:
    assert_lock_is_held_by_one(database, do="KILL")


def test_lock_of_another_database_is_another_lock(plain: Database, mysql_url: str) -> None:
    def first(connection: Connection) -> None:
        other = type(plain)(plain.url.set(database="information_schema"))
        with plain.lock(connection, "key", 0):
            other.run(lambda second: other.lock(second, "key", 0).__enter__())

    plain.run(first)


def test_lock_waits_until_the_other_is_done(plain: Database) -> None:
    assert_lock_waits(plain)


def test_mark_is_not_read_from_a_lost_connection(database: Database) -> None:
    """A table that nobody can ask for is not one that is not there: its CREATE would be taken for not run."""

    def work(connection: Connection) -> None:
        statement = "CREATE TABLE x (id INTEGER)"
        mark = database.read_mark(connection, statement)
        own = connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar()
        database.run(lambda other: other.exec_driver_sql(f"KILL {own}"))
        with pytest.raises(DBAPIError):
            database.settle(connection, statement, mark)

    database.run(work)
