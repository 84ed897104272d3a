"""PostgreSQL's own words for an expression: those of the plan of a query that is never run."""

import json

from sqlalchemy import Connection

from oppmigrate.databases.rows import TableName, ask, quoted, quoted_table, verbatim

# OFFSET 0 keeps the planner from turning the query inside out: the expression stands at the top, in one piece
QUERY = (
    "EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) "
    "SELECT ({expression}) FROM (SELECT {name}.*, {name}.tableoid FROM ONLY {table} AS {name} OFFSET 0) AS {name}"
)


def canonical(connection: Connection, table: TableName, expression: str) -> str:
    """As `Database.canonical`; raises what the server says to an expression that it does not take."""
    statement = QUERY.format(
        expression=verbatim(connection, expression),
        name=quoted(connection, table.name),
        table=quoted_table(connection, table),
    )
    plan = ask(connection, statement)[0][0]
    read = json.loads(plan) if isinstance(plan, str) else plan
    return str(read[0]["Plan"]["Output"][0])


def make_plain(connection: Connection, table: TableName, column: str) -> str:
    """Source: PostgreSQL manual, ALTER TABLE. It is refused for a column whose values are not stored."""
    return f"ALTER TABLE {quoted_table(connection, table)} ALTER COLUMN {quoted(connection, column)} DROP EXPRESSION"
