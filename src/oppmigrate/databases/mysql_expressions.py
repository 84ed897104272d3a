"""MariaDB's and MySQL's own words for an expression, and the CHECKs that MariaDB keeps inside of a column."""

import re
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, text

from oppmigrate.databases.expressions import StoredCheck, StoredComputed, plain
from oppmigrate.databases.rows import TableName, ask, quoted, quoted_table, schema_of, verbatim

GENERATED = """
SELECT column_name, generation_expression, extra LIKE 'STORED%' OR extra LIKE 'PERSISTENT%'
FROM information_schema.columns
WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name AND generation_expression <> ''
"""
NAME = "oppman_expression"
# twice, so that a table of one row is not read while the query is planned
QUERY = "SELECT ({expression}) AS {NAME} FROM (SELECT * FROM {table} UNION ALL SELECT * FROM {table}) AS {name}"
_QUOTED = r"'(?:[^'\\]|''|\\.)*'|`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\""
_COLUMN = re.compile(r"\s*`((?:[^`]|``)*)` (.*?),?", re.DOTALL)
_GENERATION = re.compile(rf" GENERATED ALWAYS AS \(((?:{_QUOTED}|[^'`\"])*?)\) (STORED|VIRTUAL)", re.DOTALL)
_CHECK = re.compile(rf"(?:{_QUOTED}|[^'`\"])*? CHECK \(((?:{_QUOTED}|[^'`\"])*)\)", re.DOTALL)


def canonical(connection: Connection, table: TableName, expression: str) -> str:
    """As `Database.canonical`; raises what the server says to an expression that it does not take."""
    query = QUERY.format(
        expression=verbatim(connection, expression),
        name=quoted(connection, table.name),
        table=quoted_table(connection, table),
        NAME=NAME,
    )
    extended = "EXTENDED " if getattr(connection.dialect, "is_mariadb", False) else ""
    ask(connection, f"EXPLAIN {extended}{query}")
    notes = "\n".join(str(row[2]) for row in ask(connection, "SHOW WARNINGS"))
    found = re.search(rf"select (.*) AS `{NAME}`", notes, re.DOTALL)
    assert found is not None, notes
    return found[1]


def column_checks(connection: Connection, table: TableName) -> Iterator[StoredCheck]:
    """The CHECKs that are a part of a column, but for the one that makes a LONGTEXT a JSON.

    They have no name and go when the column is stated without them.
    """
    for name, definition in _column_lines(connection, table):
        check = _CHECK.fullmatch(definition)
        if check is None or _makes_json(connection, name, check[1]):
            continue
        modify = f"ALTER TABLE {quoted_table(connection, table)} MODIFY COLUMN {quoted(connection, name)} "
        without = definition.removesuffix(f" CHECK ({check[1]})")
        yield StoredCheck(None, check[1], False, name, modify + definition, modify + without)


def json_columns(connection: Connection, table: TableName) -> frozenset[str]:
    """The columns that MariaDB shows as a LONGTEXT with a CHECK; MySQL has a type for them."""
    checks = ((name, _CHECK.fullmatch(definition)) for name, definition in _column_lines(connection, table))
    return frozenset(name for name, check in checks if check is not None and _makes_json(connection, name, check[1]))


def _makes_json(connection: Connection, column: str, condition: str) -> bool:
    return plain(condition) == plain(f"json_valid({quoted(connection, column)})")


def read_computed(connection: Connection, table: TableName) -> Mapping[str, StoredComputed]:
    rows = ask(connection, text(GENERATED), schema=schema_of(connection, table), name=table.name)
    return {name: StoredComputed(expression, bool(persisted)) for name, expression, persisted in rows}


def make_plain(connection: Connection, table: TableName, column: str) -> Iterator[str]:
    """As `Database.make_plain`: the column is stated without its expression.

    Only a stored one can become plain, and none can become stored: values that are not stored are so in a column that
    takes its place first. Source: MariaDB, error 1907.
    """
    definition = dict(_column_lines(connection, table))[column]
    generation = _GENERATION.search(definition)
    assert generation is not None, definition
    alter, name = f"ALTER TABLE {quoted_table(connection, table)}", quoted(connection, column)
    if generation[2] == "VIRTUAL":
        stored = definition.replace(generation[0], f" GENERATED ALWAYS AS ({generation[1]}) STORED")
        yield f"{alter} DROP COLUMN {name}, ADD COLUMN {name} {stored}"
    yield f"{alter} MODIFY COLUMN {name} {definition.replace(generation[0], '')}"


def definition_lines(connection: Connection, table: TableName) -> list[str]:
    """The lines of the server's own CREATE TABLE."""
    return str(ask(connection, f"SHOW CREATE TABLE {quoted_table(connection, table)}")[0][1]).split("\n")


def _column_lines(connection: Connection, table: TableName) -> Iterator[tuple[str, str]]:
    """The columns, and how the server states each of them."""
    for line in definition_lines(connection, table):
        column = _COLUMN.fullmatch(line)
        if column is not None:
            yield column[1].replace("``", "`"), column[2]
