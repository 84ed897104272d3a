"""What the engine asks of a database about types: which of them are objects of their own, and how values get there."""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection

from oppmigrate.databases.rows import TableName


@dataclass(frozen=True, slots=True)
class EnumColumn:
    """A column that an enum type is the type of, or of whose array's elements.

    Args:
        suffix: "[]" for an array.
        default: SQL, as the server writes it.
    """

    table: str
    schema: str | None
    column: str
    suffix: str
    nullable: bool
    default: str | None


@dataclass(frozen=True, slots=True)
class NamedEnum:
    """An enum type as the database holds it; the default schema is None."""

    name: str
    schema: str | None
    values: tuple[str, ...]
    columns: tuple[EnumColumn, ...] = ()


class TypeQuestions:
    """The answers of a server that has its enums inside of columns, and converts by itself what it converts at all."""

    converts_by_expression: ClassVar[bool] = False  # an ALTER takes an expression for the values under a new type
    has_named_enums: ClassVar[bool] = False  # an enum is an object of its own, that many columns may share

    def read_enums(self, connection: Connection) -> tuple[NamedEnum, ...]:
        """The enum types, and the columns that are of them; those of extensions are left out."""
        return ()

    def can_add_values_in_transaction(self, connection: Connection) -> bool:
        """May a value be added to an enum type by a transaction that goes on?"""
        return True

    def cast(self, connection: Connection, column: str, old: str, new: str) -> str | None:
        """An expression that makes the column's values those of another type; None where the server needs none.

        Args:
            old, new: types in SQL; they may be ones that are not there yet.
        """
        return None

    def owned_sequence(self, connection: Connection, table: str, schema: str | None, column: str) -> str | None:
        """The sequence that counts the column's values and goes with it, quoted; None where there is none."""
        return None

    def json_columns(self, connection: Connection, table: TableName) -> frozenset[str]:
        """The columns that are JSON, and that the server shows as text."""
        return frozenset()
