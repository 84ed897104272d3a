"""The words in which the engine asks a database about its rows, and how its own statements are told from others'."""

import warnings
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, TextClause

OWN = "oppmigrate.own"  # an execution option: the engine's own statement, not one of a revision
# in a connection's `info`: what is executed now does what is left to be done, however much of it was done before
TAKES_WHAT_IS_LEFT = "oppmigrate.takes_what_is_left"
ROWS = "oppman_rows"  # an alias for the rows that are looked at


@dataclass(frozen=True, slots=True)
class TableName:
    """A table as a revision names it."""

    name: str
    schema: str | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class TypeChange:
    """A column that is to have another type. `type_sql` and `using` are SQL as the ALTER has it."""

    table: TableName
    column: str
    type_sql: str
    using: str | None = None


@dataclass(frozen=True, slots=True)
class Misfits:
    """The rows that do not fit: `condition` is true for them in `source`, a FROM clause with the table's columns."""

    source: str
    condition: str


def ask(connection: Connection, statement: str | TextClause, **parameters: Any) -> list[tuple[Any, ...]]:
    """The rows that one of our own statements gives.

    A text is sent as it is: a `%` in it has to be doubled where SQLAlchemy's compilers double it for the driver.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some drivers turn what a server remarks into a Python warning
        if isinstance(statement, str):
            result = connection.exec_driver_sql(statement, execution_options={OWN: True})
        else:
            result = connection.execute(statement, parameters, execution_options={OWN: True})
    return [tuple(row) for row in result] if result.returns_rows else []


def quoted(connection: Connection, name: str) -> str:
    """A name as the server takes it, for `ask`."""
    return connection.dialect.identifier_preparer.quote(name)


def verbatim(connection: Connection, sql: str) -> str:
    """SQL as the server wrote it, for `ask`."""
    return sql.replace("%", "%%") if connection.dialect.identifier_preparer._double_percents else sql


def as_written(connection: Connection, sql: str) -> str:
    """SQL for `ask` as a person writes it."""
    return sql.replace("%%", "%") if connection.dialect.identifier_preparer._double_percents else sql


def schema_of(connection: Connection, table: TableName) -> str | None:
    """The table's schema, where the connection has other names for schemas."""
    translated = connection.get_execution_options().get("schema_translate_map") or {}
    schema: str | None = translated.get(table.schema, table.schema)
    return schema


def quoted_table(connection: Connection, table: TableName) -> str:
    """The table with its schema, as statements of SQLAlchemy's on this connection would name it."""
    schema, name = schema_of(connection, table), quoted(connection, table.name)
    return f"{quoted(connection, schema)}.{name}" if schema else name


def count_up_to(connection: Connection, table: TableName, limit: int) -> int | None:
    """The table's number of rows, read no further than `limit`; None where there are as many, or more."""
    inner = f"SELECT 1 AS one FROM {quoted_table(connection, table)} LIMIT {limit}"
    number = int(ask(connection, f"SELECT count(*) FROM ({inner}) AS {ROWS}")[0][0])
    return number if number < limit else None
