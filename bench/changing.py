"""Changes of one SQLite table, each timed on a fresh copy of a file: by us, by stock Alembic, or by raw statements.

    python -m bench.changing WAY FILE [WORK]

Prints the seconds of each change, or of one of them, as JSON: from the BEGIN to behind the COMMIT, imports and
connecting aside.
"""

import json
import re
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

import oppmigrate.databases.sqlite_rebuild  # noqa: F401  it would be imported by the first change, and timed with it
from oppmigrate.databases import open_database
from oppmigrate.environment.batching import rebuilding

RAW, OURS, STOCK = "raw statements", "oppman", "alembic"
COMPARING = "oppman's comparisons alone"  # of every value of a rebuilt table
REBUILD = "4 changes, one of them for a rebuild"
# the values of one row, and those of another; a value, and what it becomes
COMPARES = re.compile(r" IS NOT \(|SELECT typeof\(")
COLUMNS = "id, name, age, email, score, parent, note"
PEOPLE = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(50), age INTEGER, email VARCHAR(80), score REAL, "
    "parent INTEGER, note TEXT)"
)
INDEX = "CREATE INDEX by_age ON people (age)"
WIDER = ("name VARCHAR(50)", "name VARCHAR(100)")
NOT_NULL = ("email VARCHAR(80)", "email VARCHAR(80) NOT NULL")
DEFAULT = ("age INTEGER", "age INTEGER DEFAULT 5")
CHECK = ("note TEXT", "note TEXT, CONSTRAINT grown CHECK (age >= 0)")
KEY = ("note TEXT", "note TEXT, CONSTRAINT fk_parent FOREIGN KEY(parent) REFERENCES parents (id)")


@dataclass(frozen=True)
class Change:
    """One piece of work.

    Args:
        batch: as a revision says it.
        raw: the least: what has to be executed, with the scan that tells whether the rows allow it.
        margin_s: what it may take beyond that; None where `target` times the raw statements is promised.
    """

    work: str
    batch: Callable[[Any], Any]
    raw: Sequence[str]
    margin_s: float | None = None
    target: float | None = None


def edited(*edits: tuple[str, str]) -> list[str]:
    """The statements of an edit of the stored definition that nobody checks."""
    sql = PEOPLE
    for old, new in edits:
        sql = sql.replace(old, new)
    literal = sql.replace("'", "''")
    return [
        "PRAGMA writable_schema = ON",
        f"UPDATE sqlite_master SET sql = '{literal}' WHERE name = 'people'",
        "PRAGMA schema_version = 1000",
        "PRAGMA writable_schema = OFF",
    ]


def rebuilt(*edits: tuple[str, str], values: str = COLUMNS) -> list[str]:
    sql = PEOPLE.replace("people", "fresh", 1)
    for old, new in edits:
        sql = sql.replace(old, new)
    return [
        sql,
        f"INSERT INTO fresh ({COLUMNS}) SELECT {values} FROM people",
        "DROP TABLE people",
        "ALTER TABLE fresh RENAME TO people",
        INDEX,
    ]


NULLS = "SELECT count(*) FROM people WHERE email IS NULL"
UNGROWN = "SELECT count(*) FROM people WHERE NOT (age >= 0)"
ORPHANS = (
    "SELECT count(*) FROM people AS r LEFT JOIN parents AS p ON p.id = r.parent WHERE r.parent > 0 AND p.id IS NULL"
)
DEFAULTED = "SELECT 1 FROM people NOT INDEXED WHERE +age IS x'00' LIMIT 1"
AS_TEXT = "id, name, age, email, score, CAST(parent AS TEXT), note"


def widen(batch: Any) -> None:
    batch.alter_column("name", type_=sa.String(100))


def require(batch: Any) -> None:
    batch.alter_column("email", nullable=False)


def check(batch: Any) -> None:
    batch.create_check_constraint("grown", "age >= 0")


def refer(batch: Any) -> None:
    batch.create_foreign_key("fk_parent", "parents", ["parent"], ["id"])


def default(batch: Any) -> None:
    batch.alter_column("age", server_default=sa.text("5"))


