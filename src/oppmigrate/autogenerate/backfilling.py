"""NOT NULL columns on tables that may hold rows: added nullable, filled, then tightened."""

import keyword
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _repr_type
from alembic.operations import Operations, ops
from sqlalchemy.types import TypeEngine

from oppmigrate.autogenerate import data_revision
from oppmigrate.autogenerate.calls import Call
from oppmigrate.autogenerate.layout import text_source
from oppmigrate.autogenerate.numbering import Numbers
from oppmigrate.autogenerate.told import ToldOp
from oppmigrate.autogenerate.values import as_source
from oppmigrate.autogenerate.words import qualified
from oppmigrate.autogenerate.written import as_text, executing
from oppmigrate.data import batches, tables

_NAMES_IN_USE = frozenset({"op", "sa", "tables", "batches", "batch"})

# the value for `table.column`
Value = Callable[[str, sa.Column[Any]], Any]


class BackfillOp(ToldOp):
    """Fill a column of every row, or where it is NULL, with one value; written as an UPDATE that any server runs."""

    def __init__(
        self,
        table: str,
        schema: str | None,
        column: str,
        type_: TypeEngine[Any],
        value: Any,
        why: str,
        *,
        only_nulls: bool = False,
    ) -> None:
        self.table_name = table
        self.schema = schema
        self.column_name = column
        self.type_ = type_
        self.value = value
        self.why = why
        self.only_nulls = only_nulls

    @property
    def summary(self) -> str:
        """The operation in words."""
        where = " where it is NULL" if self.only_nulls else ""
        return f"fill {self.table_name}.{self.column_name} with {self.value!r}{where}"


def columns_to_fill(container: ops.OpContainer) -> dict[str, sa.Column[Any]]:
    """The added columns that want a value for the rows already there, by `table.column`."""
    tables = (op for op in container.ops if isinstance(op, ops.ModifyTableOps))
    adds = (op for table in tables for op in table.ops if isinstance(op, ops.AddColumnOp))
    return {f"{op.table_name}.{op.column.name}": op.column for op in adds if needs_value(op.column)}


def add_in_steps(container: ops.OpContainer, value: Value, why: str) -> None:
    """Turn each added NOT NULL column that has no server default into add, fill, tighten; in place.

    Args:
        why: the comment above the UPDATE.
    """
    arranged: list[ops.MigrateOperation] = []
    for operation in container.ops:
        if isinstance(operation, ops.ModifyTableOps):
            arranged += _arranged(operation, value, why)
        else:
            arranged.append(operation)
    container.ops[:] = arranged


def needs_value(column: sa.Column[Any]) -> bool:
    """Would adding the column fail where there are rows? Not if the server fills it by itself."""
    return not (column.nullable or column.server_default is not None or column.computed or column.identity)


def _arranged(table: ops.ModifyTableOps, value: Value, why: str) -> list[ops.MigrateOperation]:
    adds = [op for op in table.ops if isinstance(op, ops.AddColumnOp) and needs_value(op.column)]
    if not adds:
        return [table]
    fills: list[ops.MigrateOperation] = []
    tighten: list[ops.MigrateOperation] = []
    for add in adds:
        name = f"{table.table_name}.{add.column.name}"
        filled = value(name, add.column)
        fills.append(BackfillOp(table.table_name, table.schema, add.column.name, add.column.type, filled, why))
        tighten.append(
            ops.AlterColumnOp(
                table.table_name,
                add.column.name,
                schema=table.schema,
                existing_type=add.column.type,
                existing_nullable=True,
                modify_nullable=False,
            )
        )
    before = _before_the_filling(table.ops, adds)
    rest = [op for op in table.ops if op not in before]
    first_adds = [_nullable(op) if isinstance(op, ops.AddColumnOp) and op in adds else op for op in before]
    first = ops.ModifyTableOps(table.table_name, first_adds, schema=table.schema)
    last = ops.ModifyTableOps(table.table_name, [*tighten, *rest], schema=table.schema)
    return [first, *fills, last]


