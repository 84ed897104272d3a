"""Which of the statements that a revision runs change rows by themselves."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.operations import ops
from alembic.operations.ops import MigrateOperation
from sqlalchemy import Connection, event

from oppmigrate.databases.rows import OWN

NOISE = r"(?:\s|;|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
CHANGING = r"(?:INSERT|UPDATE|DELETE|REPLACE|MERGE|UPSERT|TRUNCATE|COPY|LOAD|CALL|DO|EXEC|EXECUTE)\b"
DATA_STATEMENT = re.compile(rf"{NOISE}{CHANGING}|.*;{NOISE}{CHANGING}", re.IGNORECASE | re.DOTALL)
WITH_CHANGES = re.compile(rf"{NOISE}WITH\b.*\b(?:INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE | re.DOTALL)
SELECT = re.compile(rf"{NOISE}(?:SELECT|VALUES|WITH)\b", re.IGNORECASE)
MOVES_PARTITIONS = re.compile(
    r"\b(?:DROP|TRUNCATE|DETACH|ATTACH|EXCHANGE|COALESCE|REORGANIZE)\s+PARTITION\b|\bALTER\s+IGNORE\b", re.IGNORECASE
)
REMOVES_TABLES = re.compile(r"\bDROP\s+(?:TABLE|SCHEMA)\b|\bRENAME\s+(?:TO|TABLE)\b|\bSET\s+SCHEMA\b", re.IGNORECASE)

# operations of Alembic's that make tables, and move no row by a person's word
SCHEMA_OPERATIONS = (
    ops.AlterTableOp,
    ops.AddConstraintOp,
    ops.DropConstraintOp,
    ops.CreateIndexOp,
    ops.DropIndexOp,
    ops.CreateTableOp,
    ops.DropTableOp,
)


def changes_rows(statement: str) -> bool:
    """Does it insert, update or delete, or may it? A name or a text that looks like it is taken for it."""
    return bool(DATA_STATEMENT.match(statement) or WITH_CHANGES.match(statement) or MOVES_PARTITIONS.search(statement))


class DataSteps:
    """Listens on a connection for the data steps of a revision."""

    def __init__(self) -> None:
        self.seen = False
        self.rows_moved = 0
        self._removals: list[str] = []  # statements of the revision's own that drop or rename a table
        self._running: list[MigrateOperation | None] = []

    def may_have_removed(self, table: str) -> bool:
        """Does a statement of the revision's own drop or rename a table of this name?"""
        return any(table.lower() in statement.lower() for statement in self._removals)

    @contextmanager
    def listening(self, connection: Connection) -> Iterator[None]:
        event.listen(connection, "after_cursor_execute", self._heard)
        try:
            yield
        finally:
            event.remove(connection, "after_cursor_execute", self._heard)

    @contextmanager
    def during(self, operation: MigrateOperation | None) -> Iterator[None]:
        """What runs in the block is the work of this operation; None for a batch being carried out."""
        self._running.append(operation)
        try:
            yield
        finally:
            self._running.pop()

    def _heard(self, _connection: Any, cursor: Any, statement: str, _parameters: Any, context: Any, *_: Any) -> None:
        if context is not None and context.execution_options.get(OWN):
            return
        running = self._running[-1] if self._running else _NOTHING
        if running is None or isinstance(running, SCHEMA_OPERATIONS):
            return
        if REMOVES_TABLES.search(statement):
            self._removals.append(statement)
        if changes_rows(statement):
            self.seen = True
            self.rows_moved += max(0, cursor.rowcount or 0)
        elif isinstance(running, ops.ExecuteSQLOp) and SELECT.match(statement):
            self.seen = True  # nobody sees what `op.execute` returns: it is there for what its functions do


_NOTHING = object()
