"""Identity columns: those that the models have with other options than the database, or only one of the two has."""

from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _render_identity
from alembic.operations import ops
from sqlalchemy import Column, Identity, Sequence

from oppmigrate.autogenerate.retyping import SequenceOp, with_default, without_default
from oppmigrate.autogenerate.told import ToldOp
from oppmigrate.autogenerate.written import executing, literal, quoted_name
from oppmigrate.databases import Database


class IdentityOp(ToldOp):
    """Let a column count by an identity, which goes on after its largest value; by another; or no more."""

    def __init__(
        self, table: str, schema: str | None, column: str, before: Identity | None, after: Identity | None
    ) -> None:
        self.table_name = table
        self.schema = schema
        self.column_name = column
        self.before = before
        self.after = after

    @property
    def summary(self) -> str:
        """The operation in words."""
        name = f"{self.table_name}.{self.column_name}"
        if self.after is None:
            return f"make {name} no identity column any more"
        return f"make {name} an identity column" if self.before is None else f"change the identity of {name}"

    def reverse(self) -> "IdentityOp":
        return IdentityOp(self.table_name, self.schema, self.column_name, self.after, self.before)


def is_identity(*columns: Column[Any]) -> bool:
    """Has one of them an identity, or a sequence as its default?"""
    return any(isinstance(column.server_default, (Identity, Sequence)) for column in columns)


def compare_identity(
    context: AutogenContext, operation: ops.AlterColumnOp, conn_column: Column[Any], metadata_column: Column[Any]
) -> None:
    """Say in the operation what becomes of the identity.

    Alembic's own comparison fails by an identity in every project that compares defaults in a way of its own, as ours
    do (Alembic 1.20, `_user_compare_server_default`).
    """
    impl: Any = context.migration_context.impl
    if not impl.dialect.supports_identity_columns:
        return
    stored, model = conn_column.server_default, metadata_column.server_default
    operation.existing_server_default = stored
    if isinstance(stored, Identity) and isinstance(model, Identity):
        is_other = impl._compare_identity_default(model, stored)[2]
    else:
        is_other = stored is not model
    if is_other:
        operation.modify_server_default = model


def settle_identities(container: ops.OpContainer, context: AutogenContext, database: Database) -> None:
    """Where a column becomes an identity, or no longer is one, change what counts its values; in place."""
    for table in container.ops:
        if not isinstance(table, ops.ModifyTableOps):
            continue
        settled: list[ops.MigrateOperation] = []
        for op in table.ops:
            if isinstance(op, ops.AlterColumnOp) and _changes_identity(op):
                settled += _steps(op, table.ops, context, database)
            else:
                settled.append(op)
        table.ops = settled


def _changes_identity(op: ops.AlterColumnOp) -> bool:
    after = op.modify_server_default
    return after is not False and (isinstance(after, Identity) or isinstance(op.existing_server_default, Identity))


def _steps(
    op: ops.AlterColumnOp, others: list[ops.MigrateOperation], context: AutogenContext, database: Database
) -> list[ops.MigrateOperation]:
    before, after = op.existing_server_default or None, op.modify_server_default or None
    old, new = (each if isinstance(each, Identity) else None for each in (before, after))
    is_settled = any(isinstance(each, SequenceOp) and each.column_name == op.column_name for each in others)
    steps: list[ops.MigrateOperation] = [IdentityOp(op.table_name, op.schema, op.column_name, old, new)]
    if not is_settled and old is None:
        steps = [*without_default(op, context, database, before), *steps]
    elif not is_settled and new is None:
        steps += with_default(op, context, op.existing_type, after)
    op.existing_server_default, op.modify_server_default = None, False
    return [op, *steps] if op.has_changes() else steps


@renderers.dispatch_for(IdentityOp)
def _render(context: AutogenContext, op: IdentityOp) -> list[str]:
    assert context.dialect is not None
    prefix = context.opts.get("alembic_module_prefix") or ""
    schema = f", schema={op.schema!r}" if op.schema else ""
    after = _render_identity(op.after, context) if op.after is not None else "None"
    existing = f", existing_server_default={_render_identity(op.before, context)}" if op.before is not None else ""
    alter = f"{prefix}alter_column({op.table_name!r}, {op.column_name!r}, server_default={after}{existing}{schema})"
    if op.before is not None:
        return [alter]
    table = quoted_name(context.dialect, op.schema, op.table_name)
    column = quoted_name(context.dialect, None, op.column_name)
    sequence = f"pg_get_serial_sequence({literal(table)}, {literal(op.column_name)})"
    # without rows it begins where it is told to
    next_value = f"SELECT setval({sequence}, max({column})) FROM {table} HAVING max({column}) IS NOT NULL"
    return [alter, executing(context, next_value)]
