"""Enum types of models against those of the database: made before they are used, changed with all their columns, and
dropped after their last use."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeGuard

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, ops
from sqlalchemy import Column, DefaultClause
from sqlalchemy.dialects import postgresql

from oppmigrate.autogenerate.enum_types import (
    AddEnumValuesOp,
    CreateEnumOp,
    DropEnumOp,
    RenameEnumOp,
    SwapEnumOps,
    enum_of,
)
from oppmigrate.autogenerate.retyping import RetypeColumnOp
from oppmigrate.autogenerate.words import flatten
from oppmigrate.autogenerate.written import quoted_name
from oppmigrate.databases import Database
from oppmigrate.databases.type_questions import EnumColumn, NamedEnum

Key = tuple[str | None, str]  # schema, name
Place = tuple[str | None, str, str]  # schema, table, column

# a plugin that a project may have chosen, which does the same for itself
OTHER_PLUGIN = "alembic_postgresql_enum"
LONGEST_NAME = 63
POSTGRESQL: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
CREATE_TYPE_OF_ENUM = "create_type" in vars(sa.Enum("a", name="a"))  # SQLAlchemy 2.1


def arrange_enums(container: ops.OpContainer, context: AutogenContext, database: Database) -> None:
    """Put what happens to enum types before and behind the operations that use them, in place."""
    if not database.has_named_enums or OTHER_PLUGIN in sys.modules:
        return
    assert context.connection is not None
    stored = {(each.schema, each.name): each for each in database.read_enums(context.connection)}
    names = _Names(context)
    flat = list(flatten(container.ops))
    used = names.of_columns(_types_to_use(flat))
    wanted = names.of_columns(_types_of_models(context)) | used
    first: list[MigrateOperation] = [
        CreateEnumOp(name, schema, values) for (schema, name), values in used.items() if (schema, name) not in stored
    ]
    for key, values in wanted.items():
        if key in stored and stored[key].values != tuple(values):
            first.append(_change(stored[key], values, key in used, container, context, database))
    going = _places_that_go(flat)
    last = [
        DropEnumOp(each.name, each.schema, each.values)
        for key, each in stored.items()
        if key not in wanted and each.columns and all(_place(column) in going for column in each.columns)
    ]
    for op in flat:
        _leave_to_us(op)
    container.ops[:] = [*first, *container.ops, *last]


class _Names:
    """The keys of types: the default schema is one, whether it is named or not."""

    def __init__(self, context: AutogenContext) -> None:
        self._default = context.dialect.default_schema_name if context.dialect else None

    def of_columns(self, types: Iterable[Any]) -> dict[Key, list[str]]:
        """The enum types among these, with their values; of two that differ, the first."""
        found: dict[Key, list[str]] = {}
        for type_ in types:
            enum = enum_of(type_)
            if enum is not None:
                schema = enum.schema if enum.schema != self._default else None
                found.setdefault((schema, enum.name), list(enum.enums))
        return found


def _types_of_models(context: AutogenContext) -> Iterator[Any]:
    for table in context.sorted_tables:
        if context.run_object_filters(table, table.name, "table", False, None):
            yield from (column.type for column in table.columns)


def _types_to_use(flat: Iterable[MigrateOperation]) -> Iterator[Any]:
    """The types of columns that the operations make, or give another type."""
    for op in flat:
        if isinstance(op, ops.CreateTableOp):
            yield from (item.type for item in op.columns if isinstance(item, Column))
        elif isinstance(op, ops.AddColumnOp):
            yield op.column.type
        elif isinstance(op, ops.AlterColumnOp) and op.modify_type is not None:
            yield op.modify_type


def _places_that_go(flat: Sequence[MigrateOperation]) -> set[Place | tuple[str | None, str, None]]:
    found: set[Any] = set()
    for op in flat:
        if isinstance(op, ops.DropTableOp):
            columns = op._reverse.columns if op._reverse else ()
            found |= {(op.schema, op.table_name, item.name) for item in columns if isinstance(item, Column)}
        elif isinstance(op, ops.DropColumnOp) or (isinstance(op, ops.AlterColumnOp) and op.modify_type is not None):
            found.add((op.schema, op.table_name, op.column_name))
    return found


def _place(column: EnumColumn) -> Place:
    return column.schema, column.table, column.column


# ---- other values


def _change(
    stored: NamedEnum,
    values: Sequence[str],
    is_used: bool,
    container: ops.OpContainer,
    context: AutogenContext,
    database: Database,
) -> MigrateOperation:
    """Values are added where that is all, and none of them may be used before the transaction ends; else a swap."""
    assert context.connection is not None
    flat = flatten(container.ops)
    altered = {(op.schema, op.table_name, op.column_name) for op in flat if _sets_default(op)}
    touched = is_used or any(_place(column) in altered for column in stored.columns)
    if touched or [value for value in values if value in stored.values] != list(stored.values):
        defaults = {_place(column): _take_default(column, container) for column in stored.columns}
        return _swap(stored, stored.values, values, defaults)
    back = _swap(stored, values, stored.values, {})
    in_transaction = database.can_add_values_in_transaction(context.connection)
    return AddEnumValuesOp(stored.name, stored.schema, stored.values, values, back, in_transaction)


def _sets_default(op: MigrateOperation) -> TypeGuard[ops.AlterColumnOp]:
    return isinstance(op, ops.AlterColumnOp) and op.modify_server_default is not False


def _swap(
    stored: NamedEnum, before: Sequence[str], after: Sequence[str], defaults: dict[Place, tuple[Any, ...]]
) -> SwapEnumOps:
    """The steps, each of which can be undone: rename, make anew, convert every column, drop.

    Args:
        defaults: the new default of a column whose default changes with the type.
    """
    aside = f"{stored.name[: LONGEST_NAME - 4]}_old"
    steps: list[MigrateOperation] = [
        RenameEnumOp(stored.name, stored.schema, aside),
        CreateEnumOp(stored.name, stored.schema, after),
    ]
    for column in stored.columns:
        old = new = None
        if column.default is not None:
            new = DefaultClause(sa.text(column.default))
            # what the downgrade sets, while the type of then still has the other name
            old = DefaultClause(sa.text(_under_other_name(column.default, stored, aside)))
        (new,) = defaults.get(_place(column)) or (new,)
        steps += _converted(stored, column, (aside, before), after, old, new)
    return SwapEnumOps([*steps, DropEnumOp(aside, stored.schema, before)])


def _converted(
    stored: NamedEnum, column: EnumColumn, old: tuple[str, Sequence[str]], after: Sequence[str], *defaults: Any
) -> Iterator[MigrateOperation]:
    aside, before = old
    old_type, new_type = (_type(stored, *each, column.suffix) for each in ((aside, before), (stored.name, after)))
    default, new_default = defaults
    place: dict[str, Any] = {"schema": column.schema, "existing_nullable": column.nullable}

    def set_default(type_: Any, was: Any, to: Any) -> MigrateOperation:
        values: dict[str, Any] = {"existing_server_default": was, "modify_server_default": to}
        return ops.AlterColumnOp(column.table, column.column, existing_type=type_, **values, **place)

    if default is not None:
        yield set_default(old_type, default, None)
    retyped = RetypeColumnOp(column.table, column.column, existing_type=old_type, modify_type=new_type, **place)
    retyped.using, retyped.down_using = (_through_text(stored, column, name) for name in (stored.name, aside))
    yield retyped
    if new_default is not None:
        yield set_default(new_type, None, new_default)


def _type(stored: NamedEnum, name: str, values: Sequence[str], suffix: str) -> Any:
    enum = sa.Enum(*values, name=name, schema=stored.schema)
    return postgresql.ARRAY(enum) if suffix else enum


def _through_text(stored: NamedEnum, column: EnumColumn, name: str) -> str:
    return (
        f"{quoted_name(POSTGRESQL, None, column.column)}::text{column.suffix}::{_type_sql(stored, name)}{column.suffix}"
    )


def _under_other_name(default: str, stored: NamedEnum, name: str) -> str:
    return re.sub(rf"::{re.escape(_type_sql(stored, stored.name))}(?!\w)", f"::{_type_sql(stored, name)}", default)


def _type_sql(stored: NamedEnum, name: str) -> str:
    return quoted_name(POSTGRESQL, stored.schema, name)


def _take_default(column: EnumColumn, container: ops.OpContainer) -> tuple[Any, ...]:
    """Take the change of the column's default out of the operations: it is a step of the swap. Empty: it stays."""
    for table in container.ops:
        for op in table.ops if isinstance(table, ops.ModifyTableOps) else ():
            assert isinstance(table, ops.ModifyTableOps)
            if _sets_default(op) and (op.schema, op.table_name, op.column_name) == _place(column):
                taken, op.modify_server_default = op.modify_server_default, False
                if not op.has_changes():
                    table.ops.remove(op)
                return (taken,)
    return ()


