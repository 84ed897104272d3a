"""The structure of a database, made again from the statements that it stores."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from oppmigrate.databases import Database, open_database
from oppmigrate.databases.sqlite_structure import AT_ONCE
from oppmigrate.databases.structure_questions import Structure
from oppmigrate.errors import MigrationFailed

STORED = "SELECT type, name, tbl_name, sql FROM sqlite_master"
VERSION_TABLE = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"
# in an order in which they can be executed, as a database has got them
STATEMENTS = (
    'CREATE TABLE "a table" (id INTEGER PRIMARY KEY AUTOINCREMENT, "a ""column""" TEXT COLLATE NOCASE UNIQUE)',
    "CREATE TABLE keyed (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID",
    "CREATE TABLE strict_one (id INTEGER PRIMARY KEY, half REAL GENERATED ALWAYS AS (id / 2.0) STORED) STRICT",
    "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES later (id) ON DELETE CASCADE)",
    "CREATE TABLE later (id INTEGER PRIMARY KEY -- with a comment\n, note TEXT DEFAULT 'a;b' CHECK (note <> ''))",
    "CREATE INDEX partial ON later (note DESC) WHERE note IS NOT NULL",
    "CREATE UNIQUE INDEX expressed ON later (lower(note), id);",
    "CREATE VIEW seen AS SELECT id, note FROM later -- to its end\n",
    "CREATE TRIGGER instead INSTEAD OF DELETE ON seen BEGIN DELETE FROM later WHERE id = OLD.id; END",
    "CREATE TRIGGER after AFTER INSERT ON later BEGIN UPDATE later SET note = ';'; DELETE FROM child; END",
    "ALTER TABLE later ADD COLUMN added TEXT DEFAULT 'x'",
    "ALTER TABLE child RENAME TO grandchild",
    "ANALYZE",
)


def made_from(database: Database, structure: Structure, *before: str) -> list[tuple[object, ...]]:
    """What a scratch database that is begun with the structure stores."""

    def work(connection: Connection) -> list[tuple[object, ...]]:
        scratch.prepare(connection)
        with connection.begin():
            for statement in before:
                connection.exec_driver_sql(statement)
            database.make_structure(connection, structure)
            assert connection.connection.driver_connection.in_transaction  # type: ignore[union-attr]
            assert connection.exec_driver_sql("PRAGMA integrity_check").all() == [("ok",)]
            assert connection.exec_driver_sql("SELECT count(*) FROM sqlite_temp_master").scalar() == 0
            return [tuple(row) for row in connection.exec_driver_sql(STORED)]

    with database.scratch() as scratch:
        return scratch.run(work)


def read(database: Database, *tables: str) -> Structure:
    structure = database.run(lambda connection: database.read_structure(connection, tables))
    assert structure is not None
    return structure


def written(writer: sqlite3.Connection) -> set[tuple[object, ...]]:
    """All that has a statement, and the indexes of constraints."""
    return {row for row in writer.execute(STORED).fetchall() if not row[1].startswith("sqlite_stat")}


def test_all_that_is_stored_is_made_again(database: Database, writer: sqlite3.Connection) -> None:
    for statement in STATEMENTS:
        writer.execute(statement)
    writer.execute("INSERT INTO later (id, note) VALUES (1, 'a row')")
    made = made_from(database, read(database))
    assert len(made) == len(set(made))
    assert set(made) == written(writer)


def test_structure_holds_no_rows(database: Database, writer: sqlite3.Connection) -> None:
    writer.execute("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)")
    writer.execute("INSERT INTO t VALUES (7)")

    def work(connection: Connection) -> list[int]:
        database.make_structure(connection, structure)
        counts = "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM sqlite_sequence)"
        return list(connection.exec_driver_sql(counts).one())

    structure = read(database)
    with database.scratch() as scratch:
        assert scratch.run(work) == [0, 0]


@pytest.mark.parametrize("number", [AT_ONCE - 1, AT_ONCE, 3 * AT_ONCE + 1])
def test_many_tables_are_made_a_few_at_a_time(plain: Database, writer: sqlite3.Connection, number: int) -> None:
    for each in range(number):
        writer.execute(f"CREATE TABLE t{each} (id INTEGER PRIMARY KEY AUTOINCREMENT, x UNIQUE)")
    assert set(made_from(plain, read(plain))) == written(writer)


def test_table_that_is_there_stays_as_it_is(plain: Database, writer: sqlite3.Connection) -> None:
    """The version table is made before anybody is asked."""
    writer.execute(VERSION_TABLE.replace("32", "64"))
    writer.execute("CREATE TABLE t (x)")
    made = made_from(plain, read(plain), VERSION_TABLE)
    assert [sql for _, _, _, sql in made] == [VERSION_TABLE, "CREATE TABLE t (x)"]


def test_names_are_told_of_the_tables_that_are_asked_about(plain: Database, writer: sqlite3.Connection) -> None:
    for statement in STATEMENTS:
        writer.execute(statement)
    assert read(plain, "later", "KEYED", "none").names == {
        "later": {"id", "note", "added", "partial", "expressed", "after"},
        "KEYED": {"a", "b"},
    }


def test_virtual_table_makes_it_uncertain(plain: Database, writer: sqlite3.Connection) -> None:
    writer.execute("CREATE VIRTUAL TABLE words USING fts5(word)")
    assert plain.run(lambda connection: plain.read_structure(connection, ())) is None


def test_attached_database_makes_it_uncertain(plain: Database, writer: sqlite3.Connection) -> None:
    def work(connection: Connection) -> Structure | None:
        connection.exec_driver_sql("ATTACH ':memory:' AS other")
        return plain.read_structure(connection, ())

    assert plain.run(work) is None


def test_statement_that_is_stored_otherwise_the_second_time_is_found(plain: Database) -> None:
    structure = Structure((("table", "t", "t", "CREATE TABLE  t (x)"),), {})
    with pytest.raises(MigrationFailed, match="cannot be made again: t"):
        made_from(plain, structure)


def test_statement_that_fails_is_no_structure(plain: Database) -> None:
    structure = Structure((("index", "i", "t", "CREATE INDEX i ON t (x COLLATE of_the_application)"),), {})
    with pytest.raises(sqlite3.OperationalError):
        made_from(plain, structure)


NAMES = st.text("ab\"'`[]; -é", min_size=1, max_size=6).filter(lambda name: name.strip() and "\0" not in name)


@given(st.lists(NAMES, min_size=1, max_size=8, unique_by=str.lower), st.lists(NAMES, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_any_names_are_made_again(tables: list[str], columns: list[str]) -> None:
    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def work(connection: Connection) -> tuple[Structure | None, set[tuple[object, ...]]]:
        of_table = ", ".join(dict.fromkeys(quoted(column.lower()) for column in columns))
        for number, table in enumerate(tables):
            connection.exec_driver_sql(f"CREATE TABLE {quoted(table)} ({of_table})")
            connection.exec_driver_sql(f"CREATE INDEX i{number} ON {quoted(table)} ({quoted(columns[0].lower())})")
        return database.read_structure(connection, tables), {tuple(row) for row in connection.exec_driver_sql(STORED)}

    database = open_database("sqlite://")
    structure, stored = database.run(work)
    assert structure is not None and structure.names.keys() == set(tables)
    assert set(made_from(database, structure)) == stored


def test_other_servers_have_no_such_statements(tmp_path: Path) -> None:
    for url in ("postgresql+psycopg://localhost/none", "mysql+pymysql://localhost/none"):
        assert open_database(url).read_structure(None, ()) is None  # type: ignore[arg-type]
