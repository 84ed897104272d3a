"""A PostgreSQL table's indexes, in the server's own words."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, text

from oppmigrate.databases.indexes import DEFAULT_METHOD, IndexDefinition, IndexPart, read_definition
from oppmigrate.databases.rows import TableName, ask, quoted_table

# those of a constraint are a part of it
INDEXES = """
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = to_regclass(:table)
  AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY c.relname
"""
DEFAULT_CLASS = "SELECT bool_and(opcdefault) FROM pg_opclass WHERE opcname = :name"


def read_indexes(connection: Connection, table: TableName) -> tuple[IndexDefinition, ...]:
    rows = ask(connection, text(INDEXES), table=quoted_table(connection, table))
    found = (read_definition(sql) for (sql,) in rows)
    return tuple(each for each in found if each is not None)


def is_default_class(connection: Connection, operator_class: str) -> bool:
    return bool(ask(connection, text(DEFAULT_CLASS), name=operator_class)[0][0])


def index_arguments(definition: IndexDefinition, plain: Collection[IndexPart]) -> Mapping[str, Any]:
    possible = {
        "ops": {part.sql: part.operator_class for part in plain if part.operator_class},
        "using": definition.method if definition.method != DEFAULT_METHOD else None,
        "include": list(definition.include),
        "with": dict(definition.options),
        "nulls_not_distinct": definition.nulls_not_distinct,
        "where": definition.where,
    }
    return {name: value for name, value in possible.items() if value}
