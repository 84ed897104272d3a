"""Columns that get another type where the server does not convert by itself: the expression, there and back."""

from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, ops
from sqlalchemy import Column, DefaultClause, Table, text
from sqlalchemy.types import TypeEngine

from oppmigrate.autogenerate.told import ToldOp
from oppmigrate.autogenerate.written import counts_by_sequence, executing, literal, quoted_name
from oppmigrate.databases import Database


class RetypeColumnOp(ops.AlterColumnOp):
    """A new type for a column, by an expression; its inverse has an expression of its own."""

    using: str | None = None
    down_using: str | None = None
    down_counts: bool | None = None  # does the server count the column up under the old type? None: as under the new

    @classmethod
    def of(cls, op: ops.AlterColumnOp, using: str | None = None, down_using: str | None = None) -> "RetypeColumnOp":
        """The operation with these expressions, and the rest of it as it is."""
        made = cls(
            op.table_name,
            op.column_name,
            schema=op.schema,
            existing_type=op.existing_type,
            existing_nullable=op.existing_nullable,
            existing_server_default=op.existing_server_default,
            existing_comment=op.existing_comment,
            modify_server_default=op.modify_server_default,
            modify_type=op.modify_type,
            modify_nullable=op.modify_nullable,
            modify_comment=op.modify_comment,
            **op.kw,
        )
        made.using, made.down_using = using, down_using
        return made

    def reverse(self) -> "RetypeColumnOp":
        reversed_op = self.of(super().reverse(), self.down_using, self.using)
        if self.down_counts is not None:
            reversed_op.down_counts = reversed_op.kw.pop("autoincrement", False) or False
            if self.down_counts:
                reversed_op.kw["autoincrement"] = True
        return reversed_op


class SequenceOp(ToldOp):
    """Take from a column the sequence that counts its values, or give it one that goes on after the largest."""

    def __init__(self, table: str, schema: str | None, column: str, sequence: str, type_sql: str, gives: bool) -> None:
        self.table_name = table
        self.schema = schema
        self.column_name = column
        self.sequence = sequence
        self.type_sql = type_sql
        self.gives = gives

    @property
    def summary(self) -> str:
        """The operation in words."""
        name = f"{self.table_name}.{self.column_name}"
        return f"count {name} by a sequence" if self.gives else f"count {name} no more: drop its sequence"

    def reverse(self) -> "SequenceOp":
        return SequenceOp(self.table_name, self.schema, self.column_name, self.sequence, self.type_sql, not self.gives)


def retype(container: ops.OpContainer, context: AutogenContext, database: Database) -> set[tuple[str | None, str, str]]:
    """Give every new type the expression that it needs, in place.

    Returns:
        the columns that get a type with which they cannot stay in a foreign key meanwhile: schema, table, column.
    """
    retyped = set()
    for table in container.ops:
        if not isinstance(table, ops.ModifyTableOps):
            continue
        arranged: list[MigrateOperation] = []
        for op in table.ops:
            if isinstance(op, ops.AlterColumnOp) and op.modify_type is not None:
                steps = _steps(op, context, database)
                if len(steps) > 1 or isinstance(steps[0], RetypeColumnOp) or database.restates_columns:
                    retyped.add((op.schema, op.table_name, op.column_name))
                arranged += steps
            else:
                arranged.append(op)
        table.ops = arranged
    return retyped


def _steps(op: ops.AlterColumnOp, context: AutogenContext, database: Database) -> list[MigrateOperation]:
    connection = context.connection
    assert connection is not None
    if op.existing_type is None or op.modify_type is None or "postgresql_using" in op.kw:
        return [op]
    if database.restates_columns:
        return [_counting_as_before(op, context)]
    old, new = (type_.compile(dialect=connection.dialect) for type_ in (op.existing_type, op.modify_type))
    using = database.cast(connection, op.column_name, old, new)
    down_using = database.cast(connection, op.column_name, new, old)
    if using is None and down_using is None:
        return [op]
    retyped = RetypeColumnOp.of(op, using, down_using)
    # the default goes before the type changes, and comes after it
    retyped.existing_server_default, retyped.modify_server_default = None, False
    before, after = op.existing_server_default or None, _default_after(op, context, new)
    return [
        *without_default(op, context, database, before),
        retyped,
        *with_default(op, context, op.modify_type, after),
    ]


def _counting_as_before(op: ops.AlterColumnOp, context: AutogenContext) -> ops.AlterColumnOp:
    """A restated column counts up only where it is said to, and only a number may."""
    (stored,) = (
        each for each in context.inspector.get_columns(op.table_name, op.schema) if each["name"] == op.column_name
    )
    counts = stored.get("autoincrement") is True
    if counts == bool(op.kw.get("autoincrement")):
        return op
    made = RetypeColumnOp.of(op)
    made.down_counts = counts
    return made


