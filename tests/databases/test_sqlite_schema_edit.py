"""Changing a SQLite table's stored definition alone: only where no row reads otherwise then, and never halfway."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection

import sqlite_batches
from oppmigrate.config import Policy
from oppmigrate.databases import Database
from oppmigrate.databases.sqlite_rebuild import schema_edit
from oppmigrate.environment.batching import rebuilding
from oppmigrate.environment.opening import open_by_policy
from oppmigrate.errors import RowsDoNotFit
from sqlite_batches import Revision, Tables
from sqlite_watched import make_defensive, watched

SCRIPT = Path(__file__).resolve().parents[1] / "killed_edits.py"
PEOPLE = "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20), age INT DEFAULT 5, town INT)"
SETUP = (
    PEOPLE,
    "CREATE TABLE towns (id INTEGER PRIMARY KEY)",
    "INSERT INTO towns VALUES (1)",
    "INSERT INTO people VALUES (1, 'Ada', 36, 1), (2, 'Bob', 5, NULL)",
    "CREATE INDEX by_age ON people (age)",
    "CREATE VIEW grown_up AS SELECT name FROM people WHERE age >= 18",
    "CREATE TRIGGER aged AFTER UPDATE OF age ON people BEGIN UPDATE people SET age = age WHERE 0; END",
)


def changed(change: Any, table: str = "people") -> Revision:
    def revision(op: Operations) -> None:
        with op.batch_alter_table(table) as batch:
            change(batch)

    return revision


def tighten(batch: Any) -> None:
    batch.alter_column("name", nullable=False, type_=sa.String(40))
    batch.alter_column("age", server_default="7")
    batch.create_check_constraint("grown", "age > 0")
    batch.create_foreign_key("fk_town", "towns", ["town"], ["id"], ondelete="CASCADE")


TIGHT = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, age INT DEFAULT '7', town INT, "
    "CONSTRAINT grown CHECK (age > 0), CONSTRAINT fk_town FOREIGN KEY(town) REFERENCES towns (id) ON DELETE CASCADE)"
)


@pytest.fixture
def people() -> Iterator[Tables]:
    with sqlite_batches.tables() as people:
        people.execute(*SETUP)
        yield people


def ways(people: Tables) -> tuple[int, bool]:
    """(tables copied, was a definition edited?)"""
    return people.copies(), people.edits() > 0


# ---- what it does


def test_edit_is_in_force_at_once_and_nothing_else_is_changed(people: Tables) -> None:
    rows, others = people.rows("SELECT * FROM people"), people.objects() - {("table", "people", "people", PEOPLE)}
    people.upgrade(changed(tighten))
    assert ways(people) == (0, True)
    assert people.sql("people") == TIGHT
    assert people.rows("SELECT * FROM people") == rows
    assert people.objects() == others | {("table", "people", "people", TIGHT)}
    people.assert_sound()
    for refused in ("UPDATE people SET name = NULL", "UPDATE people SET age = 0 WHERE id = 1"):
        with pytest.raises(sa.exc.IntegrityError):
            people.execute(refused)
        people.connection.rollback()
    people.execute("INSERT INTO people (id, name) VALUES (3, 'Cyd')")
    assert people.rows("SELECT age FROM people WHERE id = 3") == [(7,)]
    assert people.rows("SELECT id FROM people WHERE age = 7") == [(3,)]


def test_connection_that_has_read_the_schema_before_sees_the_edit(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    with watched(path, lambda _statement: None) as people, closing(sqlite3.connect(path)) as other:
        people.execute(*SETUP)
        assert other.execute("SELECT count(*) FROM people").fetchone() == (2,)
        people.upgrade(changed(tighten))
        assert people.edits() > 0
        with pytest.raises(sqlite3.IntegrityError, match=r"NOT NULL constraint failed: people\.name"):
            other.execute("INSERT INTO people (id) VALUES (4)")


def test_what_was_tightened_is_loosened_again(people: Tables) -> None:
    def loosen(batch: Any) -> None:
        batch.drop_constraint("fk_town", type_="foreignkey")
        batch.drop_constraint("grown", type_="check")
        batch.alter_column("name", nullable=True, type_=sa.String(20))
        batch.alter_column("age", server_default=sa.text("5"))

    people.upgrade(changed(tighten))
    people.upgrade(changed(loosen))
    assert ways(people) == (0, True)
    assert people.sql("people") == PEOPLE


def test_table_without_rowid_and_strict_types(people: Tables) -> None:
    people.execute(
        "CREATE TABLE odd (b INT, a TEXT, c ANY DEFAULT 1, PRIMARY KEY (a DESC, b)) STRICT, WITHOUT ROWID",
        "INSERT INTO odd VALUES (1, 'x', 1), (2, 'y', 'z')",
    )

    def change(batch: Any) -> None:
        batch.alter_column("b", type_=sa.Integer())
        batch.alter_column("c", nullable=False, server_default="2")

    people.upgrade(changed(change, "odd"))
    assert ways(people) == (0, True)
    assert people.rows("SELECT * FROM odd ORDER BY b") == [(1, "x", 1), (2, "y", "z")]
    people.upgrade(
        changed(lambda batch: batch.alter_column("c", type_=sa.Text()), "odd"), allowed=("lossy-conversion",)
    )
    assert ways(people) == (1, False)
    people.assert_sound()


def test_column_is_added_and_another_dropped_beside_an_edit(people: Tables) -> None:
    def change(batch: Any) -> None:
        batch.add_column(sa.Column("boss", sa.Integer(), server_default="1", nullable=False))
        batch.create_foreign_key("fk_boss", "people", ["boss"], ["id"])
        batch.drop_column("town")
        batch.alter_column("name", nullable=False)

    people.upgrade(changed(change))
    assert ways(people) == (0, True)
    assert people.rows("SELECT * FROM people") == [(1, "Ada", 36, 1), (2, "Bob", 5, 1)]
    assert [row[2] for row in people.rows("PRAGMA foreign_key_list(people)")] == ["people"]
    people.assert_sound()


# ---- rows that have no value of their own


@pytest.fixture
def late(people: Tables) -> Tables:
    """Rows that are older than a column, and one that is younger."""
    people.execute(
        "ALTER TABLE people ADD COLUMN late INT DEFAULT 3",
        "ALTER TABLE people ADD COLUMN later TEXT",
        "CREATE INDEX by_late ON people (late)",
        "INSERT INTO people (id, late) VALUES (3, 3)",
    )
    return people


@pytest.mark.parametrize(
    "change",
    [
        lambda batch: batch.alter_column("late", server_default="4"),
        lambda batch: batch.alter_column("late", server_default=None),
        lambda batch: batch.alter_column("late", server_default=None, nullable=False),
        lambda batch: batch.alter_column("later", server_default="x"),
        lambda batch: (batch.alter_column("age", server_default="1"), batch.alter_column("late", server_default="4")),
    ],
)
def test_default_that_is_the_value_of_rows_is_changed_by_a_rebuild(late: Tables, change: Any) -> None:
    rows = late.rows("SELECT * FROM people")
    late.upgrade(changed(change))
    assert late.copies() == 1
    assert late.rows("SELECT * FROM people") == rows
    assert late.rows("SELECT id FROM people WHERE late = 3") == [(1,), (2,), (3,)]
    late.assert_sound()


@pytest.mark.parametrize(
    "change",
    [
        lambda batch: batch.alter_column("age", server_default="1"),
        lambda batch: batch.alter_column("late", nullable=False),
        lambda batch: batch.alter_column("later", type_=sa.String(9)),
    ],
)
def test_what_leaves_the_default_of_short_rows_alone_is_edited(late: Tables, change: Any) -> None:
    rows = late.rows("SELECT * FROM people")
    late.upgrade(changed(change))
    assert ways(late) == (0, True)
    assert late.rows("SELECT * FROM people") == rows
    late.assert_sound()


def test_short_rows_of_a_table_without_rowid_are_seen(people: Tables) -> None:
    people.execute(
        "CREATE TABLE odd (a TEXT PRIMARY KEY) WITHOUT ROWID",
        "INSERT INTO odd VALUES ('x')",
        "ALTER TABLE odd ADD COLUMN b INT DEFAULT 3",
    )
    people.upgrade(changed(lambda batch: batch.alter_column("b", server_default="4"), "odd"))
    assert people.copies() == 1
    assert people.rows("SELECT * FROM odd") == [("x", 3)]


def test_default_of_a_column_that_the_same_batch_adds(people: Tables) -> None:
    def change(batch: Any) -> None:
        batch.add_column(sa.Column("new", sa.Integer(), server_default="1"))
        batch.alter_column("new", server_default="2")

    with sqlite_batches.tables(edits=False) as twin:
        twin.execute(*SETUP)
        for each in (people, twin):
            each.upgrade(changed(change))
        assert people.everything() == twin.everything()


# ---- when it is not done


def test_defensive_mode_is_answered_by_a_rebuild(people: Tables) -> None:
    make_defensive(people.connection.connection.driver_connection)  # type: ignore[arg-type]
    rows = people.rows("SELECT * FROM people")
    with pytest.raises(sa.exc.OperationalError, match="may not be modified"):
        people.execute("PRAGMA writable_schema = ON", "UPDATE sqlite_master SET sql = sql")
    people.connection.rollback()
    people.execute("PRAGMA writable_schema = OFF")
    people.upgrade(changed(tighten))
    assert people.copies() == 1
    assert people.sql("people") == TIGHT
    assert people.rows("SELECT * FROM people") == rows


def test_setting_turns_it_off(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    assert open_by_policy(url, Policy()).edits_schema
    assert not open_by_policy(url, Policy(sqlite_schema_edit=False)).edits_schema
    with sqlite_batches.tables(edits=False) as people:
        people.execute(*SETUP)
        people.upgrade(changed(tighten))
        assert ways(people) == (1, False)


def test_schema_that_somebody_else_has_made_writable_is_left_alone(people: Tables) -> None:
    people.execute("PRAGMA writable_schema = ON")
    people.upgrade(changed(lambda batch: batch.alter_column("name", nullable=False)))
    assert ways(people) == (1, False)
    assert people.rows("PRAGMA writable_schema") == [(1,)]


def test_older_sqlite_rebuilds(people: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people.connection.dialect.dbapi, "sqlite_version_info", (3, 34, 1))
    people.upgrade(changed(tighten))
    assert ways(people) == (1, False)


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("_says_the_same_of_the_disk", lambda self: False),
        ("_tried", lambda self, before: None),
        ("_came_out", lambda self, *facts: False),
        ("_compile", lambda self: self._connection.exec_driver_sql("SELECT * FROM nowhere")),
    ],
)
def test_edit_that_is_not_as_it_should_be_is_undone_and_rebuilt(
    people: Tables, monkeypatch: pytest.MonkeyPatch, method: str, fault: Any
) -> None:
    monkeypatch.setattr(schema_edit._Edit, method, fault)
    people.upgrade(changed(tighten))
    assert people.copies() == 1
    assert people.sql("people") == TIGHT
    assert people.rows("PRAGMA writable_schema") == [(0,)]
    people.assert_sound()


@pytest.mark.parametrize(
    "fault",
    [
        lambda sql: sql.replace("CHECK (age > 0)", "CHECK (age >"),  # no SQLite reads that
        lambda sql: sql.replace("name VARCHAR(40)", "naam VARCHAR(40)"),
        lambda sql: sql.replace(", age INT", " COLLATE NOCASE, age TEXT"),
        lambda sql: sql.replace("town INT", "town INT UNIQUE"),
        lambda sql: sql.replace("INTEGER PRIMARY KEY", "INT PRIMARY KEY"),
    ],
)
def test_text_that_is_stored_otherwise_than_meant_is_noticed(
    people: Tables, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    store = schema_edit._Edit._store

    def garbled(self: Any, definition: Any) -> bool:
        if definition is not self._wanted:
            return store(self, definition)
        version = people.connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
        with schema_edit._writable_schema(people.connection):
            people.connection.exec_driver_sql(
                "UPDATE sqlite_master SET sql = ? WHERE name = 'people'", (fault(definition.sql),)
            )
            people.connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
        return True

    monkeypatch.setattr(schema_edit._Edit, "_store", garbled)
    people.upgrade(changed(tighten))
    assert people.copies() == 1
    assert people.sql("people") == TIGHT
    people.assert_sound()


def test_edit_of_another_entry_is_noticed(people: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    came_out = schema_edit._Edit._came_out

    def spoilt(self: Any, *facts: Any) -> bool:
        people.connection.exec_driver_sql("CREATE TABLE more (id)")
        return came_out(self, *facts)

    monkeypatch.setattr(schema_edit._Edit, "_came_out", spoilt)
    people.upgrade(changed(tighten))
    assert people.copies() == 1
    assert people.sql("more") is None


def test_rows_that_were_written_past_us_are_asked_again(people: Tables) -> None:
    driver: Any = people.connection.connection.driver_connection

    def revision(op: Operations) -> None:
        with op.batch_alter_table("people") as batch:
            batch.alter_column("name", nullable=False)
        driver.execute("INSERT INTO people (id) VALUES (9)")

    with pytest.raises(RowsDoNotFit, match="1 row of `people` has no value in `name`"):
        people.upgrade(revision)
    assert people.sql("people") == PEOPLE


# ---- never halfway


def test_interrupt_at_any_statement_leaves_the_schema_as_it_was_and_not_writable(tmp_path: Path) -> None:
    """Before the statement, and after it: the Ctrl-C may come in either."""
    interrupted = 0
    for after in (False, True):
        number, is_finished = 0, False
        while not is_finished:
            number += 1
            is_finished = not interrupt_at(tmp_path / f"{after}-{number}.db", number, after=after)
            interrupted += not is_finished
    assert interrupted > 100


def interrupt_at(path: Path, number: int, *, after: bool) -> bool:
    left = 0

    def seen(_statement: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt

    with watched(path, seen, after=after) as people:
        people.execute(*SETUP)
        driver: Any = people.connection.connection.driver_connection
        left = number
        try:
            people.upgrade(changed(tighten))
        except KeyboardInterrupt:
            with suppress(sqlite3.ProgrammingError):  # SQLAlchemy closes the connection where it came in a statement
                assert driver.execute("PRAGMA writable_schema").fetchall() == [(0,)]
                driver.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'people'").fetchone()
    assert sql in (PEOPLE, TIGHT) if left <= 0 else sql == TIGHT
    return left <= 0


def test_kill_at_any_statement_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path)], check=True, capture_output=True, text=True, timeout=300
    )
    ends = json.loads(found.stdout)
    assert ends["old"] > 60
    assert ends["new"] >= 1
    assert set(ends) == {"old", "new"}


# ---- either driver


def test_either_driver(database: Database) -> None:
    def work(connection: Connection) -> tuple[Any, ...]:
        database.prepare(connection)
        tables = Tables(database, connection)
        tables.execute(*SETUP)
        context = MigrationContext.configure(connection, opts={"transactional_ddl": True})
        with Operations.context(context) as op, context.begin_transaction(), rebuilding(op, database):
            changed(tighten)(op)
        return tables.copies(), tables.edits(), tables.sql("people"), tables.rows("PRAGMA writable_schema")

    assert database.run(work) == (0, 2, TIGHT, [(0,)])  # the DEFAULT is tried out, and then the definition stored


@pytest.mark.parametrize(("schema", "expected"), [("aux", (0, True)), ("temp", (1, False))])
def test_table_of_another_schema(people: Tables, schema: str, expected: tuple[int, bool]) -> None:
    if schema == "aux":
        people.connection.commit()
        people.connection.connection.driver_connection.execute("ATTACH ':memory:' AS aux")  # type: ignore[union-attr]
    people.execute(f"CREATE TABLE {schema}.odd (a TEXT, b INT)", f"INSERT INTO {schema}.odd VALUES ('x', 1)")

    def revision(op: Operations) -> None:
        with op.batch_alter_table("odd", schema=schema) as batch:
            batch.alter_column("a", nullable=False)

    people.upgrade(revision)
    assert ways(people) == expected
    with pytest.raises(sa.exc.IntegrityError, match="NOT NULL"):
        people.execute(f"INSERT INTO {schema}.odd (b) VALUES (2)")
