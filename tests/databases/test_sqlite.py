"""SQLite: real transactions around DDL, locks, and backups of a file that others write to."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import NullPool

from oppmigrate.databases import Database, open_database, sqlite_errors
from oppmigrate.errors import (
    BackupError,
    BackupUnreadable,
    DatabaseError,
    DatabaseLocked,
    DatabaseMissing,
    DatabaseReadOnly,
    MigrateError,
    MigrationFailed,
    NotADatabase,
    Refused,
    UnsupportedDatabase,
)

DRIVERS = ("sqlite", "sqlite+aiosqlite")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


@pytest.fixture(params=DRIVERS)
def database(request: pytest.FixtureRequest, path: Path) -> Database:
    return open_database(f"{request.param}:///{path}")


@pytest.fixture
def plain(path: Path) -> Database:
    return open_database(f"sqlite:///{path}")


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def dump(path: Path) -> list[str]:
    """Everything the database holds, as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def fill(path: Path, *, wal: bool = False) -> None:
    execute(
        path,
        f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}",
        "CREATE TABLE parents (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL)",
        "CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents ON DELETE CASCADE)",
        "CREATE VIEW named AS SELECT name FROM parents",
        "CREATE TRIGGER bred AFTER INSERT ON parents BEGIN INSERT INTO children (parent) VALUES (new.id); END",
        "INSERT INTO parents (name) VALUES ('Ada'), ('Grace')",
    )


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    """Another connection to the file; not the one under test."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        yield connection


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


# ---- backups


@pytest.mark.parametrize("wal", [False, True])
def test_backup_holds_every_row_and_restore_brings_them_back(database: Database, path: Path, wal: bool) -> None:
    fill(path, wal=wal)
    before = dump(path)
    target = path.with_name("backups") / "b.db"
    database.backup(target)
    database.verify_backup(target)
    execute(path, "DELETE FROM parents", "DROP VIEW named", "CREATE TABLE later (x)")
    database.restore(target)
    assert dump(path) == before
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["backups", "test.db"]
    assert [entry.name for entry in target.parent.iterdir()] == ["b.db"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == ("wal" if wal else "delete")


def test_backup_holds_what_is_only_in_the_wal(plain: Database, path: Path, writer: sqlite3.Connection) -> None:
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    writer.execute("CREATE TABLE t (x)")
    writer.execute("BEGIN")
    writer.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(50_000)])
    writer.execute("COMMIT")
    target = path.with_name("b.db")
    plain.backup(target)
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (50_000,)


WRITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
print("ready", flush=True)
number = 0
while True:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO pairs VALUES (?, ?)", [(number, side) for side in ("left", "right")])
    connection.execute("COMMIT")
    number += 1
"""


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_backup_is_whole_while_another_process_writes(plain: Database, path: Path, mode: str) -> None:
    execute(path, f"PRAGMA journal_mode = {mode}", "CREATE TABLE pairs (number INTEGER, side TEXT)")
    execute(
        path,
        "INSERT INTO pairs SELECT value, 'x' FROM (WITH RECURSIVE c(value) AS "
        "(SELECT 1 UNION ALL SELECT value + 1 FROM c LIMIT 300000) SELECT value FROM c)",
        "DELETE FROM pairs",
    )
    with subprocess.Popen([sys.executable, "-c", WRITE, path], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        try:
            for number in range(3):
                target = path.with_name(f"b{number}.db")
                plain.backup(target)
                with closing(sqlite3.connect(target)) as connection:
                    odd = connection.execute("SELECT number FROM pairs GROUP BY number HAVING count(*) <> 2").fetchall()
                assert odd == []
        finally:
            other.kill()


def test_backup_reports_progress(plain: Database, path: Path) -> None:
    execute(path, "CREATE TABLE t (x)", "INSERT INTO t VALUES (zeroblob(20000000))")
    reports: list[tuple[int, int]] = []
    plain.backup(path.with_name("b.db"), progress=lambda done, total: reports.append((done, total)))
    assert len(reports) > 2
    assert reports[-1][0] == reports[-1][1] == path.stat().st_size


def test_backup_never_overwrites(plain: Database, path: Path) -> None:
    fill(path)
    target = path.with_name("b.db")
    target.write_text("precious")
    with pytest.raises(BackupError, match="exists already"):
        plain.backup(target)
    assert target.read_text() == "precious"
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["b.db", "test.db"]


def test_backup_is_readable_by_its_owner_only(plain: Database, path: Path) -> None:
    fill(path)
    plain.backup(path.with_name("b.db"))
    assert path.with_name("b.db").stat().st_mode & 0o777 == 0o600


def test_backup_of_nothing_makes_no_database(plain: Database, path: Path) -> None:
    with pytest.raises(DatabaseMissing):
        plain.backup(path.with_name("b.db"))
    assert list(path.parent.iterdir()) == []


def test_backup_of_an_empty_file_can_be_restored(plain: Database, path: Path) -> None:
    path.touch()
    target = path.with_name("b.db")
    plain.backup(target)
    fill(path)
    plain.restore(target)
    assert dump(path) == ["BEGIN TRANSACTION;", "COMMIT;"]


def test_backup_of_a_damaged_database_is_not_kept(plain: Database, path: Path) -> None:
    fill(path)
    damage(path)
    with pytest.raises((NotADatabase, BackupUnreadable)):
        plain.backup(path.with_name("b.db"))
    assert [entry.name for entry in path.parent.iterdir()] == ["test.db"]


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 + 100 : 8192] = b"\xff" * (4096 - 100)
    path.write_bytes(data)


