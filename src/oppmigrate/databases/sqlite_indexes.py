"""A SQLite table's indexes, from the statements that made them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from oppmigrate.databases.indexes import IndexDefinition, read_definition
from oppmigrate.databases.rows import TableName
from oppmigrate.databases.sqlite_rebuild.stored import find_schema
from oppmigrate.databases.sqlite_rebuild.stored import read_indexes as stored_indexes


def read_indexes(connection: Connection, table: TableName) -> tuple[IndexDefinition, ...]:
    schema = find_schema(connection, table.name, table.schema)
    stored = stored_indexes(connection, schema, table.name) if schema is not None else ()
    found = (read_definition(index.sql) for index in sorted(stored, key=lambda each: each.name))
    return tuple(each for each in found if each is not None)


def index_arguments(definition: IndexDefinition) -> Mapping[str, Any]:
    return {} if definition.where is None else {"where": definition.where}
