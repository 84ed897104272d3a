"""Rows at stake: how many there are now in what a plan would drop."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from alembic.operations import ops
from sqlalchemy import ColumnElement, Connection, column, func, inspect, literal_column, select, table
from sqlalchemy.engine import Inspector

from oppmigrate.planner.recording import Recording
from oppmigrate.planner.state import State
from oppmigrate.results import Change, Plan

# rows that are looked at for one count: nobody waits for the counting of a large table
BOUND = 100_000

Place = tuple[str | None, str, str | None]  # schema, table, column
Count = tuple[int, bool]  # as many; and perhaps more


def count_at_stake(state: State, plan: Plan, recordings: Mapping[str, Recording]) -> Plan:
    """The plan with the rows of each table, and the values of each column, that it drops and that is there now.

    Nothing is counted where env.py migrates several databases.
    """
    drops = [op for each in recordings.values() for op in each.operations if _is_drop(op)]
    if not drops or not state.exists or not state.reachable or len(state.databases) > 1:
        return plan
    counts = state.database.run(lambda connection: _counts(connection, drops))
    steps = []
    for step in plan.steps:
        operations = recordings[step.revision].operations if step.revision in recordings else []
        changes = [_counted(*pair, counts) for pair in zip(step.changes, operations, strict=True)]
        steps.append(replace(step, changes=tuple(changes)))
    return replace(plan, steps=tuple(steps))


def _is_drop(operation: Any) -> bool:
    return isinstance(operation, ops.DropTableOp | ops.DropColumnOp)


def _place(operation: Any) -> Place:
    return operation.schema, operation.table_name, getattr(operation, "column_name", None)


def _counted(change: Change, operation: Any, counts: Mapping[Place, Count]) -> Change:
    if not _is_drop(operation) or _place(operation) not in counts:
        return change
    rows, is_at_least = counts[_place(operation)]
    return replace(change, rows_at_stake=rows, is_at_least=is_at_least)


def _counts(connection: Connection, drops: list[Any]) -> dict[Place, Count]:
    inspector = inspect(connection)
    return {place: _count(connection, *place) for place in map(_place, drops) if _is_there(inspector, *place)}


def _is_there(inspector: Inspector, schema: str | None, name: str, column_name: str | None) -> bool:
    if not inspector.has_table(name, schema=schema):
        return False
    return column_name is None or column_name in {each["name"] for each in inspector.get_columns(name, schema=schema)}


def _count(connection: Connection, schema: str | None, name: str, column_name: str | None) -> Count:
    """Rows, or those with a value in the column, among the first ones of the table."""
    value: ColumnElement[Any] = column(column_name) if column_name else literal_column("1")
    source = table(name, *([column(column_name)] if column_name else []), schema=schema)
    first = select(value.label("value")).select_from(source).limit(BOUND + 1).subquery()
    values, rows = connection.execute(select(func.count(first.c.value), func.count()).select_from(first)).one()
    return min(values, BOUND), rows > BOUND
