"""Columns whose values the server is to count up, or no more: in MariaDB and MySQL a word in the column itself."""

from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Column, Table

from oppmigrate.autogenerate.retyping import RetypeColumnOp
from oppmigrate.autogenerate.written import counts_by_sequence
from oppmigrate.databases import Database


class RecountOp(RetypeColumnOp):
    """A column that begins or ceases to count up; both ways it has to be said, else nothing is altered."""

    def reverse(self) -> "RecountOp":
        made = super().reverse()
        assert isinstance(made, RecountOp)
        made.kw["autoincrement"] = bool(self.down_counts)
        return made


def compare_counting(
    context: AutogenContext,
    database: Database,
    operations: ops.ModifyTableOps,
    conn_table: Table,
    metadata_table: Table,
) -> None:
    """Say in the table's operations where a column is to begin or to cease to count up."""
    for column in metadata_table.columns:
        stored = conn_table.columns.get(column.name)
        if stored is not None and counts_otherwise(context, database, stored, column):
            _say(operations, stored, _counts(column, context))


def counts_otherwise(
    context: AutogenContext, database: Database, stored: "Column[Any]", modelled: "Column[Any]"
) -> bool:
    """Does one of the two count up, and the other not, where that is a word in the column itself?"""
    return database.restates_columns and _counts(modelled, context) is not (stored.autoincrement is True)


def _counts(column: "Column[Any]", context: AutogenContext) -> bool:
    return column.table._autoincrement_column is column and not counts_by_sequence(column, context.dialect)


def _say(operations: ops.ModifyTableOps, stored: "Column[object]", counts: bool) -> None:
    found = (op for op in operations.ops if isinstance(op, ops.AlterColumnOp) and op.column_name == stored.name)
    op = next(found, None)
    if op is not None and op.modify_type is not None:  # a column that is given a type is told so with it
        return
    restated = recounted(op or as_it_is(operations.table_name, operations.schema, stored), counts=counts)
    if op is None:
        operations.ops.append(restated)
    else:
        operations.ops[operations.ops.index(op)] = restated


def recounted(op: ops.AlterColumnOp, *, counts: bool) -> RecountOp:
    """The operation, and the column counts up by it, or no more."""
    made = RecountOp.of(op)
    assert isinstance(made, RecountOp)
    made.kw["autoincrement"], made.down_counts = counts, not counts
    return made


def as_it_is(table: str, schema: str | None, stored: "Column[Any]") -> ops.AlterColumnOp:
    """An operation on the column that changes nothing of it."""
    return ops.AlterColumnOp(
        table,
        stored.name,
        schema=schema,
        existing_type=stored.type,
        existing_nullable=stored.nullable,
        existing_server_default=stored.server_default if stored.server_default is not None else False,
        existing_comment=stored.comment,
    )
