"""What the engine asks of a database about constraints and tables: what SQLAlchemy's inspector leaves out of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection

from oppmigrate.databases.rows import TableName


@dataclass(frozen=True, slots=True)
class StoredConstraint:
    """A UNIQUE or EXCLUDE constraint that a table has.

    Args:
        definition: what stands behind its name in an ALTER TABLE … ADD CONSTRAINT.
        deferrable: may its check wait for the end of the transaction?
        deferred: does it, where the transaction says nothing?
    """

    name: str
    excludes: bool
    definition: str
    deferrable: bool = False
    deferred: bool = False


StoredConstraints = Mapping[TableName, tuple[StoredConstraint, ...]]


class ConstraintQuestions:
    """The answers of a server that checks every such constraint at once, and has no EXCLUDE."""

    defers_constraints: ClassVar[bool] = False  # a UNIQUE may be checked when the transaction ends

    table_options: ClassVar[Mapping[str, bool]] = {}  # SQLAlchemy's arguments of a table, and what it is without them

    def read_table_options(self, connection: Connection) -> dict[TableName, dict[str, bool]]:
        """The options of tables that have others than by themselves; the default schema is None."""
        return {}

    def read_constraints(self, connection: Connection) -> StoredConstraints:
        """Every table's EXCLUDE constraints, and its UNIQUE ones whose check may wait; the default schema is None."""
        return {}
