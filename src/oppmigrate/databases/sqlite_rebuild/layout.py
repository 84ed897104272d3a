"""What SQLite makes of a table's definition; and of that, what decides how its rows and indexes lie on disk."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from oppmigrate.databases.sqlite_rebuild.definition import ColumnText, Definition
from oppmigrate.databases.sqlite_rebuild.stored import pragma
from oppmigrate.databases.sqlite_rebuild.tokens import fold, quote

# what no pragma tells, and what an index or a stored value is made with
ON_DISK = ("PRIMARY KEY", "UNIQUE", "COLLATE", "GENERATED")
SAME_IN_STRICT = {"INT": "INTEGER"}


@dataclass(frozen=True)
class Description:
    """A table as SQLite lists it.

    Args:
        columns, foreign_keys: as `table_xinfo` and `foreign_key_list` have them.
        keys: the indexes that SQLite makes for constraints, in the order in which it numbers them.
        indexes: those that somebody made, by their names.
    """

    columns: tuple[tuple[Any, ...], ...]
    foreign_keys: tuple[tuple[Any, ...], ...]
    keys: tuple[tuple[Any, ...], ...]
    indexes: frozenset[tuple[Any, ...]]

    @property
    def layout(self) -> tuple[Any, ...]:
        """Each column's name, place in the key and kind, in their order; and the keys."""
        return tuple((name, key, kind) for _, name, _, _, _, key, kind in self.columns), self.keys


def describe(connection: Connection, schema: str, table: str) -> Description:
    keys, indexes = [], set()
    for _, name, unique, origin, partial in pragma(connection, schema, "index_list", table):
        parts = tuple(pragma(connection, schema, "index_xinfo", name))
        if origin == "c":
            indexes.add((name, unique, partial, parts))
        else:  # sqlite_autoindex_<table>_<number>: by its name the schema finds its pages again
            keys.append((int(name.rpartition("_")[2]), unique, origin, partial, parts))
    return Description(
        tuple(pragma(connection, schema, "table_xinfo", table)),
        tuple(pragma(connection, schema, "foreign_key_list", table)),
        tuple(sorted(keys)),
        frozenset(indexes),
    )


def affinities(connection: Connection, schema: str, table: str, free_name: str) -> tuple[str, ...]:
    """Each column's affinity as SQLite itself determines it, which is all that CREATE TABLE AS keeps of a type.

    Leaves the empty table `free_name` behind: to be called within a savepoint that is rolled back.
    """
    copy = f"{quote(schema)}.{quote(free_name)}"
    connection.exec_driver_sql(f"CREATE TABLE {copy} AS SELECT * FROM {quote(schema)}.{quote(table)} LIMIT 0")
    return tuple(row[2] for row in pragma(connection, schema, "table_xinfo", free_name))


def words_on_disk(definition: Definition) -> tuple[Any, ...]:
    """Of a definition, the words that decide what lies on disk and that SQLite does not list, as they are written."""
    clauses = tuple(
        (fold(clause.column or ""), clause.kind, tuple(token.text for token in clause.body))
        for clause in definition.clauses
        if clause.kind in ON_DISK
    )
    options = frozenset(token.text.upper() for token in definition.options if token.kind == "word")
    types = [_strict_type(definition, column) for column in definition.columns] if definition.is_strict else []
    return clauses, options, types


def default_words(column: ColumnText) -> tuple[tuple[str, ...], ...]:
    """A column's DEFAULT, word by word; SQLite takes more than one, and means the last."""
    return tuple(tuple(token.text for token in clause.body) for clause in column.clauses if clause.kind == "DEFAULT")


def _strict_type(definition: Definition, column: ColumnText) -> str:
    """A STRICT table takes no other value than its type's, and `ANY` means something else there."""
    text = definition.type_of(column).strip('"`[]').upper()
    return SAME_IN_STRICT.get(text, text)
