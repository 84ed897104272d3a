"""A change of a table's stored definition alone: not a row is copied, and none is written.

For what lies nowhere but in the definition: NOT NULL, CHECK, FOREIGN KEY, DEFAULT, and a type of the same affinity.

Source: SQLite, "Making Other Kinds Of Table Schema Changes" (lang_altertable.html), its procedure for changes that do
not affect what is on disk; `PRAGMA writable_schema` and `schema_version` (pragma.html).

What could go wrong, and what stands against it. An edit touches no page of the table and of its indexes, so that what
`quick_check` looks through is what it was (on 1 M rows it takes 0.25 s, more than all the rest). Damage can only come
of SQLite reading the same pages in another way:

- other columns, another order, another rowid, key, affinity, collation, generated column or option: SQLite is first
  given the definition under another name, for an empty table, and what it makes of both has to be the same;
- rows that are shorter than the table, written before ADD COLUMN: they have the DEFAULT of today for a value, and an
  index has the one of then. A changed DEFAULT is tried with a value that nobody has; where a row shows it, the table
  is rebuilt (the manual, which names DEFAULT among the harmless changes, does not tell of this);
- a text that SQLite would not take: it refuses the empty table;
- an edit of something else: every row of the schema table is compared, the pages that it points to among them;
- rows that a constraint does not allow: they were asked for before, and SQLite is asked whether any has changed since.

Afterwards SQLite has read the schema anew, and has to list of the table what it listed of the empty one.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases.base import original
from oppmigrate.databases.sqlite_errors import result_code
from oppmigrate.databases.sqlite_rebuild import editing, stored
from oppmigrate.databases.sqlite_rebuild.definition import Definition
from oppmigrate.databases.sqlite_rebuild.layout import (
    Description,
    affinities,
    default_words,
    describe,
    words_on_disk,
)
from oppmigrate.databases.sqlite_rebuild.sessions import close, savepoint
from oppmigrate.databases.sqlite_rebuild.stored import StoredTable
from oppmigrate.databases.sqlite_rebuild.target import TargetTable
from oppmigrate.databases.sqlite_rebuild.tokens import fold, quote

OLDEST = (3, 35, 5)  # the first in which ALTER TABLE, on which the procedure leans, has no known fault
# what the rebuild is the answer to: a refusal (defensive mode, an authorizer), a definition that cannot be read
UNFIT = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_CORRUPT)


def edit_schema(
    connection: Connection, table: StoredTable, target: TargetTable, alter: Callable[[Sequence[str]], None]
) -> bool:
    """Bring the table to what the target says without touching its rows; False, and nothing was changed, if not so.

    Args:
        alter: carries out clauses of ALTER TABLE: columns that come or go beside the rest.
    """
    if not _may_be_edited(connection, table, target):
        return False
    with savepoint(connection, "oppmigrate_edit") as undo:
        try:
            alter(target.way.clauses)
            is_done = _Edit(connection, table, target).carry_out()
        except DBAPIError as error:
            cause = original(error)
            if not isinstance(cause, sqlite3.Error) or result_code(cause) not in UNFIT:
                raise
            is_done = False
        if not is_done:
            undo()
    return is_done


def _may_be_edited(connection: Connection, table: StoredTable, target: TargetTable) -> bool:
    version = connection.dialect.dbapi.sqlite_version_info  # type: ignore[union-attr]
    return (
        target.way.is_editable
        and version >= OLDEST
        and fold(table.schema) != "temp"
        and not any(each.qualifies_itself for each in (target.old, target.definition))  # tried under another name
        and all(each.expression == quote(target.sources[key] or "") for key, each in target.conversions.items())
        and not connection.exec_driver_sql("PRAGMA writable_schema").scalar()  # somebody else is at it
    )


class _Edit:
    def __init__(self, connection: Connection, table: StoredTable, target: TargetTable) -> None:
        self._connection = connection
        self._schema = table.schema
        self._name = table.name
        self._now = stored.read_table(connection, table.schema, table.name).definition
        self._wanted = target.definition

    def carry_out(self) -> bool:
        """Store the definition, if that is safe, and look at what came of it."""
        if not self._says_the_same_of_the_disk():
            return False
        before = describe(self._connection, self._schema, self._name)
        wanted = self._tried(before)
        if wanted is None or self._some_row_shows_its_default():
            return False
        entries = self._entries()
        return self._store(self._wanted) and self._came_out(before, wanted, entries)

    # ---- before

    def _says_the_same_of_the_disk(self) -> bool:
        pairs = list(zip(self._now.columns, self._wanted.columns, strict=False))
        return (
            [column.name for column in self._now.columns] == [column.name for column in self._wanted.columns]
            and words_on_disk(self._now) == words_on_disk(self._wanted)
            and all(len(default_words(each)) <= 1 for pair in pairs for each in pair)
        )

    def _tried(self, before: Description) -> Description | None:
        """What SQLite lists of an empty table with the new definition; None where it would lie on disk otherwise."""
        names = [stored.unused_name(self._connection, self._schema, self._name, what) for what in ("new", "types")]
        trial, types = names
        body = self._wanted.sql[self._wanted.name.end :]
        found = []
        with savepoint(self._connection, "oppmigrate_trial") as undo:
            self._connection.exec_driver_sql(f"CREATE TABLE {quote(self._schema)}.{quote(trial)}{body}")
            wanted = describe(self._connection, self._schema, trial)
            for table in (self._name, trial):
                found.append(affinities(self._connection, self._schema, table, types))
                self._connection.exec_driver_sql(f"DROP TABLE {quote(self._schema)}.{quote(types)}")
            undo()
        return wanted if found[0] == found[1] and before.layout == wanted.layout else None

    def _some_row_shows_its_default(self) -> bool:
        """Would another DEFAULT be another value of a row that has none of its own?"""
        changed = [
            now.name
            for now, wanted in zip(self._now.columns, self._wanted.columns, strict=True)
            if default_words(now) != default_words(wanted)
        ]
        if not changed:
            return False
        unknown = f"x'{uuid4().hex}'"
        definition = self._now
        for name in changed:
            column = definition.column(name)
            assert column is not None
            definition = editing.set_clause(definition, column, "DEFAULT", f"DEFAULT {unknown}")
        if not self._store(definition):
            return True
        # an index has what the column read when the row came into it, so none may be asked
        shown = " OR ".join(f"+{quote(name)} IS {unknown}" for name in changed)
        sql = f"SELECT 1 FROM {quote(self._schema)}.{quote(self._name)} NOT INDEXED WHERE {shown} LIMIT 1"
        return self._connection.exec_driver_sql(sql).first() is not None

    # ---- the edit

    def _store(self, definition: Definition) -> bool:
        """Put the statement into the schema table, and have every connection read the schema anew."""
        schema, connection = quote(self._schema), self._connection
        version = connection.exec_driver_sql(f"PRAGMA {schema}.schema_version").scalar_one()
        with _writable_schema(connection):
            sql = f"UPDATE {schema}.sqlite_master SET sql = ? WHERE type = 'table' AND name = ?"
            count = connection.exec_driver_sql(sql, (definition.sql, self._name)).rowcount
            connection.exec_driver_sql(f"PRAGMA {schema}.schema_version = {version + 1}")
        found = connection.exec_driver_sql(f"PRAGMA {schema}.schema_version").scalar_one()
        return bool(count == 1 and found == version + 1)

    # ---- after

    def _came_out(self, before: Description, wanted: Description, entries: list[tuple[Any, ...]]) -> bool:
        now = describe(self._connection, self._schema, self._name)
        is_as_tried = (now.columns, now.foreign_keys, now.keys) == (wanted.columns, wanted.foreign_keys, wanted.keys)
        kept = [entry if not self._is_own(entry) else (*entry[:-1], self._wanted.sql) for entry in entries]
        if not is_as_tried or now.indexes != before.indexes or self._entries() != kept:
            return False
        self._compile()
        return True

    def _entries(self) -> list[tuple[Any, ...]]:
        sql = f"SELECT rowid, type, name, tbl_name, rootpage, sql FROM {quote(self._schema)}.sqlite_master ORDER BY 1"
        return [tuple(row) for row in self._connection.exec_driver_sql(sql)]

    def _is_own(self, entry: tuple[Any, ...]) -> bool:
        return bool(entry[1] == "table" and entry[2] == self._name)

    def _compile(self) -> None:
        """Statements that take in every constraint, index and trigger of the table. Raises what SQLite says."""
        place = f"{quote(self._schema)}.{quote(self._name)}"
        for statement in (f"INSERT INTO {place} DEFAULT VALUES", f"DELETE FROM {place}"):
            self._connection.exec_driver_sql(f"EXPLAIN {statement}").close()


@contextmanager
def _writable_schema(connection: Connection) -> Iterator[None]:
    """Have the schema table writable meanwhile; whatever happens, it is not afterwards.

    RESET is OFF, and has this connection read its schema anew, which older versions do not do by themselves.
    """
    # by the driver's own cursor, as a savepoint is
    cursor = connection.connection.cursor()
    try:
        try:
            cursor.execute("PRAGMA writable_schema = ON")
            yield
        finally:
            _reset(cursor)
    except BaseException:
        _reset(cursor)  # a Ctrl-C may have come in the place of the one above
        raise
    finally:
        close(cursor)


def _reset(cursor: Any) -> None:
    with suppress(sqlite3.ProgrammingError):  # the connection is closed, and the pragma gone with it
        cursor.execute("PRAGMA writable_schema = RESET")
