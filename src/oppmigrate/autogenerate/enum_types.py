"""Operations on enum types that are objects of their own, written in Alembic's and SQLAlchemy's words."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op
from alembic.operations import ops

from oppmigrate.autogenerate.told import ToldOp
from oppmigrate.autogenerate.words import qualified
from oppmigrate.autogenerate.written import executing, literal, quoted_name


class EnumOp(ToldOp):
    """An operation on the enum type `name` of `schema`; None is the default one."""

    def __init__(self, name: str, schema: str | None, values: Sequence[str]) -> None:
        self.name = name
        self.schema = schema
        self.values = tuple(values)

    @property
    def _type(self) -> str:
        return qualified(self.schema, self.name)


class CreateEnumOp(EnumOp):
    @property
    def summary(self) -> str:
        """The operation in words."""
        return f"create enum {self._type} ({', '.join(self.values)})"

    def reverse(self) -> "DropEnumOp":
        return DropEnumOp(self.name, self.schema, self.values)


class DropEnumOp(EnumOp):
    @property
    def summary(self) -> str:
        """The operation in words."""
        return f"drop enum {self._type}"

    def reverse(self) -> CreateEnumOp:
        return CreateEnumOp(self.name, self.schema, self.values)


class RenameEnumOp(EnumOp):
    def __init__(self, name: str, schema: str | None, new: str) -> None:
        super().__init__(name, schema, ())
        self.new = new

    @property
    def summary(self) -> str:
        """The operation in words."""
        return f"rename enum {self._type} to {self.new}"

    def reverse(self) -> "RenameEnumOp":
        return RenameEnumOp(self.new, self.schema, self.name)


class RenameEnumValueOp(EnumOp):
    def __init__(self, name: str, schema: str | None, old: str, new: str) -> None:
        super().__init__(name, schema, ())
        self.old = old
        self.new = new

    @property
    def summary(self) -> str:
        """The operation in words."""
        return f"rename the value {self.old} of enum {self._type} to {self.new}"

    def reverse(self) -> "RenameEnumValueOp":
        return RenameEnumValueOp(self.name, self.schema, self.new, self.old)


class AddEnumValuesOp(EnumOp):
    """Add what `values` has more than `before`; `swap` brings the type back to what it was.

    Args:
        in_transaction: False adds each value in a transaction of its own, as older servers want it.
    """

    def __init__(
        self,
        name: str,
        schema: str | None,
        before: Sequence[str],
        values: Sequence[str],
        back: "SwapEnumOps",
        in_transaction: bool,
    ) -> None:
        super().__init__(name, schema, values)
        self.before = tuple(before)
        self.back = back
        self.in_transaction = in_transaction

    @property
    def summary(self) -> str:
        """The operation in words."""
        added = [value for value in self.values if value not in self.before]
        return f"add to enum {self._type}: {', '.join(added)}"

    def reverse(self) -> "SwapEnumOps":
        return self.back


class SwapEnumOps(ops.OpContainer):
    """A new type of the same name in the place of one, for all columns that have it."""

    def reverse(self) -> "SwapEnumOps":
        return SwapEnumOps([each.reverse() for each in reversed(self.ops)])


# ---- how they are written


@renderers.dispatch_for(CreateEnumOp)
def _create(context: AutogenContext, op: CreateEnumOp) -> str:
    values = "".join(f"{value!r}, " for value in op.values)
    return f"{_sa(context)}Enum({values}name={op.name!r}{_schema(op)}).create({_op(context)}get_bind())"


@renderers.dispatch_for(DropEnumOp)
def _drop(context: AutogenContext, op: DropEnumOp) -> str:
    return f"{_sa(context)}Enum(name={op.name!r}{_schema(op)}).drop({_op(context)}get_bind())"


@renderers.dispatch_for(RenameEnumOp)
def _rename(context: AutogenContext, op: RenameEnumOp) -> str:
    return executing(context, f"ALTER TYPE {_sql_name(context, op)} RENAME TO {_quoted(context, op.new)}")


@renderers.dispatch_for(RenameEnumValueOp)
def _rename_value(context: AutogenContext, op: RenameEnumValueOp) -> str:
    return executing(context, rename_value_sql(_sql_name(context, op), op.old, op.new))


def rename_value_sql(name: str, old: str, new: str) -> str:
    return f"ALTER TYPE {name} RENAME VALUE {literal(old)} TO {literal(new)}"


@renderers.dispatch_for(AddEnumValuesOp)
def _add_values(context: AutogenContext, op: AddEnumValuesOp) -> list[str]:
    name, lines = _sql_name(context, op), []
    for place, value in enumerate(op.values):
        if value in op.before:
            continue
        if place:
            at = "" if set(op.before) <= set(op.values[:place]) else f" AFTER {literal(op.values[place - 1])}"
        else:
            at = f" BEFORE {literal(op.before[0])}"
        lines.append(executing(context, f"ALTER TYPE {name} ADD VALUE {literal(value)}{at}"))
    if op.in_transaction:
        return lines
    return [f"with {_op(context)}get_context().autocommit_block():", *(f"    {line}" for line in lines)]


@renderers.dispatch_for(SwapEnumOps)
def _swap(context: AutogenContext, swap: SwapEnumOps) -> list[str]:
    return [line for each in swap.ops for line in render_op(context, each)]


def _sql_name(context: AutogenContext, op: EnumOp) -> str:
    assert context.dialect is not None
    return quoted_name(context.dialect, op.schema, op.name)


def _quoted(context: AutogenContext, name: str) -> str:
    assert context.dialect is not None
    return context.dialect.identifier_preparer.quote(name)


def _schema(op: EnumOp) -> str:
    return f", schema={op.schema!r}" if op.schema else ""


def _op(context: AutogenContext) -> str:
    prefix: str = context.opts.get("alembic_module_prefix") or ""
    return prefix


def _sa(context: AutogenContext) -> str:
    prefix: str = context.opts.get("sqlalchemy_module_prefix") or ""
    return prefix


def enum_of(type_: Any) -> Any:
    """The native enum that a column's type is, or that is the type of its array's elements; else None."""
    if isinstance(type_, sa.ARRAY):
        type_ = type_.item_type
    if isinstance(type_, sa.types.TypeDecorator):
        type_ = type_.impl_instance
    return type_ if isinstance(type_, sa.Enum) and type_.native_enum and type_.name else None
