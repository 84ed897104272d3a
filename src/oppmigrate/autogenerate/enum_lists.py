"""Enums that are a text, with a CHECK that lists the values which it takes: `create_constraint=True`."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Column, Connection, inspect

from oppmigrate.autogenerate.written import as_text, literal
from oppmigrate.errors import Refused

_TEXTS = re.compile(r"'((?:[^']|'')*)'")
_LISTS = re.compile(r"\bIN\b|= ANY", re.IGNORECASE)
_DENIES = re.compile(r"\bNOT\b|\bALL\b", re.IGNORECASE)


class CreateListOp(ops.CreateCheckConstraintOp):
    """Make the CHECK of an enum, called `enum`, that had the values `before` and gets `after`."""

    enum: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def find_list(connection: Connection, column: Column[Any]) -> Any:
    """The CHECK of the database that lists the values of the column, and speaks of nothing else; None for none."""
    table = column.table
    others = {each.name for each in table.columns if each is not column}
    for check in inspect(connection).get_check_constraints(str(table.name), schema=table.schema):
        words = _TEXTS.sub("", check["sqltext"])
        named = set(re.findall(r"\w+", words))
        if column.name in named and not named & others and _LISTS.search(words) and not _DENIES.search(words):
            return check
    return None


def listed_values(check: Any) -> tuple[str, ...]:
    """The values that such a CHECK lists."""
    return tuple(text.replace("''", "'") for text in _TEXTS.findall(check["sqltext"]))


def swap_list(
    column: Column[Any], check: Any, values: Sequence[str], connection: Connection
) -> tuple[ops.DropConstraintOp, CreateListOp]:
    """Drop the CHECK, and make it anew with other values.

    Raises:
        Refused: it has no name to drop it by.
    """
    table, schema = str(column.table.name), column.table.schema
    if not check["name"]:
        raise Refused(
            f"the CHECK of {table}.{column.name} has no name, and cannot be changed",
            why=f"it is: {check['sqltext']}",
            do="give the Enum a name in the models; write the revision by hand: migrate create --empty",
        )
    before = ops.CreateCheckConstraintOp(check["name"], table, sa.text(check["sqltext"]), schema=schema)
    literals = ", ".join(map(literal, values))
    condition = f"{connection.dialect.identifier_preparer.quote(column.name)} IN ({literals})"
    create = CreateListOp(check["name"], table, sa.text(as_text(condition)), schema=schema)
    create.enum = getattr(column.type, "name", None) or f"{column.table.fullname}.{column.name}"
    create.before, create.after = listed_values(check), tuple(values)
    return ops.DropConstraintOp(check["name"], table, "check", schema=schema, _reverse=before), create


def arrange_lists(container: ops.OpContainer, context: AutogenContext) -> None:
    """Change the lists that the models have other values for, in place: away first of all, anew at the end."""
    connection = context.connection
    assert connection is not None
    for column in _listed(context, container):
        check = find_list(connection, column)
        if check is None or set(listed_values(check)) == set(column.type.enums):  # type: ignore[attr-defined]
            continue
        drop, create = swap_list(column, check, column.type.enums, connection)  # type: ignore[attr-defined]
        table = _operations_on(container, column)
        for op in table.ops:
            if isinstance(op, ops.AlterColumnOp) and op.column_name == column.name and op.modify_type is not None:
                op.modify_type = sa.String(length=column.type.length)  # type: ignore[attr-defined]  # has no CHECK
        table.ops = [drop, *table.ops, create]


def _listed(context: AutogenContext, container: ops.OpContainer) -> Iterator[Column[Any]]:
    """The columns of models whose type brings such a CHECK, of tables that stand and stay."""
    assert context.dialect is not None
    fresh = {(op.schema, op.table_name) for op in container.ops if isinstance(op, ops.CreateTableOp)}
    for table in context.sorted_tables:
        found = [column for column in table.columns if _lists_values(column.type, context)]
        if (
            found
            and (table.schema, table.name) not in fresh
            and context.run_object_filters(table, table.name, "table", False, None)
        ):
            yield from found


def _lists_values(type_: Any, context: AutogenContext) -> bool:
    return isinstance(type_, sa.Enum) and type_.create_constraint and not _is_native(type_, context)


def _is_native(enum: sa.Enum, context: AutogenContext) -> bool:
    return enum.native_enum and context.dialect is not None and context.dialect.supports_native_enum


def _operations_on(container: ops.OpContainer, column: Column[Any]) -> ops.ModifyTableOps:
    for op in container.ops:
        if isinstance(op, ops.ModifyTableOps) and (op.schema, op.table_name) == (
            column.table.schema,
            column.table.name,
        ):
            return op
    made = ops.ModifyTableOps(str(column.table.name), [], schema=column.table.schema)
    container.ops.append(made)
    return made
