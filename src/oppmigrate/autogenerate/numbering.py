"""A key that counts up, new in a table that holds rows: they are numbered, and the server counts on behind them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Column, Dialect, MetaData, Table

from oppmigrate.autogenerate.counting import as_it_is, recounted
from oppmigrate.autogenerate.retyping import SequenceOp, is_counted
from oppmigrate.autogenerate.written import quoted_name
from oppmigrate.databases import Database


@dataclass(frozen=True)
class Numbers:
    """Stands for a value of a new column that is another one in each row.

    Args:
        statement: writes the SQL, from the table and the column; see `Database.number_rows_sql`.
    """

    statement: Callable[[str, str], str] | None = None

    def __repr__(self) -> str:
        return "1, 2, 3 …"

    def sql(self, dialect: Dialect, schema: str | None, table: str, column: str) -> str:
        """The statement that numbers the rows of the table."""
        assert self.statement is not None
        return self.statement(quoted_name(dialect, schema, table), quoted_name(dialect, None, column))


def with_statements(values: Mapping[str, Any], database: Database) -> dict[str, Any]:
    """The values, and what stands for numbers able to say how."""
    return {
        name: Numbers(database.number_rows_sql) if isinstance(value, Numbers) else value
        for name, value in values.items()
    }


def is_numbered(column: "Column[Any]") -> bool:
    """Is it a key whose values the server counts up, so that the rows that are there can be numbered?"""
    table: Table | None = getattr(column, "table", None)
    counts = table is not None and table._autoincrement_column is column
    return counts and column.default is None and column.server_default is None


def count_no_more(container: ops.OpContainer, context: AutogenContext, database: Database) -> None:
    """Where a key goes that the server counts up, let it count no more before, in place; the downgrade numbers rows."""
    for table in container.ops:
        if not isinstance(table, ops.ModifyTableOps):
            continue
        for drop in [op for op in table.ops if isinstance(op, ops.DropColumnOp)]:
            if drop._reverse is not None and is_numbered(drop._reverse.column):
                table.ops[:0] = _no_more(drop, drop._reverse.column, context, database)


def _no_more(
    drop: ops.DropColumnOp, column: "Column[Any]", context: AutogenContext, database: Database
) -> list[ops.MigrateOperation]:
    assert context.connection is not None
    plain = Column(column.name, column.type, primary_key=True, comment=column.comment)
    Table(drop.table_name, MetaData(), plain, schema=drop.schema)
    drop._reverse = ops.AddColumnOp(drop.table_name, plain, schema=drop.schema)
    if database.restates_columns:
        return [recounted(as_it_is(drop.table_name, drop.schema, column), counts=False)]
    sequence = database.owned_sequence(context.connection, drop.table_name, drop.schema, column.name)
    if sequence is None:
        return []
    type_sql = column.type.compile(dialect=context.dialect)
    return [SequenceOp(drop.table_name, drop.schema, column.name, sequence, type_sql, False)]


def count_up(
    context: AutogenContext, database: Database, conn_table: Table, metadata_table: Table
) -> list[ops.MigrateOperation]:
    """What lets the server count the column of a new primary key, where the model has it counted.

    Where tables are rebuilt, the key does so by itself.
    """
    column = metadata_table._autoincrement_column
    if column is None or database.rebuilds_tables or not is_counted(column, context):
        return []
    stored = conn_table.columns.get(column.name)
    assert context.dialect is not None
    schema = metadata_table.schema
    if not database.restates_columns and (stored is None or stored.server_default is None):
        name = quoted_name(context.dialect, schema, f"{metadata_table.name}_{column.name}_seq")
        type_sql = column.type.compile(dialect=context.dialect)
        return [SequenceOp(metadata_table.name, schema, column.name, name, type_sql, True)]
    if database.restates_columns and stored is None:
        return [recounted(as_it_is(metadata_table.name, schema, column), counts=True)]
    return []
