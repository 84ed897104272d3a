"""What the engine asks of a database about the whole of its structure: to make another one like it, with no rows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Structure:
    """How a database is made.

    Args:
        objects: kind, name, table and the stored statement of each, in an order in which they can be executed.
        names: of the tables that were asked about and are there: what their columns, indexes and triggers are called.
    """

    objects: tuple[tuple[str, str, str, str], ...]
    names: Mapping[str, frozenset[str]]


class StructureQuestions:
    """The answers of a server that does not store the statements that it was made by."""

    def read_structure(self, connection: Connection, tables: Collection[str]) -> Structure | None:
        """The structure; None where making it from statements might come out otherwise.

        Args:
            tables: those whose names are to be told.
        """
        return None

    def make_structure(self, connection: Connection, structure: Structure) -> None:
        """Make all of it in an empty database, but for tables that are there.

        Raises:
            MigrationFailed: it came out otherwise.
        """
        raise NotImplementedError
