"""All the operations of a revision looked at before the first: for servers where what was done cannot be undone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.operations import BatchOperations, Operations, ops
from alembic.operations.ops import MigrateOperation
from sqlalchemy import Connection

from oppmigrate.databases import Database
from oppmigrate.databases.rows import TableName
from oppmigrate.safety.allowances import LOSSY_CONVERSION, is_allowed
from oppmigrate.safety.data_steps import SCHEMA_OPERATIONS
from oppmigrate.safety.fitting import check_fit
from oppmigrate.safety.guarding import replaced, tables_of
from oppmigrate.safety.refusing import Inquiry

EVERY = None  # in place of a column: any of the table's


@dataclass(slots=True)
class Noted:
    """Operations in the order in which they were invoked, and which of them a person allows to lose something."""

    operations: list[MigrateOperation] = field(default_factory=list)
    _allowed: set[int] = field(default_factory=set)

    def note(self, operation: MigrateOperation, file: Path) -> None:
        self.operations.append(operation)
        if is_allowed(LOSSY_CONVERSION, file):
            self._allowed.add(id(operation))

    def is_allowed(self, slug: str, operation: MigrateOperation) -> bool:
        return slug == LOSSY_CONVERSION and id(operation) in self._allowed


@contextmanager
def noting(operations: Operations, file: Path, noted: Noted | None = None) -> Iterator[Noted]:
    """Note every operation that is invoked meanwhile, with its allowance; each is carried out as ever."""
    noted = Noted() if noted is None else noted

    def notes(invoke: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def note(operation: MigrateOperation) -> Any:
            noted.note(operation, file)
            return invoke(operation)

        return note

    batch_alter_table = operations.batch_alter_table

    @contextmanager
    def noting_batch(*args: Any, **kwargs: Any) -> Iterator[BatchOperations]:
        with batch_alter_table(*args, **kwargs) as batch:
            batch.invoke = notes(batch.invoke)  # type: ignore[method-assign, assignment]
            yield batch

    replacements = {"invoke": notes(operations.invoke), "batch_alter_table": noting_batch}
    with replaced(operations, replacements):
        yield noted


def preflight(noted: Noted, connection: Connection, database: Database, revision: str) -> None:
    """Look at the rows for every operation that can be judged before the first one has run.

    That is one whose table and columns no earlier operation changes, before the first step that may change rows.

    Raises:
        RowsDoNotFit: with the number of rows and a sample. Nothing was changed.
    """
    inquiry, changed = Inquiry(connection, database, revision), _Changed()
    for operation in noted.operations:
        if not isinstance(operation, SCHEMA_OPERATIONS):
            return
        if not changed.concerns(operation):
            check_fit(inquiry, operation, lambda slug, each=operation: noted.is_allowed(slug, each))  # type: ignore[misc]
        changed.add(operation)


class _Changed:
    """The columns that the operations so far have made, renamed, converted or dropped."""

    def __init__(self) -> None:
        self._columns: set[tuple[TableName, str | None]] = set()

    def add(self, operation: MigrateOperation) -> None:
        if isinstance(operation, ops.RenameTableOp):
            tables = (operation.table_name, operation.new_table_name)
            self._columns |= {(TableName(name, operation.schema), EVERY) for name in tables}
        elif isinstance(operation, ops.CreateTableOp | ops.DropTableOp):
            self._columns.add((TableName(operation.table_name, operation.schema), EVERY))
        elif isinstance(operation, ops.AddColumnOp | ops.AlterColumnOp | ops.DropColumnOp):
            table = TableName(operation.table_name, operation.schema)
            self._columns |= {(table, name) for name in _altered(operation)}

    def concerns(self, operation: MigrateOperation) -> bool:
        return any(self._has(table, column) for table, column in _looked_at(operation))

    def _has(self, table: TableName, column: str | None) -> bool:
        if column is EVERY:
            return any(changed == table for changed, _ in self._columns)
        return (table, EVERY) in self._columns or (table, column) in self._columns


def _altered(operation: ops.AddColumnOp | ops.AlterColumnOp | ops.DropColumnOp) -> set[str]:
    if isinstance(operation, ops.AddColumnOp):
        return {operation.column.name}
    if isinstance(operation, ops.AlterColumnOp) and operation.modify_name:
        return {operation.column_name, operation.modify_name}
    return {operation.column_name}


def _looked_at(operation: MigrateOperation) -> Iterator[tuple[TableName, str | None]]:
    """The columns whose values decide whether the rows fit; EVERY where that is in an expression."""
    for table in tables_of(operation):
        yield from ((table, column) for column in _columns_of(operation))
    if isinstance(operation, ops.CreateForeignKeyOp):
        parent = TableName(operation.referent_table, operation.kw.get("referent_schema"))
        yield from ((parent, column) for column in operation.remote_cols)


def _columns_of(operation: MigrateOperation) -> list[str | None]:
    if isinstance(operation, ops.AlterColumnOp):
        return [EVERY] if operation.kw.get("postgresql_using") else [operation.column_name]
    if isinstance(operation, ops.AddColumnOp):
        column = operation.column
        is_alone = not column.constraints and not isinstance(column.server_default, sa.Computed)
        return [column.name] if is_alone else [EVERY]
    if isinstance(operation, ops.CreateUniqueConstraintOp | ops.CreatePrimaryKeyOp):
        return list(operation.columns)
    if isinstance(operation, ops.CreateForeignKeyOp):
        return list(operation.local_cols)
    if isinstance(operation, ops.CreateIndexOp):
        expressions = operation.to_index().expressions
        if operation.kw or not all(isinstance(each, sa.Column) for each in expressions):
            return [EVERY]
        return [getattr(each, "name", None) for each in expressions]
    return [EVERY]
