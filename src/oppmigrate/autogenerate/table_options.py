"""What a table is, beside its columns: on SQLite AUTOINCREMENT, STRICT and WITHOUT ROWID, which take a rebuild."""

from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Table

from oppmigrate.autogenerate.asking_once import asked_once
from oppmigrate.autogenerate.told import ToldOp
from oppmigrate.autogenerate.words import qualified
from oppmigrate.databases import Database
from oppmigrate.databases.rows import TableName

_KNOWN = "oppmigrate_table_options"  # in a reflected table's `info`: what the database says of them
Options = dict[str, bool]


class TableOptionsOp(ToldOp):
    """Make a table anew with other options; its rows and all else stay."""

    def __init__(self, table: str, schema: str | None, before: Options, after: Options) -> None:
        self.table_name = table
        self.schema = schema
        self.before = before
        self.after = after

    @property
    def summary(self) -> str:
        """The operation in words."""
        said = ", ".join(f"{name} {'on' if value else 'off'}" for name, value in self.after.items())
        return f"make table {qualified(self.schema, self.table_name)} anew: {said}"

    def reverse(self) -> "TableOptionsOp":
        return TableOptionsOp(self.table_name, self.schema, self.after, self.before)


def compare_options(
    context: AutogenContext, database: Database, operations: ops.ModifyTableOps, metadata_table: Table
) -> None:
    """Say in the table's operations which of its options are to be others."""
    if not database.table_options:
        return
    stored = asked_once(context, database.read_table_options).get(
        TableName(operations.table_name, operations.schema), {}
    )
    before = {name: stored.get(name, default) for name, default in database.table_options.items()}
    after = {name: _of_model(metadata_table, name, default) for name, default in database.table_options.items()}
    changed = [name for name in before if before[name] != after[name]]
    if changed:
        old, new = ({name: each[name] for name in changed} for each in (before, after))
        operations.ops.append(TableOptionsOp(operations.table_name, operations.schema, old, new))


def has_options(database: Database, table: Table) -> bool:
    """Is one of a table's options in the models another than it is without a word?"""
    return any(_of_model(table, name, default) != default for name, default in database.table_options.items())


def arrange_options(container: ops.OpContainer) -> None:
    """Let a table be made anew by itself, behind all else: that is a block of its own; in place."""
    found: list[ops.MigrateOperation] = []
    for table in container.ops:
        if isinstance(table, ops.ModifyTableOps):
            found += [op for op in table.ops if isinstance(op, TableOptionsOp)]
            table.ops = [op for op in table.ops if not isinstance(op, TableOptionsOp)]
    kept = [op for op in container.ops if not isinstance(op, ops.ModifyTableOps) or op.ops]
    container.ops[:] = [*kept, *found]


def take_stored_options(table: Table, database: Database, stored: dict[TableName, Options]) -> None:
    """Let a reflected table say of its options what the database does."""
    for name in database.table_options:
        value = stored.get(TableName(table.name, table.schema), {}).get(name)
        if value is not None:
            table.info.setdefault(_KNOWN, {})[name] = value


def _of_model(table: Table, name: str, default: bool) -> bool:
    value: Any = table.info.get(_KNOWN, {}).get(name, table.dialect_kwargs.get(name))
    return default if value is None else bool(value)


@renderers.dispatch_for(TableOptionsOp)
def _render(context: AutogenContext, op: TableOptionsOp) -> list[str]:
    prefix = context.opts.get("alembic_module_prefix") or ""
    schema = f", schema={op.schema!r}" if op.schema else ""
    return [f"with {prefix}batch_alter_table({op.table_name!r}{schema}, table_kwargs={op.after!r}):", "pass", ""]
