"""Renames that a person decided on: carried out on the scratch database before the comparison, then written down.

What is left for the comparison to find is whatever else changed, so a rename together with a new type, or of a
table together with its columns, needs no rule of its own.
"""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace

from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import JSON, Connection, DefaultClause, Inspector, inspect, text

from oppmigrate.autogenerate.decisions import Rename
from oppmigrate.autogenerate.models import model_tables
from oppmigrate.autogenerate.written import as_text
from oppmigrate.databases import Database
from oppmigrate.databases.rows import TableName
from oppmigrate.errors import WrongUsage


def carry_out(renames: Sequence[Rename], context: MigrationContext, database: Database) -> list[ops.MigrateOperation]:
    """Rename on the database of `context`, and return the operations that do the same in a revision.

    Tables come first, then columns under their tables' new names; swaps and chains in an order that works.

    Raises:
        WrongUsage: an old name is not in the database, or a new one is not in the models, or is taken.
    """
    connection = context.connection
    assert connection is not None
    _validate(
        renames,
        inspect(connection),
        {table.name: [column.name for column in table.columns] for table in model_tables(context)},
    )
    new_tables = {rename.table: rename.new for rename in renames if rename.column is None}
    of_tables = [rename for rename in renames if rename.column is None]
    of_columns = [replace(r, table=new_tables.get(r.table, r.table)) for r in renames if r.column is not None]
    done: list[ops.MigrateOperation] = []
    for rename in (*_in_order(of_tables), *_in_order(of_columns)):
        operation = _operation(rename, connection, database)
        Operations(context).invoke(_to_be_run(operation))
        done.append(operation)
    return done


def _validate(renames: Sequence[Rename], inspector: Inspector, models: Mapping[str, Collection[str]]) -> None:
    tables = inspector.get_table_names()
    new_tables = {rename.table: rename.new for rename in renames if rename.column is None}
    left = {rename.old for rename in renames}
    for rename in renames:
        table, column, new = rename.table, rename.column, rename.new
        _check(table in tables, rename, f"there is no table {table}", table, tables)
        if column is None:
            _check(new in models, rename, f"no model has the table {new}", new, models)
            _check(new not in tables or new in left, rename, f"there is a table {new} already")
            continue
        columns = [each["name"] for each in inspector.get_columns(table)]
        modelled = models.get(new_tables.get(table, table), ())
        _check(column in columns, rename, f"table {table} has no column {column}", column, columns)
        _check(new in modelled, rename, f"no model has the column {table}.{new}", new, modelled)
        taken = new in columns and f"{table}.{new}" not in left
        _check(not taken, rename, f"table {table} has a column {new} already")


def _in_order(renames: Sequence[Rename]) -> Iterator[Rename]:
    """The renames so that each new name is free by its turn; in a circle (a swap) one of them steps aside first."""
    waiting = list(renames)
    while waiting:
        ready = next((r for r in waiting if not any(_stands_in_the_way(other, r) for other in waiting)), None)
        if ready is not None:
            waiting.remove(ready)
            yield ready
            continue
        first = waiting.pop(0)
        aside = f"{first.column or first.table}_before_swap"
        yield replace(first, new=aside)
        waiting.append(replace(first, column=aside) if first.column else replace(first, table=aside))


def _stands_in_the_way(other: Rename, rename: Rename) -> bool:
    if rename.column is None:
        return other.table == rename.new
    return other.table == rename.table and other.column == rename.new


def _operation(rename: Rename, connection: Connection, database: Database) -> ops.MigrateOperation:
    if rename.column is None:
        return ops.RenameTableOp(rename.table, rename.new)
    (old,) = (c for c in inspect(connection).get_columns(rename.table) if c["name"] == rename.column)
    is_json = rename.column in database.json_columns(connection, TableName(rename.table))
    operation = ops.AlterColumnOp(
        rename.table,
        rename.column,
        modify_name=rename.new,
        existing_type=JSON() if is_json else old["type"],
        existing_nullable=old["nullable"],
    )
    if database.restates_columns:  # what is not said again is gone
        default = old.get("default")
        operation.existing_server_default = DefaultClause(text(default), _reflected=True) if default else False
        operation.existing_comment = old.get("comment")
        if old.get("autoincrement") is True:
            operation.kw["autoincrement"] = True
    return operation


def _to_be_run(operation: ops.MigrateOperation) -> ops.MigrateOperation:
    """The same, with a colon in a default that is kept as no parameter; as it was read, it is written down right."""
    default = getattr(operation, "existing_server_default", None)
    if not isinstance(default, DefaultClause):
        return operation
    made = copy(operation)
    made.existing_server_default = text(as_text(str(default.arg)))  # type: ignore[attr-defined]
    return made


def _check(holds: bool, rename: Rename, what: str, name: str = "", known: Iterable[str] = ()) -> None:
    if holds:
        return
    near = difflib.get_close_matches(name, list(known), n=1) if name else []
    raise WrongUsage(
        f"--rename {rename}: {what}",
        why="the left side is the name in the database, the right side the name in the models",
        do=f"did you mean {near[0]}?" if near else "python oppman.py migrate check lists what differs",
    )
