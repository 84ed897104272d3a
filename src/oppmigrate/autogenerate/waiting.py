"""UNIQUE constraints whose check may wait for the end of the transaction, which Alembic does not compare."""

from collections.abc import Iterator, Mapping
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.util import sqla_compat
from sqlalchemy import Table, UniqueConstraint
from sqlalchemy.sql.elements import conv

from oppmigrate.autogenerate.asking_once import asked_once
from oppmigrate.autogenerate.exclusions import REFLECTED, ExclusionOp, compare_exclusions
from oppmigrate.databases import Database
from oppmigrate.databases.constraint_questions import StoredConstraint, StoredConstraints
from oppmigrate.databases.rows import TableName

Waiting = tuple[bool, bool]  # is the check deferrable, and is it deferred?


def compare_constraints(
    context: AutogenContext,
    database: Database,
    operations: ops.ModifyTableOps,
    conn_table: Table,
    metadata_table: Table,
) -> None:
    """Add to the table's operations what gives it its model's EXCLUDE constraints, and UNIQUE ones checked as late."""
    place = TableName(operations.table_name, operations.schema)
    stored = asked_once(context, database.read_constraints).get(place, ())
    waiting = {each.name: (each.deferrable, each.deferred) for each in stored if not each.excludes}
    _bring_back(operations, waiting)
    if not database.defers_constraints:
        return
    changed = {getattr(op, "constraint_name", None) for op in operations.ops}
    columns = {str(each.name): [column.name for column in each.columns] for each in _uniques(conn_table)}
    for constraint in sorted(_uniques(metadata_table), key=lambda each: str(each.name)):
        name = str(sqla_compat._get_constraint_final_name(constraint, context.dialect))
        now = waiting.get(name, (False, False))
        if name in columns and name not in changed and now != _waits(constraint):
            old = _addition(place, name, columns[name], now)
            operations.ops += [
                ops.DropConstraintOp(conv(name), place.name, "unique", schema=place.schema, _reverse=old),
                _addition(place, name, [column.name for column in constraint.columns], _waits(constraint)),
            ]
    compare_exclusions(context, database, operations, stored, metadata_table)


def bring_back_constraints(container: ops.OpContainer, context: AutogenContext, database: Database) -> None:
    """Let the tables that go come back with all that is said of their constraints; in place."""
    arranged: list[ops.MigrateOperation] = []
    for op in container.ops:
        if isinstance(op, ops.DropTableOp) and op._reverse is not None:
            place = TableName(op.table_name, op.schema)
            stored = asked_once(context, database.read_constraints).get(place, ())
            _say(op._reverse.columns, stored)
            gone = [ExclusionOp(place, each.name, each.definition, adds=False) for each in stored if each.excludes]
            if gone:
                arranged.append(ops.ModifyTableOps(place.name, gone, schema=place.schema))
        arranged.append(op)
    container.ops[:] = arranged


def take_stored_constraints(table: Table, constraints: StoredConstraints) -> None:
    """Let a reflected table say of its UNIQUE and EXCLUDE constraints what the database does."""
    stored = constraints.get(TableName(table.name, table.schema), ())
    _say(table.constraints, stored)
    table.info[REFLECTED] = [(each.name, each.definition) for each in stored if each.excludes]


def _say(constraints: Any, stored: tuple[StoredConstraint, ...]) -> None:
    known = {each.name: each for each in stored}
    for item in constraints:
        if isinstance(item, UniqueConstraint) and str(item.name) in known:
            found = known[str(item.name)]
            item.deferrable, item.initially = found.deferrable or None, "DEFERRED" if found.deferred else None


def _bring_back(operations: ops.ModifyTableOps, waiting: Mapping[str, Waiting]) -> None:
    for op in operations.ops:
        inverse = op._reverse if isinstance(op, ops.DropConstraintOp) else None
        if isinstance(inverse, ops.CreateUniqueConstraintOp) and str(inverse.constraint_name) in waiting:
            inverse.kw.update(_options(waiting[str(inverse.constraint_name)]))


def _uniques(table: Table) -> Iterator[UniqueConstraint]:
    return (each for each in table.constraints if isinstance(each, UniqueConstraint))


def _waits(constraint: UniqueConstraint) -> Waiting:
    is_deferred = (constraint.initially or "").upper() == "DEFERRED"
    return bool(constraint.deferrable) or is_deferred, is_deferred


def _options(waits: Waiting) -> dict[str, Any]:
    return {**({"deferrable": True} if waits[0] else {}), **({"initially": "DEFERRED"} if waits[1] else {})}


def _addition(place: TableName, name: str, columns: list[str], waits: Waiting) -> ops.CreateUniqueConstraintOp:
    return ops.CreateUniqueConstraintOp(conv(name), place.name, columns, schema=place.schema, **_options(waits))
