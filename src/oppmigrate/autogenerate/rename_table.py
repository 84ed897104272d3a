"""How a table's rename is written: Alembic has the operation, and nothing that writes it into a file."""

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops


@renderers.dispatch_for(ops.RenameTableOp, replace=True)
def _render(context: AutogenContext, op: ops.RenameTableOp) -> str:
    prefix = context.opts.get("alembic_module_prefix") or ""
    schema = f", schema={op.schema!r}" if op.schema else ""
    return f"{prefix}rename_table({op.table_name!r}, {op.new_table_name!r}{schema})"
