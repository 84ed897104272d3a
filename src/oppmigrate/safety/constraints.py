"""What the operations that add a constraint, or a unique index, demand of the rows that are there."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy import inspect

from oppmigrate.databases.rows import TableName
from oppmigrate.safety.demands import Rows, condition_holds, no_duplicates, no_null, parents_exist, rows_of
from oppmigrate.safety.refusing import Demand, Inquiry
from oppmigrate.safety.wording import dialect_option, expression_sql, key_sql


def of_unique_constraint(inquiry: Inquiry, operation: ops.CreateUniqueConstraintOp) -> Iterator[Demand]:
    table = TableName(operation.table_name, operation.schema)
    columns = tuple(operation.columns)
    nulls_are_equal = dialect_option(inquiry.connection, operation.to_constraint(), "nulls_not_distinct") is True
    keys = [inquiry.quoted(name) for name in columns]
    does = f"makes `{_named(table, columns)}` unique"
    yield no_duplicates(inquiry, rows_of(inquiry, table), keys, does, columns=columns, nulls_are_equal=nulls_are_equal)


def of_index(inquiry: Inquiry, operation: ops.CreateIndexOp) -> Iterator[Demand]:
    """Only a unique index demands anything."""
    if not operation.unique or not operation.table_name or _is_there(inquiry, operation):
        return
    index = operation.to_index()
    table = TableName(operation.table_name, operation.schema)
    where = dialect_option(inquiry.connection, index, "where")
    columns = tuple(each.name for each in index.expressions if isinstance(each, sa.Column))
    names = [getattr(each, "name", None) or str(each) for each in index.expressions]
    yield no_duplicates(
        inquiry,
        rows_of(inquiry, table),
        index_keys(inquiry, index),
        f"makes `{_named(table, names)}` unique",
        columns=columns,
        where=None if where is None else expression_sql(inquiry.connection, where),
        nulls_are_equal=dialect_option(inquiry.connection, index, "nulls_not_distinct") is True,
    )


def index_keys(inquiry: Inquiry, index: sa.Index) -> list[str]:
    """SQL of what the index compares: a part of a text where it is of a part."""
    lengths = dialect_option(inquiry.connection, index, "length") or {}
    keys = []
    for each in index.expressions:
        key = key_sql(inquiry.connection, each)
        length = lengths if isinstance(lengths, int) else lengths.get(getattr(each, "name", None))
        keys.append(f"LEFT({key}, {length})" if length else key)
    return keys


def of_primary_key(inquiry: Inquiry, operation: ops.CreatePrimaryKeyOp) -> Iterator[Demand]:
    table = TableName(operation.table_name, operation.schema)
    rows, columns = rows_of(inquiry, table), tuple(operation.columns)
    does = f"makes `{_named(table, columns)}` the primary key"
    for column in columns:
        yield no_null(inquiry, rows, column, does)
    yield no_duplicates(inquiry, rows, [inquiry.quoted(name) for name in columns], does, columns=columns)


def of_check(inquiry: Inquiry, operation: ops.CreateCheckConstraintOp) -> Iterator[Demand]:
    constraint = operation.to_constraint()
    if dialect_option(inquiry.connection, constraint, "not_valid"):
        return
    table = TableName(operation.table_name, operation.schema)
    yield check_demand(inquiry, rows_of(inquiry, table), constraint.sqltext)


def check_demand(inquiry: Inquiry, rows: Rows, sqltext: Any, columns: tuple[str, ...] = ()) -> Demand:
    condition = expression_sql(inquiry.connection, sqltext)
    does = f"adds the CHECK `{inquiry.shown(condition)}` to `{rows.table}`"
    return condition_holds(inquiry, rows, condition, does, columns)


def of_foreign_key(inquiry: Inquiry, operation: ops.CreateForeignKeyOp) -> Iterator[Demand]:
    options = operation.kw
    if dialect_option(inquiry.connection, operation.to_constraint(), "not_valid"):
        return
    table = TableName(operation.source_table, options.get("source_schema"))
    parent = TableName(operation.referent_table, options.get("referent_schema"))
    yield reference_demand(
        inquiry,
        rows_of(inquiry, table),
        tuple(operation.local_cols),
        parent,
        tuple(operation.remote_cols),
        options.get("match"),
    )


def reference_demand(
    inquiry: Inquiry,
    rows: Rows,
    columns: tuple[str, ...],
    parent: TableName,
    parent_columns: tuple[str, ...],
    match: str | None = None,
) -> Demand:
    does = f"makes `{_named(rows.table, columns)}` refer to `{_named(parent, parent_columns)}`"
    return parents_exist(inquiry, rows, columns, parent, parent_columns, does, match=match)


def _is_there(inquiry: Inquiry, operation: ops.CreateIndexOp) -> bool:
    """Is the index there already, so that nothing is done?"""
    if not operation.if_not_exists or operation.index_name is None:
        return False
    inspector = inspect(inquiry.connection)
    return inspector.has_index(operation.table_name, str(operation.index_name), schema=operation.schema)


def _named(table: TableName, columns: Any) -> str:
    names = list(columns)
    return f"{table}.{names[0]}" if len(names) == 1 else f"{table} ({', '.join(names)})"
