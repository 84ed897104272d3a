"""The expressions of generated columns as the database has them, in place of what SQLAlchemy reads of some."""

from collections.abc import Iterable, Mapping
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Column, Connection, Table, text

from oppmigrate.autogenerate.written import as_text
from oppmigrate.databases import Database
from oppmigrate.databases.expressions import StoredComputed
from oppmigrate.databases.rows import TableName


def read_stored_computed(
    columns: Iterable[Column[Any]], place: TableName, database: Database, connection: Connection
) -> Mapping[str, StoredComputed]:
    """Those of a table's reflected columns, by name."""
    reflected = {
        column.name: StoredComputed(str(column.computed.sqltext), bool(column.computed.persisted))
        for column in columns
        if column.computed is not None
    }
    return database.read_computed(connection, place, reflected) if reflected else {}


def say_stored_computed(columns: Iterable[Column[Any]], stored: Mapping[str, StoredComputed]) -> None:
    """Let reflected columns say it, so that they can be brought back; in place."""
    for column in columns:
        if column.computed is not None and column.name in stored:
            column.computed.sqltext = text(as_text(stored[column.name].expression))
            column.computed.persisted = stored[column.name].persisted


def take_stored_computed(table: Table, database: Database, connection: Connection) -> None:
    """The same for all columns of a reflected table."""
    place = TableName(table.name, table.schema)
    say_stored_computed(table.columns, read_stored_computed(table.columns, place, database, connection))


def bring_back_computed(container: ops.OpContainer, context: AutogenContext, database: Database) -> None:
    """Let the tables that go come back with what their columns are computed from; in place."""
    assert context.connection is not None
    for op in container.ops:
        if isinstance(op, ops.DropTableOp) and op._reverse is not None:
            columns = [item for item in op._reverse.columns if isinstance(item, Column)]
            place = TableName(op.table_name, op.schema)
            say_stored_computed(columns, read_stored_computed(columns, place, database, context.connection))
