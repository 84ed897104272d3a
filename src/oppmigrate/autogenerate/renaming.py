"""Renames that a person decided on: carried out on the scratch database before the comparison, then written down.

What is left for the comparison to find is whatever else changed, so a rename together with a new type, or of a
table together with its columns, needs no rule of its own.
"""

import difflib
from collections.abc import Iterable, Sequence

from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect

from oppmigrate.autogenerate.decisions import Rename
from oppmigrate.errors import WrongUsage


def carry_out(renames: Sequence[Rename], context: MigrationContext) -> list[ops.MigrateOperation]:
    """Rename on the database of `context`, and return the operations that do the same in a revision.

    Tables come first, then columns under their tables' new names.

    Raises:
        WrongUsage: an old name is not in the database, or a new one is not in the models, or is taken.
    """
    connection = context.connection
    assert connection is not None
    operations = Operations(context)
    done: list[ops.MigrateOperation] = []
    new_tables = {rename.table: rename.new for rename in renames if rename.column is None}
    for rename in sorted(renames, key=lambda each: each.column is not None):
        operation = _operation(rename, new_tables, connection, context)
        operations.invoke(operation)
        done.append(operation)
    return done


def _operation(
    rename: Rename, new_tables: dict[str, str], connection: Connection, context: MigrationContext
) -> ops.MigrateOperation:
    models = _models(context)
    tables = inspect(connection).get_table_names()
    if rename.column is None:
        _check(rename.table in tables, rename, f"there is no table {rename.table}", rename.table, tables)
        _check(rename.new in models, rename, f"no model has the table {rename.new}", rename.new, models)
        _check(rename.new not in tables, rename, f"there is a table {rename.new} already", "", ())
        return ops.RenameTableOp(rename.table, rename.new)
    table = new_tables.get(rename.table, rename.table)
    _check(table in tables, rename, f"there is no table {rename.table}", rename.table, tables)
    columns = {column["name"]: column for column in inspect(connection).get_columns(table)}
    _check(rename.column in columns, rename, f"table {table} has no column {rename.column}", rename.column, columns)
    _check(rename.new not in columns, rename, f"table {table} has a column {rename.new} already", "", ())
    modelled = models.get(table, {})
    _check(rename.new in modelled, rename, f"no model has the column {table}.{rename.new}", rename.new, modelled)
    old = columns[rename.column]
    # MariaDB and MySQL spell the whole column again on a rename
    return ops.AlterColumnOp(
        table, rename.column, modify_name=rename.new, existing_type=old["type"], existing_nullable=old["nullable"]
    )


def _models(context: MigrationContext) -> dict[str, dict[str, object]]:
    target: MetaData | Sequence[MetaData] = context.opts["target_metadata"]
    every = [target] if isinstance(target, MetaData) else list(target)
    return {table.name: dict(table.columns) for each in every for table in each.tables.values()}


def _check(holds: bool, rename: Rename, what: str, name: str, known: Iterable[object]) -> None:
    if holds:
        return
    near = difflib.get_close_matches(name, [str(each) for each in known], n=1) if name else []
    raise WrongUsage(
        f"--rename {rename}: {what}",
        why="the left side is the name in the database, the right side the name in the models",
        do=f"did you mean {near[0]}?" if near else "python oppman.py migrate check lists what differs",
    )