def four(batch: Any) -> None:
    for each in (widen, require, check, default):
        each(batch)


def retype(batch: Any) -> None:
    for each in (widen, check, default):
        each(batch)
    batch.alter_column("parent", type_=sa.String(20))


CHANGES = (
    Change(
        "rename a column",
        lambda batch: batch.alter_column("note", new_column_name="remark"),
        ["ALTER TABLE people RENAME COLUMN note TO remark"],
        margin_s=0.05,
    ),
    Change("another type of one affinity", widen, edited(WIDER), margin_s=0.2),
    Change("NOT NULL", require, [NULLS, *edited(NOT_NULL)], margin_s=0.2),
    Change("a CHECK", check, [UNGROWN, *edited(CHECK)], margin_s=0.2),
    Change("a foreign key", refer, [ORPHANS, *edited(KEY)], margin_s=0.2),
    Change("a DEFAULT", default, [DEFAULTED, *edited(DEFAULT)], margin_s=0.2),
    Change(
        "drop a column",
        lambda batch: batch.drop_column("note"),
        ["ALTER TABLE people DROP COLUMN note"],
        margin_s=0.2,
    ),
    Change(
        "4 changes, all of them edits",
        four,
        [NULLS, UNGROWN, DEFAULTED, *edited(WIDER, NOT_NULL, CHECK, DEFAULT)],
        margin_s=0.2,
    ),
    Change(
        REBUILD,
        retype,
        rebuilt(WIDER, CHECK, DEFAULT, ("parent INTEGER", "parent VARCHAR(20)"), values=AS_TEXT),
        target=1.2,
    ),
)


def make(path: Path, rows: int) -> None:
    """A file with one table of so many rows."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        connection.executemany("INSERT INTO parents VALUES (?)", ((number,) for number in range(1, 1001)))
        connection.execute(PEOPLE)
        values = (
            (n, f"name {n}", n % 90, f"user{n}@example.org", n / 7, n % 1000 + 1, None if n % 3 else "note")
            for n in range(1, rows + 1)
        )
        connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        connection.execute(INDEX)
        connection.commit()


def by_raw_statements(path: Path, change: Change) -> dict[str, float]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        began = time.perf_counter()
        for statement in ("BEGIN IMMEDIATE", *change.raw, "COMMIT"):
            connection.execute(statement).fetchall()
        return {RAW: time.perf_counter() - began}


def by_us(path: Path, change: Change) -> dict[str, float]:
    """Ours, and of it what the questions take by which a rebuild compares every value."""
    database = open_database(f"sqlite:///{path}")
    asked: list[float] = []

    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if COMPARES.search(statement):
            asked.append(-time.perf_counter())

    def after(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if COMPARES.search(statement):
            asked.append(time.perf_counter())

    def work(connection: sa.Connection) -> dict[str, float]:
        database.prepare(connection)
        sa.event.listen(connection, "before_cursor_execute", before)
        sa.event.listen(connection, "after_cursor_execute", after)
        connection.rollback()
        context = MigrationContext.configure(connection, opts={"transactional_ddl": True})
        began = time.perf_counter()
        with (
            Operations.context(context) as operations,
            context.begin_transaction(),
            rebuilding(operations, database),
            operations.batch_alter_table("people") as batch,
        ):
            change.batch(batch)
        return {OURS: time.perf_counter() - began, **({COMPARING: sum(asked)} if asked else {})}

    return database.run(work)


def by_alembic(path: Path, change: Change) -> dict[str, float]:
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        began = time.perf_counter()
        with (
            Operations.context(context) as operations,
            connection.begin(),
            operations.batch_alter_table("people") as batch,
        ):
            change.batch(batch)
        return {STOCK: time.perf_counter() - began}


WAYS = {RAW: by_raw_statements, OURS: by_us, STOCK: by_alembic}


def main(way: str, file: str, work: str | None = None) -> None:
    found = {}
    path = Path(file).with_name("changed.db")
    for change in CHANGES if work is None else [change for change in CHANGES if change.work == work]:
        shutil.copyfile(file, path)
        found[change.work] = WAYS[way](path, change)
        path.unlink()
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
