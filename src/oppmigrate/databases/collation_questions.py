"""What the engine asks of a database about collations: how a column's text is compared and sorted."""

from collections.abc import Mapping
from typing import ClassVar

from sqlalchemy import Connection

from oppmigrate.databases.rows import TableName

Collations = Mapping[tuple[TableName, str], str]


class CollationQuestions:
    """The answers of a server whose collations SQLAlchemy's inspector finds."""

    keeps_collations: ClassVar[bool] = False  # a type that names none leaves the column the one it has

    def read_collations(self, connection: Connection) -> Collations | None:
        """The columns that have another collation than they would have by themselves; the default schema is None.

        None where the types that SQLAlchemy's inspector finds say it.
        """
        return None

    def default_collation(self, connection: Connection, table: TableName) -> str | None:
        """The collation that the table's columns have by themselves; None where that is not known."""
        return None

    def is_same_collation(self, one: str, other: str) -> bool:
        """Do two names stand for one collation?"""
        return one.lower() == other.lower()
