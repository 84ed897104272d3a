"""A MariaDB or MySQL table's indexes, those of unique constraints among them: the server makes no difference."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from oppmigrate.databases.indexes import DEFAULT_METHOD, IndexDefinition, IndexPart, read_definition
from oppmigrate.databases.mysql_expressions import definition_lines
from oppmigrate.databases.mysql_objects import quoted
from oppmigrate.databases.rows import TableName

_KEY = re.compile(r"\s*(?:(?:UNIQUE|FULLTEXT|SPATIAL) )?KEY `.*", re.DOTALL)


def read_indexes(connection: Connection, table: TableName) -> tuple[IndexDefinition, ...]:
    found = (read_definition(line) for line in definition_lines(connection, table) if _KEY.match(line))
    return tuple(each for each in found if each is not None)


def index_arguments(definition: IndexDefinition, plain: Collection[IndexPart]) -> Mapping[str, Any]:
    possible = {
        "length": {part.sql: part.length for part in plain if part.length is not None},
        "prefix": definition.kind if definition.kind in ("FULLTEXT", "SPATIAL") else None,
        "using": definition.method if definition.method != DEFAULT_METHOD else None,
    }
    return {name: value for name, value in possible.items() if value}


def replace_primary_key(table: TableName, old: Sequence[str], new: Sequence[str]) -> tuple[str, str]:
    name = f"{quoted(table.schema)}.{quoted(table.name)}" if table.schema else quoted(table.name)

    def statement(gone: Sequence[str], made: Sequence[str]) -> str:
        drop = ["DROP PRIMARY KEY"] if gone else []
        add = [f"ADD PRIMARY KEY ({', '.join(map(quoted, made))})"] if made else []
        return f"ALTER TABLE {name} {', '.join(drop + add)}"

    return statement(old, new), statement(new, old)
