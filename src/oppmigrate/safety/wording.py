"""SQL of what an operation holds, as its DDL would have it."""

import re
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.types import TypeEngine, to_instance

ORDERS = (operators.asc_op, operators.desc_op, operators.nulls_first_op, operators.nulls_last_op)
WRITTEN_ORDER = re.compile(r"(\s+(ASC|DESC))?(\s+NULLS\s+(FIRST|LAST))?\s*$", re.IGNORECASE)


def expression_sql(connection: Connection, expression: Any) -> str:
    """A condition or an expression with its literal values in it, and columns without their table."""
    compiler = _ddl_compiler(connection).sql_compiler
    element = sa.text(expression) if isinstance(expression, str) else expression
    return str(compiler.process(element, include_table=False, literal_binds=True))


def key_sql(connection: Connection, expression: Any) -> str:
    """What an index is of, without the order in which it keeps it."""
    while isinstance(expression, UnaryExpression) and expression.modifier in ORDERS:
        expression = expression.element
    return WRITTEN_ORDER.sub("", expression_sql(connection, expression))


def default_sql(connection: Connection, column: sa.Column[Any]) -> str | None:
    """What rows that are there get in an added column; None for nothing, or for what counts on by itself."""
    if isinstance(column.server_default, sa.Computed):
        return expression_sql(connection, column.server_default.sqltext)
    default = _ddl_compiler(connection).get_column_default_string(column)
    if not default or "nextval" in default.lower():  # asking for the next number takes it
        return None
    return str(default)


def type_sql(connection: Connection, type_: TypeEngine[Any] | type[TypeEngine[Any]]) -> str:
    return str(to_instance(type_).compile(dialect=connection.dialect))


def checks_of(connection: Connection, constraints: Iterable[sa.Constraint]) -> list[sa.CheckConstraint]:
    """The CHECKs among them, but for those of a type that this server does not need them for."""
    compiler: Any = _ddl_compiler(connection)
    return [
        each
        for each in constraints
        if isinstance(each, sa.CheckConstraint) and (each._create_rule is None or each._create_rule(compiler))
    ]


def dialect_option(connection: Connection, item: Any, name: str) -> Any:
    """The option of a constraint or an index that this server reads: `postgresql_where` for `where`."""
    return item.kwargs.get(f"{connection.dialect.name}_{name}")


def _ddl_compiler(connection: Connection) -> Any:
    return connection.dialect.ddl_compiler(connection.dialect, None)  # type: ignore[arg-type]
