"""SQLite: what it is, connections, and real transactions around DDL."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, OperationalError

from oppmigrate.databases import Database, open_database
from oppmigrate.errors import (
    DatabaseLocked,
    DatabaseMissing,
    MigrationFailed,
    Refused,
    UnsupportedDatabase,
)
from sqlite_rows import dump, execute, fill

# ---- what it is


def test_label_and_backup_suffix_name_the_file(plain: Database) -> None:
    assert (plain.label, plain.backup_suffix, plain.name) == ("test", ".db", "SQLite")


def test_capabilities() -> None:
    database = open_database("sqlite://")
    assert (database.rolls_back_ddl, database.one_transaction, database.rebuilds_tables) == (True, True, True)


def test_file_does_not_exist_until_something_is_written(database: Database, path: Path) -> None:
    assert not database.exists()
    with pytest.raises(DatabaseMissing, match=r"no database at .*test\.db"):
        database.probe()
    assert not path.exists()


@pytest.mark.parametrize(
    ("url", "ending"),
    [
        ("sqlite:///file:/tmp/some%20where.db?uri=true", "/tmp/some where.db"),
        ("sqlite:///file:///tmp/x.db?mode=ro&uri=true", "/tmp/x.db"),
        ("sqlite+aiosqlite:////tmp/x.db", "/tmp/x.db"),
    ],
)
def test_path_is_read_from_every_form_of_url(url: str, ending: str) -> None:
    assert str(open_database(url).path) == ending  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true", "sqlite:///file:x?mode=memory&uri=true"],
)
def test_database_in_memory_has_no_files(url: str, tmp_path: Path) -> None:
    database = open_database(url)
    assert not database.exists()
    for deed in (database.delete, database.size_bytes, lambda: database.backup(tmp_path / "b.db")):
        with pytest.raises(UnsupportedDatabase):
            deed()


# ---- connections


def test_run_gives_back_what_work_returns_and_commits_nothing_by_itself(database: Database, path: Path) -> None:
    execute(path, "CREATE TABLE t (x)")

    def work(connection: Connection) -> int:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        return int(connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one())

    assert database.run(work) == 1
    assert database.run(lambda connection: connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one()) == 0


def test_run_works_inside_a_running_event_loop(database: Database) -> None:
    async def main() -> int:
        return database.run(lambda connection: int(connection.exec_driver_sql("SELECT 7").scalar_one()))

    assert asyncio.run(main()) == 7


def test_run_works_inside_of_run(database: Database) -> None:
    def inner(connection: Connection) -> int:
        return int(connection.exec_driver_sql("SELECT 1").scalar_one())

    assert database.run(lambda connection: inner(connection) + database.run(inner)) == 2


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), MigrationFailed("mine")])
def test_error_of_the_work_comes_out_as_it_is(database: Database, error: BaseException) -> None:
    def work(connection: Connection) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        database.run(work)
    assert caught.value is error


def test_error_of_sql_stays_sqlalchemys(database: Database) -> None:
    with pytest.raises(OperationalError, match="no such table"):
        database.run(lambda connection: connection.exec_driver_sql("SELECT * FROM nowhere"))


# ---- migrating


def test_ddl_and_rows_are_gone_when_a_later_statement_fails(database: Database, path: Path) -> None:
    execute(path, "CREATE TABLE before (x INTEGER UNIQUE)", "INSERT INTO before VALUES (1)")
    before = dump(path)

    def work(connection: Connection) -> None:
        database.prepare(connection)
        with connection.begin():
            connection.exec_driver_sql("CREATE TABLE t (x INTEGER)")
            connection.exec_driver_sql("INSERT INTO t VALUES (1)")
            connection.exec_driver_sql("ALTER TABLE before RENAME TO after")
            connection.exec_driver_sql("CREATE INDEX i ON after (x)")
            connection.exec_driver_sql("INSERT INTO after VALUES (1)")

    with pytest.raises(IntegrityError):
        database.run(work)
    assert dump(path) == before


def test_ddl_stays_when_the_transaction_ends_well(database: Database, path: Path) -> None:
    def work(connection: Connection) -> None:
        database.prepare(connection)
        with connection.begin():
            connection.exec_driver_sql("CREATE TABLE t (x INTEGER)")
            connection.exec_driver_sql("INSERT INTO t VALUES (1)")

    database.run(work)
    assert 'INSERT INTO "t" VALUES(1);' in dump(path)


def test_ddl_is_gone_after_an_end_without_commit(database: Database, path: Path) -> None:
    """What a kill, or a run that forgets to commit, leaves."""

    def work(connection: Connection) -> None:
        database.prepare(connection)
        connection.exec_driver_sql("CREATE TABLE t (x INTEGER)")

    database.run(work)
    assert dump(path) == ["BEGIN TRANSACTION;", "COMMIT;"]


def test_statement_begun_before_prepare_is_inside_the_transaction(database: Database, path: Path) -> None:
    """SQLAlchemy begins at the first SELECT, where the driver does not."""

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT 1")
        database.prepare(connection)
        connection.exec_driver_sql("CREATE TABLE t (x INTEGER)")
        connection.rollback()

    database.run(work)
    assert dump(path) == ["BEGIN TRANSACTION;", "COMMIT;"]


def test_autocommit_block_runs_outside_of_a_transaction(database: Database, path: Path) -> None:
    fill(path)

    def work(connection: Connection) -> None:
        database.prepare(connection)
        with connection.begin():
            connection.exec_driver_sql("CREATE TABLE first (x)")
        level = connection.get_isolation_level()
        connection.rollback()
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("VACUUM")
        connection.rollback()
        connection.execution_options(isolation_level=level)
        with pytest.raises(OperationalError), connection.begin():
            connection.exec_driver_sql("CREATE TABLE second (x)")
            connection.exec_driver_sql("no sql")

    database.run(work)
    text = "\n".join(dump(path))
    assert "CREATE TABLE first" in text
    assert "CREATE TABLE second" not in text


def test_prepare_keeps_a_rebuilt_table_from_deleting_child_rows(database: Database, path: Path) -> None:
    fill(path)
    execute(path, "DROP VIEW named", "DROP TRIGGER bred")

    def work(connection: Connection) -> int:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        connection.rollback()
        database.prepare(connection)
        with connection.begin():
            connection.exec_driver_sql("CREATE TABLE copy AS SELECT * FROM parents")
            connection.exec_driver_sql("DROP TABLE parents")
            connection.exec_driver_sql("ALTER TABLE copy RENAME TO parents")
        return int(connection.exec_driver_sql("SELECT count(*) FROM children").scalar_one())

    assert database.run(work) == 2


def test_release_puts_everything_back(database: Database) -> None:
    def state(connection: Connection) -> list[object]:
        names = ("foreign_keys", "busy_timeout")
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
        connection.rollback()
        return [*values, connection.connection.dbapi_connection.isolation_level]  # type: ignore[union-attr]

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        connection.exec_driver_sql("PRAGMA busy_timeout = 1234")
        connection.rollback()
        before = state(connection)
        database.prepare(connection)
        database.prepare(connection)
        assert state(connection) != before
        database.release(connection)
        database.release(connection)
        assert state(connection) == before == [1, 1234, ""]

    database.run(work)


def test_prepare_refuses_an_open_transaction_with_foreign_keys(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        connection.exec_driver_sql("BEGIN")
        database.prepare(connection)

    with pytest.raises(Refused, match="open transaction"):
        database.run(work)


def test_prepare_leaves_an_open_transaction_open(database: Database, path: Path) -> None:
    execute(path, "CREATE TABLE t (x)")

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        database.prepare(connection)
        connection.exec_driver_sql("CREATE TABLE u (x)")
        connection.rollback()

    database.run(work)
    assert "INSERT" not in "".join(dump(path))
    assert "TABLE u" not in "".join(dump(path))


def test_check_integrity_names_the_table_and_the_rows(database: Database, path: Path) -> None:
    fill(path)

    def work(connection: Connection) -> None:
        database.prepare(connection)
        with connection.begin():
            connection.exec_driver_sql("DELETE FROM parents")
            database.check_integrity(connection)

    with pytest.raises(MigrationFailed, match="2 in `children`") as caught:
        database.run(work)
    assert caught.value.facts["tables"] == {"children": 2}
    assert "Ada" in "".join(dump(path))


def test_check_integrity_lets_older_violations_pass(database: Database, path: Path) -> None:
    fill(path)
    execute(path, "INSERT INTO children (parent) VALUES (77)")

    def work(connection: Connection) -> None:
        database.prepare(connection)
        with connection.begin():
            connection.exec_driver_sql("CREATE TABLE t (x)")
            database.check_integrity(connection)

    database.run(work)


def test_second_migration_waits_and_then_gets_database_locked(database: Database, path: Path) -> None:
    def first(connection: Connection) -> None:
        database.prepare(connection)
        with connection.begin():
            connection.exec_driver_sql("CREATE TABLE t (x)")
            began = time.monotonic()
            with pytest.raises(DatabaseLocked, match="locked") as caught:
                database.run(second)
            assert 0.3 <= time.monotonic() - began < 3
            assert "0.3 s" in str(caught.value.why)

    def second(connection: Connection) -> None:
        with database.lock(connection, "key", 0.3):
            database.prepare(connection)
            with connection.begin():
                pytest.fail("both hold the write lock")

    database.run(first)
    assert "CREATE TABLE t (x);" in dump(path)


def test_second_migration_goes_on_when_the_first_is_done(database: Database, path: Path) -> None:
    program = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); time.sleep(0.5);"
        "c.execute('CREATE TABLE first (x)'); c.execute('COMMIT')"
    )
    with subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()

        def work(connection: Connection) -> None:
            with database.lock(connection, "key", 10):
                database.prepare(connection)
                with connection.begin():
                    assert connection.exec_driver_sql("SELECT count(*) FROM first").scalar_one() == 0

        database.run(work)


def test_scratch_is_a_new_empty_database_for_each_run(database: Database, path: Path) -> None:
    with database.scratch() as scratch:
        assert scratch.is_async == database.is_async
        for _ in range(2):
            scratch.run(lambda connection: connection.exec_driver_sql("CREATE TABLE t (x)"))
    assert not path.exists()
