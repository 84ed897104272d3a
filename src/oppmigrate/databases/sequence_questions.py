"""What the engine asks of a database about numbers: its sequences that no column owns, and rows to be numbered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection

from oppmigrate.databases.rows import TableName
from oppmigrate.errors import UnsupportedDatabase

Bounds = tuple[int, int]


@dataclass(frozen=True, slots=True)
class StoredSequence:
    """How a sequence counts; where it stands is not asked.

    Args:
        type: the type of its values, where the server gives it one.
        cache: how many values a session takes at once.
    """

    type: str | None
    start: int
    increment: int
    minimum: int
    maximum: int
    cycle: bool
    cache: int


class SequenceQuestions:
    """The answers of a server that has no sequences."""

    sequence_cache: ClassVar[int] = 1  # what a sequence has that is made without a word about it
    no_cycle: ClassVar[str] = "NO CYCLE"  # what says that it ends at its last value
    sequence_types: ClassVar[Mapping[str | None, Bounds]] = {}  # the smallest and the largest value of each

    def read_sequences(self, connection: Connection) -> dict[TableName, StoredSequence]:
        """Every sequence that no column owns; the default schema is None."""
        return {}

    def number_rows_sql(self, table: str, column: str) -> str:
        """The statement that gives the column of each row another number, from 1; both names as SQL has them."""
        raise UnsupportedDatabase(
            f"the rows of {table} cannot be numbered on this kind of database",
            do=f"give {column} values in a revision of its own, before it becomes the key",
        )

    def rename_sequence_sql(self, old: str, new: str) -> str:
        """The statement; both names as SQL has them."""
        return f"ALTER SEQUENCE {old} RENAME TO {new}"
