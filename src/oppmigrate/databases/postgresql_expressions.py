"""PostgreSQL's own words for an expression: those of the plan of a query that is never run."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from oppmigrate.databases.rows import TableName, ask, quoted, quoted_table, verbatim

# OFFSET 0 keeps the planner from turning the query inside out: the expression stands at the top, in one piece
EXPLAIN = "EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON)"
QUERY = "SELECT ({expression}) FROM (SELECT {name}.*, {name}.tableoid FROM ONLY {table} AS {name} OFFSET 0) AS {name}"
AT_ONCE = 200  # conditions, which the server plans as one query


def canonical(connection: Connection, table: TableName, expression: str) -> str:
    """As `Database.canonical`; raises what the server says to an expression that it does not take."""
    return str(_plan(connection, _select(connection, table, expression))["Output"][0])


def canonical_conditions(connection: Connection, conditions: Sequence[tuple[TableName, str]]) -> list[str]:
    """The same for two or more of them, each of another table, all of which are to be true or false."""
    plan = _plan(connection, " UNION ALL ".join(_select(connection, *each) for each in conditions))
    return [str(part["Output"][0]) for part in plan["Plans"]]


def rounds(tables: Sequence[TableName]) -> Iterator[list[int]]:
    """The places of these tables in groups to be asked at once: a table that is there twice gets a name of its own."""
    found: list[list[int]] = []
    seen: Counter[TableName] = Counter()
    for place, table in enumerate(tables):
        if seen[table] == len(found):
            found.append([])
        found[seen[table]].append(place)
        seen[table] += 1
    for places in found:
        yield from (places[at : at + AT_ONCE] for at in range(0, len(places), AT_ONCE))


def _select(connection: Connection, table: TableName, expression: str) -> str:
    return QUERY.format(
        expression=verbatim(connection, expression),
        name=quoted(connection, table.name),
        table=quoted_table(connection, table),
    )


def _plan(connection: Connection, query: str) -> Any:
    plan = ask(connection, f"{EXPLAIN} {query}")[0][0]
    return (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]


def make_plain(connection: Connection, table: TableName, column: str) -> str:
    """Source: PostgreSQL manual, ALTER TABLE. It is refused for a column whose values are not stored."""
    return f"ALTER TABLE {quoted_table(connection, table)} ALTER COLUMN {quoted(connection, column)} DROP EXPRESSION"