# ---- what makes its type by itself


def _leave_to_us(op: MigrateOperation) -> None:
    """Let a table not make the types of its columns: a second table of a run, or of a type, would do so again."""
    table = op._reverse if isinstance(op, ops.DropTableOp) else op
    if isinstance(table, ops.CreateTableOp):
        table.columns = [_without_making(item) for item in table.columns]


def _without_making(item: Any) -> Any:
    if not isinstance(item, Column):
        return item
    type_ = item.type
    made = _made_elsewhere(type_.item_type) if isinstance(type_, sa.ARRAY) else _made_elsewhere(type_)
    if made is None:
        return item
    column = item._copy()
    column.type = type(type_)(made, dimensions=type_.dimensions) if isinstance(type_, sa.ARRAY) else made
    return column


def _made_elsewhere(type_: Any) -> Any:
    if not isinstance(type_, sa.Enum) or enum_of(type_) is None:
        return None
    return _MadeElsewhere(*type_.enums, name=type_.name, schema=type_.schema)


class _MadeElsewhere(sa.Enum):
    """An enum that is written with `create_type=False`, which SQLAlchemy's own loses when a column is copied."""

    # what Alembic finds a type by
    __module__ = sa.Enum.__module__ if CREATE_TYPE_OF_ENUM else postgresql.ENUM.__module__

    def copy(self, **_: Any) -> "_MadeElsewhere":
        return _MadeElsewhere(*self.enums, name=self.name, schema=self.schema)

    def __repr__(self) -> str:
        values = "".join(f"{value!r}, " for value in self.enums)
        schema = f", schema={self.schema!r}" if self.schema else ""
        kind = "Enum" if CREATE_TYPE_OF_ENUM else "ENUM"
        return f"{kind}({values}name={self.name!r}{schema}, create_type=False)"
