"""JSON where a server shows it as text: stated as text again, a column would lose the CHECK that it holds JSON."""

from collections.abc import Iterator
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import JSON, Column, String

from oppmigrate.autogenerate.words import flatten
from oppmigrate.databases import Database
from oppmigrate.databases.rows import TableName


def say_json(container: ops.OpContainer, context: AutogenContext, database: Database) -> None:
    """Give the columns that change, and those that come back by the downgrade, the type that they have; in place."""
    assert context.connection is not None
    for op in flatten(container.ops):
        shown = list(_shown_as_text(op))
        if not shown:
            continue
        stored = database.json_columns(context.connection, TableName(_table(op), getattr(op, "schema", None)))
        for name, holder, attribute in shown:
            if name in stored:
                setattr(holder, attribute, JSON())


def _shown_as_text(op: ops.MigrateOperation) -> Iterator[tuple[str, Any, str]]:
    """The columns' names, and what of which object holds their types as they are in the database."""
    if isinstance(op, ops.AlterColumnOp) and isinstance(op.existing_type, String):
        yield op.column_name, op, "existing_type"
    back = op._reverse if isinstance(op, ops.DropTableOp | ops.DropColumnOp) else None
    columns = back.columns if isinstance(back, ops.CreateTableOp) else [back.column] if back is not None else []
    for column in columns:
        if isinstance(column, Column) and isinstance(column.type, String):
            yield column.name, column, "type"


def _table(op: Any) -> str:
    return str(op.table_name)
