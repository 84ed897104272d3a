"""Which of the statements that a revision runs change rows by themselves."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.operations import ops
from alembic.operations.ops import MigrateOperation
from sqlalchemy import Connection, event

from oppmigrate.databases.rows import OWN
from oppmigrate.databases.statements import read_statements

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
        read = read_statements(statement)
        if any(each.changes_rows for each in read):
            self.seen = True
            self.rows_moved += max(0, cursor.rowcount or 0)
        elif isinstance(running, ops.ExecuteSQLOp) and any(each.queries for each in read):
            self.seen = True  # nobody sees what `op.execute` returns: it is there for what its functions do


_NOTHING = object()
