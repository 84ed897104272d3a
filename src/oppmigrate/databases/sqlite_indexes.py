"""A SQLite table's indexes, from the statements that made them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from oppmigrate.databases.indexes import IndexDefinition, read_definition
from oppmigrate.databases.rows import TableName, ask
from oppmigrate.databases.sqlite_rebuild.stored import find_schema
from oppmigrate.databases.sqlite_rebuild.tokens import quote


def read_indexes(connection: Connection, table: TableName) -> tuple[IndexDefinition, ...]:
    schema = find_schema(connection, table.name, table.schema)
    if schema is None:
        return ()
    name = table.name.replace("'", "''").replace("%", "%%")
    rows = ask(
        connection,
        f"SELECT sql FROM {quote(schema)}.sqlite_master "
        f"WHERE type = 'index' AND tbl_name = '{name}' COLLATE NOCASE AND sql IS NOT NULL ORDER BY name",
    )
    found = (read_definition(sql) for (sql,) in rows)
    return tuple(each for each in found if each is not None)


def index_arguments(definition: IndexDefinition) -> Mapping[str, Any]:
    return {} if definition.where is None else {"where": definition.where}
