"""What the operations that add or alter a column demand of the rows that are there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from alembic.operations.schemaobj import SchemaObjects
from sqlalchemy import inspect

from oppmigrate.databases.rows import Misfits, TableName, TypeChange
from oppmigrate.safety.allowances import LOSSY_CONVERSION
from oppmigrate.safety.constraints import check_demand, reference_demand
from oppmigrate.safety.demands import Rows, no_duplicates, no_null, rows_of
from oppmigrate.safety.refusing import Demand, Inquiry
from oppmigrate.safety.wording import checks_of, default_sql, type_sql


def of_added_column(inquiry: Inquiry, operation: ops.AddColumnOp) -> Iterator[Demand]:
    """What the default of the column, or having none, means for each row that is there."""
    column, table = operation.column, TableName(operation.table_name, operation.schema)
    if operation.if_not_exists and _is_there(inquiry, table, column.name):
        return
    name = f"{table}.{column.name}"
    if _needs_value(column):
        yield _a_value(inquiry, table, column)
    value = default_sql(inquiry.connection, column)
    if value is None:
        return
    rows = _rows_with(inquiry, table, column, value)
    if column.unique:
        does = f"adds `{name}`, unique, with the default {inquiry.shown(value)}"
        yield no_duplicates(inquiry, rows, [inquiry.quoted(column.name)], does, columns=(column.name,))
    for check in checks_of(inquiry.connection, _constraints(inquiry, table, column)):
        yield check_demand(inquiry, rows, check.sqltext, (column.name,))
    for reference in column.foreign_keys:
        *parent, parent_column = reference.target_fullname.split(".")
        target = TableName(parent[-1], ".".join(parent[:-1]) or None)
        yield reference_demand(inquiry, rows, (column.name,), target, (parent_column,))


def of_nullability(inquiry: Inquiry, operation: ops.AlterColumnOp) -> Iterator[Demand]:
    table, column = TableName(operation.table_name, operation.schema), operation.column_name
    nullable = operation.modify_nullable
    if nullable is None and inquiry.database.restates_columns:
        nullable = operation.existing_nullable
    if nullable is False and inquiry.database.may_be_null(inquiry.connection, table, column):
        yield no_null(inquiry, rows_of(inquiry, table), column, f"makes `{table}.{column}` NOT NULL")


def of_counting(inquiry: Inquiry, operation: ops.AlterColumnOp) -> Iterator[Demand]:
    """A server that counts a column up may take a zero in it for a row without a number, and give it one."""
    if not operation.kw.get("autoincrement") or not inquiry.database.renumbers_zero(inquiry.connection):
        return
    table, column = TableName(operation.table_name, operation.schema), operation.column_name
    name = inquiry.quoted(column)
    yield Demand(
        table,
        Misfits(inquiry.table(table), f"{name} = 0"),
        f"lets `{table}.{column}` count up",
        "hold",
        "0 there, which the server would replace by the next number",
        "give such a row another number; or, to keep it, write above that line: "
        "op.execute(\"SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')\")",
        columns=(column,),
    )


def of_type_checks(inquiry: Inquiry, operation: ops.AlterColumnOp) -> Iterator[Demand]:
    """The CHECK that comes with a type: a Boolean's, or an Enum's, where the server has none of its own."""
    if operation.modify_type is None:
        return
    table, column = TableName(operation.table_name, operation.schema), operation.column_name
    carrier: Any = SchemaObjects().table(table.name, sa.Column(column, operation.modify_type), schema=table.schema)
    for check in checks_of(inquiry.connection, carrier.constraints):
        yield check_demand(inquiry, rows_of(inquiry, table), check.sqltext, (column,))


@contextmanager
def of_conversion(
    inquiry: Inquiry, operation: ops.AlterColumnOp, is_allowed: Callable[[str], bool]
) -> Iterator[Demand | None]:
    """What a new type demands; to be asked inside of the block. Nothing where a person allows what it does."""
    new = operation.modify_type
    if new is None and inquiry.database.restates_columns and _restates(operation):
        new = operation.existing_type
    if new is None or is_allowed(LOSSY_CONVERSION):
        yield None
        return
    table, column = TableName(operation.table_name, operation.schema), operation.column_name
    using = operation.kw.get("postgresql_using")
    change = TypeChange(table, column, type_sql(inquiry.connection, new), using and str(using))
    with inquiry.database.misfits(inquiry.connection, change) as misfits:
        yield _conversion_demand(inquiry, change, misfits) if misfits else None


def _conversion_demand(inquiry: Inquiry, change: TypeChange, misfits: Misfits) -> Demand:
    name, allowance = f"{change.table}.{change.column}", f"# oppman: allow {LOSSY_CONVERSION} -- REASON"
    correct = "change those values in the revision, above that line (op.execute)"
    if change.using:
        fault, do = f"a value that `{change.using}` does not convert", f"{correct}, or write another `postgresql_using`"
    else:
        fault, do = (
            "a value that it does not take, or changes",
            f"{correct}; or, if that may be, write above it: {allowance}",
        )
    does = f"gives `{name}` the type {change.type_sql}"
    return Demand(change.table, misfits, does, "hold", fault, do, columns=(change.column,))


def _restates(operation: ops.AlterColumnOp) -> bool:
    """Is more than the default altered, so that the server is told type and NOT NULL again?"""
    return (
        operation.modify_name is not None
        or operation.modify_nullable is not None
        or operation.modify_comment is not False
        or operation.kw.get("autoincrement") is not None
    )


def _needs_value(column: sa.Column[Any]) -> bool:
    """Is it NOT NULL, with nothing that gives a row its value?"""
    counts = column.autoincrement is True or (column.primary_key and column.autoincrement != False)  # noqa: E712
    return not (column.nullable or column.server_default is not None or counts)


def _a_value(inquiry: Inquiry, table: TableName, column: sa.Column[Any]) -> Demand:
    name = inquiry.quoted(column.name)
    return Demand(
        table,
        Misfits(inquiry.table(table), "1 = 1"),
        f"adds `{table}.{column.name}` as NOT NULL without a server_default",
        "get",
        "no value there",
        "give it a `server_default`; or add it nullable, fill it "
        f'(op.execute("UPDATE {inquiry.table(table)} SET {name} = …")), then alter it to nullable=False',
    )


def _rows_with(inquiry: Inquiry, table: TableName, column: sa.Column[Any], value: str) -> Rows:
    """The table's rows as they will be with the added column."""
    alias, name = inquiry.quoted(table.name), inquiry.quoted(column.name)
    typed = inquiry.database.as_type(value, type_sql(inquiry.connection, column.type))
    source = f"(SELECT {alias}.*, {typed} AS {name} FROM {inquiry.table(table)}) AS {alias}"
    return Rows(table, source, alias)


def _constraints(inquiry: Inquiry, table: TableName, column: sa.Column[Any]) -> Iterator[sa.Constraint]:
    yield from column.constraints
    if not inquiry.database.rebuilds_tables:  # there, a type's own constraint is not added to a table
        carrier: Any = SchemaObjects().table(table.name, sa.Column(column.name, column.type), schema=table.schema)
        yield from carrier.constraints


def _is_there(inquiry: Inquiry, table: TableName, column: str) -> bool:
    columns = inspect(inquiry.connection).get_columns(table.name, schema=table.schema)
    return column in {each["name"] for each in columns}