def spoil_truncate(data: bytes) -> bytes:
    return data[: len(data) // 2]


SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "truncated": spoil_truncate,
    "one byte short": lambda data: data[:-1],
    "a page short": lambda data: data[:-4096],
    "empty": lambda data: b"",
    "text": lambda data: b"-- a dump of another server\n" * 100,
    "header only": lambda data: data[:100],
    "overwritten": lambda data: data[:4096] + b"\xff" * 4096 + data[8192:],
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_restore_of_a_spoilt_backup_changes_nothing(plain: Database, path: Path, spoil: str) -> None:
    fill(path)
    target = path.with_name("b.db")
    plain.backup(target)
    target.write_bytes(SPOILS[spoil](target.read_bytes()))
    execute(path, "INSERT INTO parents (name) VALUES ('Edsger')")
    before = path.read_bytes()
    with pytest.raises(BackupUnreadable, match=r"b\.db"):
        plain.restore(target)
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["b.db", "test.db"]


def test_restore_of_a_missing_file_is_refused(plain: Database, path: Path) -> None:
    with pytest.raises(BackupUnreadable, match="No such file"):
        plain.restore(path.with_name("none.db"))


def test_restore_makes_the_database_where_there_is_none(plain: Database, path: Path) -> None:
    fill(path)
    before = dump(path)
    plain.backup(path.with_name("b.db"))
    plain.delete()
    plain.restore(path.with_name("b.db"))
    assert dump(path) == before


@pytest.mark.parametrize("content", [b"not a database\n" * 500, b"SQLite format 3\0" + b"\xff" * 8192])
def test_restore_keeps_what_is_no_database_aside(plain: Database, path: Path, content: bytes) -> None:
    fill(path)
    before = dump(path)
    plain.backup(path.with_name("b.db"))
    path.write_bytes(content)
    path.with_name("test.db-wal").write_bytes(b"of the old one")
    plain.restore(path.with_name("b.db"))
    assert dump(path) == before
    kept = {entry.name.split(".unreadable-")[0]: entry for entry in path.parent.glob("*.unreadable-*")}
    assert kept["test.db"].read_bytes() == content
    assert kept["test.db-wal"].read_bytes() == b"of the old one"


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
@pytest.mark.parametrize("deed", ["restore", "delete"])
def test_deed_is_refused_while_somebody_writes(
    plain: Database, path: Path, mode: str, deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oppmigrate.databases.sqlite_files.LOCK_WAIT_S", 0.2)
    fill(path, wal=mode == "WAL")
    target = path.with_name("b.db")
    plain.backup(target)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO parents (name) VALUES ('Edsger')")
        with pytest.raises(DatabaseLocked, match="locked"):
            plain.restore(target) if deed == "restore" else plain.delete()
        other.execute("COMMIT")
    assert "Edsger" in "".join(dump(path))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0].upper() == mode


def test_restore_is_refused_while_an_idle_connection_has_the_wal_open(
    plain: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its later writes would go to the old file, which has no name any more."""
    monkeypatch.setattr("oppmigrate.databases.sqlite_files.LOCK_WAIT_S", 0.2)
    fill(path, wal=True)
    plain.backup(path.with_name("b.db"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("SELECT * FROM parents").fetchall()
        with pytest.raises(DatabaseLocked):
            plain.restore(path.with_name("b.db"))
        other.execute("INSERT INTO parents (name) VALUES ('Edsger')")
    assert "Edsger" in "".join(dump(path))


def test_idle_connection_cannot_lose_a_write_after_restore(plain: Database, path: Path) -> None:
    fill(path)
    plain.backup(path.with_name("b.db"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("SELECT * FROM parents").fetchall()
        plain.restore(path.with_name("b.db"))
        with pytest.raises(sqlite3.OperationalError) as caught:
            other.execute("INSERT INTO parents (name) VALUES ('lost')")
    explained = plain.explain(caught.value)
    assert isinstance(explained, DatabaseReadOnly)
    assert "replaced" in explained.what


def test_restore_keeps_the_rights_of_the_file(plain: Database, path: Path) -> None:
    fill(path)
    plain.backup(path.with_name("b.db"))
    path.chmod(0o640)
    plain.restore(path.with_name("b.db"))
    assert path.stat().st_mode & 0o777 == 0o640


def test_restore_goes_through_a_symbolic_link(path: Path) -> None:
    fill(path)
    before = dump(path)
    link = path.with_name("link.db")
    link.symlink_to(path)
    database = open_database(f"sqlite:///{link}")
    database.backup(path.with_name("b.db"))
    execute(path, "DELETE FROM parents")
    database.restore(path.with_name("b.db"))
    assert link.is_symlink()
    assert dump(path) == before


@pytest.mark.parametrize("wal", [False, True])
def test_delete_leaves_no_file(database: Database, path: Path, wal: bool) -> None:
    fill(path, wal=wal)
    assert database.delete() == (f"file {path}",)
    assert list(path.parent.iterdir()) == []


def test_delete_takes_the_files_of_a_killed_process_along(plain: Database, path: Path) -> None:
    program = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA journal_mode=WAL');"
        "c.execute('CREATE TABLE t (x)'); c.commit(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", program, path], check=False)
    assert path.with_name("test.db-wal").exists()
    removed = plain.delete()
    assert removed == (f"file {path}", f"file {path}-wal", f"file {path}-shm")
    assert list(path.parent.iterdir()) == []


def test_delete_leaves_a_file_that_is_no_database(plain: Database, path: Path) -> None:
    path.write_text("def f(): ...\n" * 100)
    with pytest.raises(NotADatabase, match="not a SQLite database"):
        plain.delete()
    assert path.exists()


def test_size_counts_the_wal(plain: Database, path: Path, writer: sqlite3.Connection) -> None:
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE t (x)")
    assert plain.size_bytes() == path.stat().st_size + path.with_name("test.db-wal").stat().st_size


# ---- errors


def test_folder_in_place_of_the_file(database: Database, path: Path) -> None:
    path.mkdir()
    with pytest.raises(NotADatabase, match="is a folder"):
        database.probe()
    with pytest.raises(NotADatabase, match="is a folder"):
        database.run(lambda connection: None)


def test_file_that_is_no_database(database: Database, path: Path) -> None:
    path.write_text("hello\n" * 1000)
    with pytest.raises(NotADatabase, match="not a SQLite database"):
        database.probe()


def test_missing_folder_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    for driver in DRIVERS:
        database = open_database(f"{driver}:///{tmp_path}/none/test.db")
        for deed in (database.probe, lambda database=database: database.run(lambda connection: None)):
            with pytest.raises(DatabaseMissing) as caught:
                deed()
            assert caught.value.do == f"mkdir -p {tmp_path}/none"


def test_locked_file(database: Database, path: Path, writer: sqlite3.Connection) -> None:
    fill(path)
    writer.execute("BEGIN EXCLUSIVE")
    impatient = open_database(f"{database.url.drivername}:///{path}?timeout=0.1")
    with pytest.raises(DatabaseLocked):
        impatient.probe()


def test_database_opened_for_reading_only(path: Path) -> None:
    fill(path)
    for driver in DRIVERS:
        database = open_database(f"{driver}:///file:{path}?mode=ro&uri=true")
        database.probe()
        with pytest.raises(DatabaseReadOnly, match="cannot be written"):
            database.run(lambda connection: connection.exec_driver_sql("CREATE TABLE t (x)"))


def test_backup_of_a_database_opened_for_reading_only(path: Path) -> None:
    fill(path)
    open_database(f"sqlite:///file:{path}?mode=ro&uri=true").backup(path.with_name("b.db"))
    assert dump(path.with_name("b.db")) == dump(path)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("database is locked", DatabaseLocked),
        ("database table is locked: users", DatabaseLocked),
        ("attempt to write a readonly database", DatabaseReadOnly),
        ("file is not a database", NotADatabase),
        ("database disk image is malformed", NotADatabase),
        ("database or disk is full", DatabaseError),
        ("disk I/O error", DatabaseError),
    ],
)
def test_error_without_a_code_is_known_by_its_words(plain: Database, words: str, kind: type[MigrateError]) -> None:
    error = OperationalError("SELECT 1", {}, sqlite3.OperationalError(words))
    explained = plain.explain(error)
    assert type(explained) is kind
    assert explained is not None
    assert explained.do


def test_full_database(plain: Database) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 3")
        connection.exec_driver_sql("CREATE TABLE t (x)")
        connection.exec_driver_sql("INSERT INTO t VALUES (zeroblob(100000))")

    with pytest.raises(DatabaseError, match="no space left"):
        plain.run(work)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("folder", NotADatabase),
        ("nothing", DatabaseReadOnly),
        ("file", DatabaseReadOnly),
        ("no parent", DatabaseMissing),
    ],
)
def test_file_that_cannot_be_opened(path: Path, made: str, expected: type[MigrateError]) -> None:
    """Constructed: root may read and write everything."""
    if made == "folder":
        path.mkdir()
    elif made == "file":
        path.touch()
    elif made == "no parent":
        path = path / "none" / "x.db"
    explained = sqlite_errors.explain(path, sqlite3.OperationalError("unable to open database file"))
    assert type(explained) is expected


def test_connection_of_somebody_elses_engine_is_served_too(plain: Database, path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.connect() as connection:
        plain.prepare(connection)
        with pytest.raises(OperationalError), connection.begin():
            connection.execute(sqlalchemy.text("CREATE TABLE t (x)"))
            connection.execute(sqlalchemy.text("no sql"))
        plain.release(connection)
    assert dump(path) == ["BEGIN TRANSACTION;", "COMMIT;"]
