"""SQLite: what its errors are called."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from oppmigrate.databases import Database, open_database, sqlite_errors
from oppmigrate.errors import (
    DatabaseError,
    DatabaseLocked,
    DatabaseMissing,
    DatabaseReadOnly,
    MigrateError,
    NotADatabase,
)
from sqlite_rows import DRIVERS, dump, fill

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