def _default_after(op: ops.AlterColumnOp, context: AutogenContext, type_sql: str) -> Any:
    """The default under the new type: what the model says; one that only the database has is kept, converted."""
    if op.modify_server_default is not False:
        return op.modify_server_default
    model = _model_column(op, context)
    if model is not None and model.server_default is not None:
        return model.server_default
    before = op.existing_server_default
    if isinstance(before, DefaultClause):
        return DefaultClause(text(f"({getattr(before.arg, 'text', before.arg)})::{type_sql}"))
    return None


def _default_op(op: ops.AlterColumnOp, type_: TypeEngine[Any] | None, before: Any, after: Any) -> ops.AlterColumnOp:
    return ops.AlterColumnOp(
        op.table_name,
        op.column_name,
        schema=op.schema,
        existing_type=type_,
        existing_nullable=op.existing_nullable,
        existing_server_default=before,
        modify_server_default=after,
    )


def without_default(
    op: ops.AlterColumnOp, context: AutogenContext, database: Database, before: Any
) -> list[MigrateOperation]:
    """What takes from the column the sequence of its own, or else its default, where it has one."""
    connection = context.connection
    assert connection is not None
    sequence = database.owned_sequence(connection, op.table_name, op.schema, op.column_name)
    if sequence is not None:
        return [_sequence_op(op, context, sequence, op.existing_type, gives=False)]
    return [_default_op(op, op.existing_type, before, None)] if before is not None else []


def with_default(
    op: ops.AlterColumnOp, context: AutogenContext, type_: TypeEngine[Any] | None, after: Any
) -> list[MigrateOperation]:
    """What gives the column, which is of this type now, its default, or else a sequence where the model's counts up."""
    if after is not None:
        return [_default_op(op, type_, None, after)]
    model = _model_column(op, context)
    if model is None or not is_counted(model, context):
        return []
    assert context.dialect is not None
    name = context.dialect.identifier_preparer.quote(f"{op.table_name}_{op.column_name}_seq")
    return [_sequence_op(op, context, name, type_, gives=True)]


def _sequence_op(
    op: ops.AlterColumnOp, context: AutogenContext, sequence: str, type_: TypeEngine[Any] | None, *, gives: bool
) -> SequenceOp:
    assert type_ is not None
    type_sql = type_.compile(dialect=context.dialect)
    return SequenceOp(op.table_name, op.schema, op.column_name, sequence, type_sql, gives)


def _model_column(op: ops.AlterColumnOp, context: AutogenContext) -> Column[Any] | None:
    default_schema = context.dialect.default_schema_name if context.dialect else None
    for table in context.sorted_tables:
        if table.name == op.table_name and table.schema in (op.schema, op.schema or default_schema):
            column: Column[Any] | None = table.c.get(op.column_name)
            return column
    return None


def is_counted(column: Column[Any], context: AutogenContext) -> bool:
    """Does the server count the column up, by SQLAlchemy's rules?"""
    table: Table = column.table
    return (
        table._autoincrement_column is column
        and column.identity is None
        and column.server_default is None
        and not counts_by_sequence(column, context.dialect)
    )


@renderers.dispatch_for(RetypeColumnOp)
def _render_retype(context: AutogenContext, op: RetypeColumnOp) -> str:
    alter: Any = renderers.dispatch(ops.AlterColumnOp(op.table_name, op.column_name))
    written: str = alter(context, op)
    return f"{written[:-1]}, postgresql_using={op.using!r})" if op.using is not None else written


@renderers.dispatch_for(SequenceOp)
def _render_sequence(context: AutogenContext, op: SequenceOp) -> list[str]:
    assert context.dialect is not None
    prefix = context.opts.get("alembic_module_prefix") or ""
    schema = f", schema={op.schema!r}" if op.schema else ""
    table = quoted_name(context.dialect, op.schema, op.table_name)
    column = quoted_name(context.dialect, None, op.column_name)
    alter = f"{prefix}alter_column({op.table_name!r}, {op.column_name!r}, server_default={{}}{schema})"
    if not op.gives:
        return [alter.format(None), executing(context, f"DROP SEQUENCE {op.sequence}")]
    sequence = literal(op.sequence)
    default = f"nextval({sequence}::regclass)"
    next_value = f"SELECT setval({sequence}, coalesce((SELECT max({column}) FROM {table}), 0) + 1, false)"
    made = f"CREATE SEQUENCE {op.sequence} AS {op.type_sql} OWNED BY {table}.{column}"
    sa_prefix = context.opts.get("sqlalchemy_module_prefix") or ""
    return [
        executing(context, made),
        alter.format(f"{sa_prefix}text({default!r})"),
        executing(context, next_value),
    ]
