"""Primary keys that are to be of other columns, which Alembic neither compares nor writes."""

from collections.abc import Iterator, Sequence
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _alembic_autogenerate_prefix, _render_gen_name
from alembic.operations import ops
from alembic.util import sqla_compat
from sqlalchemy import Table
from sqlalchemy.sql.elements import conv

from oppmigrate.autogenerate.foreign_keys import Place
from oppmigrate.autogenerate.numbering import count_up
from oppmigrate.autogenerate.restating import RestateOp
from oppmigrate.databases import Database
from oppmigrate.databases.rows import TableName


class MakePrimaryKeyOp(ops.CreatePrimaryKeyOp):
    """A new primary key, in place of the old one where the server puts one in place of another.

    Args:
        old: the name and the columns of the key before.
        replaces: does the new one take the place of the old one, so that nothing drops that?
    """

    def __init__(
        self,
        name: str | None,
        table: TableName,
        columns: Sequence[str],
        old: tuple[str | None, tuple[str, ...]],
        *,
        replaces: bool,
    ) -> None:
        super().__init__(name, table.name, columns, schema=table.schema)
        self.old = old
        self.replaces = replaces

    def reverse(self) -> ops.MigrateOperation:  # type: ignore[override]
        name, columns = self.old
        place = TableName(self.table_name, self.schema)
        now = _as_stored(self.constraint_name), tuple(self.columns)
        if self.replaces and columns:
            return MakePrimaryKeyOp(name, place, columns, now, replaces=True)
        return _drop(now[0], place, now[1])


def compare_primary_keys(
    context: AutogenContext,
    database: Database,
    operations: ops.ModifyTableOps,
    conn_table: Table,
    metadata_table: Table,
) -> None:
    """Add to the table's operations what it takes to give it the primary key of its model.

    It is made behind columns that come, and before others go; in the downgrade likewise.
    """
    stored, model = conn_table.primary_key, metadata_table.primary_key
    old = tuple(str(column.name) for column in stored.columns)
    new = tuple(str(column.name) for column in model.columns)
    # in which order a model lists its columns says nothing; a PrimaryKeyConstraint of its own does
    is_listed = not getattr(model, "_implicit_generated", False)
    if not new or old == new or (set(old) == set(new) and not is_listed):
        return
    place = TableName(operations.table_name, operations.schema)
    given = sqla_compat._get_constraint_final_name(model, context.dialect)
    name = _as_stored(given or stored.name)
    statements = database.replace_primary_key(place, old, new)
    if statements is not None:
        found: list[ops.MigrateOperation] = [RestateOp(place.name, place.schema, *statements)]
    else:
        replaces = database.rebuilds_tables
        before = _as_stored(stored.name), old
        found = [MakePrimaryKeyOp(name, place, new, before, replaces=replaces)]
        if old and not replaces:
            operations.ops.insert(0, _drop(before[0], place, old))
    found += count_up(context, database, conn_table, metadata_table)
    leaving = (at for at, op in enumerate(operations.ops) if isinstance(op, ops.DropColumnOp))
    at = next(leaving, len(operations.ops))
    operations.ops[at:at] = found


def replaced_keys(container: ops.OpContainer) -> Iterator[Place]:
    """The columns of primary keys that go, to which a foreign key cannot stay."""
    for table in container.ops:
        for op in table.ops if isinstance(table, ops.ModifyTableOps) else ():
            if isinstance(op, MakePrimaryKeyOp):
                yield from ((op.schema, op.table_name, name) for name in op.old[1])


def _drop(name: str | None, table: TableName, columns: tuple[str, ...]) -> ops.DropConstraintOp:
    inverse = MakePrimaryKeyOp(name, table, columns, (None, ()), replaces=False)
    return ops.DropConstraintOp(name, table.name, "primary", schema=table.schema, _reverse=inverse)


def _as_stored(name: Any) -> str | None:
    """A name that no convention is to be put on."""
    return conv(name) if isinstance(name, str) else None


@renderers.dispatch_for(ops.CreatePrimaryKeyOp, replace=True)
def _render(context: AutogenContext, op: ops.CreatePrimaryKeyOp) -> str:
    arguments: list[Any] = [repr(_render_gen_name(context, op.constraint_name))]
    if not context._has_batch:
        arguments.append(repr(op.table_name))
    arguments.append(repr([str(column) for column in op.columns]))
    if op.schema and not context._has_batch:
        arguments.append(f"schema={op.schema!r}")
    return f"{_alembic_autogenerate_prefix(context)}create_primary_key({', '.join(arguments)})"