def _before_the_filling(
    operations: Sequence[ops.MigrateOperation], adds: Sequence[ops.AddColumnOp]
) -> list[ops.MigrateOperation]:
    """The additions; and where one of them takes the place of a column that is dropped, all that comes before it."""
    dropped = {op.column_name for op in operations if isinstance(op, ops.DropColumnOp)}
    if any(add.column.name in dropped for add in adds):
        last = max(place for place, op in enumerate(operations) if op in adds)
        return list(operations[: last + 1])
    additions = (op for op in operations if isinstance(op, ops.AddColumnOp) and op.column.name not in dropped)
    # a generated column may be made from what is altered first
    return [op for op in additions if op.column.computed is None]


def _nullable(add: ops.AddColumnOp) -> ops.AddColumnOp:
    """The same addition without NOT NULL. The column is made anew: the one at hand is the model's own."""
    column = sa.Column(add.column.name, add.column.type, nullable=True, comment=add.column.comment)
    return ops.AddColumnOp(add.table_name, column, schema=add.schema)


@renderers.dispatch_for(BackfillOp)
def _render(context: AutogenContext, op: BackfillOp) -> list[str]:
    if isinstance(op.value, Call):
        return _render_call(context, op, op.value)
    if isinstance(op.value, Numbers):
        assert context.dialect is not None
        sql = op.value.sql(context.dialect, op.schema, op.table_name, op.column_name)
        return [f"# {op.why}", executing(context, sql)]
    value, imports = as_source(op.value)
    context.imports.update(imports)
    schema = f", schema={op.schema!r}" if op.schema else ""
    table = f"sa.table({op.table_name!r}, sa.column({op.column_name!r}, {_repr_type(op.type_, context)}){schema})"
    where = f".where(sa.column({op.column_name!r}).is_(None))" if op.only_nulls else ""
    return [f"# {op.why}", f"op.execute({table}.update(){where}.values({{{op.column_name!r}: {value}}}))"]


def _render_call(context: AutogenContext, op: BackfillOp, call: Call) -> list[str]:
    """A loop over the rows: of a new column each holds NULL, and where a run is taken up again, those that are left."""
    context.imports.update((call.import_, data_revision.IMPORTS))
    table = op.table_name if _is_word(op.table_name) and op.table_name not in _NAMES_IN_USE else "rows_of_table"
    type_, key = _repr_type(op.type_, context), text_source(op.column_name)
    is_word = _is_word(op.column_name)
    typed = f"{op.column_name}={type_}" if is_word else f"**{{{key}: {type_}}}"
    column = f"{table}.c.{op.column_name}" if is_word else f"{table}.c[{key}]"
    stays = [] if call.is_of_python else [f"# {call} has to stay where it is as long as this revision is run"]
    return [
        f"# {op.why}",
        *stays,
        f"{table} = tables(op)({text_source(qualified(op.schema, op.table_name))}, {typed})",
        f"for batch in batches(op, sa.select({column}).where({column}.is_(None))):\n"
        f"    batch.update(lambda row: {{{key}: {call.source}}})",
    ]


def _is_word(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


@Operations.implementation_for(BackfillOp)
def _run(operations: Operations, op: BackfillOp) -> None:
    if isinstance(op.value, Call):
        _run_call(operations, op, op.value)
        return
    if isinstance(op.value, Numbers):
        dialect = operations.get_context().dialect
        operations.execute(as_text(op.value.sql(dialect, op.schema, op.table_name, op.column_name)))
        return
    column: sa.ColumnClause[Any] = sa.column(op.column_name, op.type_)
    table = sa.table(op.table_name, column, schema=op.schema)
    update = table.update().where(column.is_(None)) if op.only_nulls else table.update()
    operations.execute(update.values({op.column_name: op.value}))


def _run_call(operations: Operations, op: BackfillOp, call: Call) -> None:
    table = tables(operations)(qualified(op.schema, op.table_name), **{op.column_name: op.type_})
    column = table.c[op.column_name]
    for batch in batches(operations, sa.select(column).where(column.is_(None))):
        batch.update(lambda _row: {op.column_name: call()})
