"""MariaDB's and MySQL's own words for an expression, and the CHECKs that MariaDB keeps inside of a column."""

import re
from collections.abc import Iterator

from sqlalchemy import Connection

from oppmigrate.databases.expressions import StoredCheck, plain
from oppmigrate.databases.rows import TableName, ask, quoted, quoted_table, verbatim

NAME = "oppman_expression"
# twice, so that a table of one row is not read while the query is planned
QUERY = "SELECT ({expression}) AS {NAME} FROM (SELECT * FROM {table} UNION ALL SELECT * FROM {table}) AS {name}"
_QUOTED = r"'(?:[^'\\]|''|\\.)*'|`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\""
_COLUMN = re.compile(r"\s*`((?:[^`]|``)*)` (.*?),?", re.DOTALL)
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
    statement = f"SHOW CREATE TABLE {quoted_table(connection, table)}"
    for line in str(ask(connection, statement)[0][1]).split("\n"):
        column, check = _COLUMN.fullmatch(line), _CHECK.fullmatch(line.rstrip(","))
        if column is None or check is None:
            continue
        name, condition = column[1].replace("``", "`"), check[1]
        if plain(condition) == plain(f"json_valid(`{column[1]}`)"):
            continue
        modify = f"ALTER TABLE {quoted_table(connection, table)} MODIFY COLUMN `{column[1]}` "
        without = column[2].removesuffix(f" CHECK ({condition})")
        yield StoredCheck(None, condition, False, name, modify + column[2], modify + without)
