"""What only the stored definitions of a SQLite database tell: collations of columns, options of tables, all of it."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import Connection

from oppmigrate.databases.collation_questions import CollationQuestions, Collations
from oppmigrate.databases.constraint_questions import ConstraintQuestions
from oppmigrate.databases.rows import TableName, ask
from oppmigrate.databases.structure_questions import Structure, StructureQuestions

if TYPE_CHECKING:
    from oppmigrate.databases.sqlite_rebuild.definition import Definition

TABLES = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE '%collate%'"
WITH_OPTIONS = """
SELECT name, sql FROM sqlite_master
WHERE type = 'table' AND (sql LIKE '%autoincrement%' OR sql LIKE '%strict%' OR sql LIKE '%without%')
"""
DEFAULT = "BINARY"


class SQLiteDefinitions(ConstraintQuestions, CollationQuestions, StructureQuestions):
    """Its answers about collations, tables and its structure; of attached databases nothing is known."""

    table_options: ClassVar[dict[str, bool]] = {
        "sqlite_autoincrement": False,
        "sqlite_strict": False,
        "sqlite_with_rowid": True,
    }

    keeps_collations = True

    def read_collations(self, connection: Connection) -> Collations:
        return dict(_found(connection))

    def read_table_options(self, connection: Connection) -> dict[TableName, dict[str, bool]]:
        return {TableName(name): _options(found) for name, found in _definitions(connection, WITH_OPTIONS)}

    def default_collation(self, connection: Connection, table: TableName) -> str | None:
        return DEFAULT if table.schema is None else None

    def read_structure(self, connection: Connection, tables: Collection[str]) -> Structure | None:
        from oppmigrate.databases import sqlite_structure

        return sqlite_structure.read_structure(connection, tables)

    def make_structure(self, connection: Connection, structure: Structure) -> None:
        from oppmigrate.databases import sqlite_structure

        sqlite_structure.make_structure(connection, structure)


def _options(definition: "Definition") -> dict[str, bool]:
    words = definition.text(definition.options).upper().replace(",", " ").split()
    return {
        "sqlite_autoincrement": definition.autoincrements,
        "sqlite_strict": "STRICT" in words,
        "sqlite_with_rowid": "ROWID" not in words,
    }


def _definitions(connection: Connection, query: str) -> "Iterator[tuple[str, Definition]]":
    from oppmigrate.databases.sqlite_rebuild.definition import Unreadable
    from oppmigrate.databases.sqlite_rebuild.reading import read_definition

    for name, sql in ask(connection, query):
        with suppress(Unreadable):
            yield name, read_definition(sql)


def _found(connection: Connection) -> Iterator[tuple[tuple[TableName, str], str]]:
    for name, definition in _definitions(connection, TABLES):
        for column in definition.columns:
            clause = column.clause("COLLATE")
            if clause is not None and clause.body[-1].name.upper() != DEFAULT:
                yield (TableName(name), column.name), clause.body[-1].name
