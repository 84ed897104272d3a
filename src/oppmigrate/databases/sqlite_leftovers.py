"""`_alembic_tmp_*`: what a table rebuild by the stock `alembic` leaves behind when it is killed."""

from collections.abc import Iterator

from sqlalchemy import Connection

from oppmigrate.databases.leftovers import LEFTOVER, Leftover, way_back
from oppmigrate.errors import Refused

LONGEST = 50  # to which Alembic cuts the name: alembic/operations/batch.py, _calc_temp_name


def find_leftovers(connection: Connection) -> tuple[Leftover, ...]:
    """The leftovers of every attached database, with the table that each was made for."""
    return tuple(leftover for schema in _schemas(connection) for leftover in _of_schema(connection, schema))


def drop_leftovers(connection: Connection) -> tuple[Leftover, ...]:
    """Drop every leftover whose rows are all still in its own table. Raises as `Database.drop_leftovers`."""
    found = find_leftovers(connection)
    for leftover in found:
        if not leftover.can_go:
            raise not_to_be_dropped(leftover)
    for leftover in found:
        schema, _, name = leftover.name.rpartition(".")
        connection.exec_driver_sql(f"DROP TABLE {_quoted(schema or 'main')}.{_quoted(name)}")
    return found


def not_to_be_dropped(leftover: Leftover) -> Refused:
    """The error for one that may hold the only copy of its rows, with the way to bring them back."""
    return Refused(
        f"the leftover `{leftover.name}` was not dropped",
        why=f"{leftover.shown()}: it may be the only copy",
        do=way_back(leftover),
        table=leftover.name,
    )


def _of_schema(connection: Connection, schema: str) -> Iterator[Leftover]:
    tables = [row[0] for row in connection.exec_driver_sql(f"SELECT name FROM {_master(schema)} WHERE type = 'table'")]
    prefix = "" if schema == "main" else f"{schema}."
    for name in tables:
        if not name.startswith(LEFTOVER):
            continue
        table = _table_of(name, tables)
        rows = _count(connection, schema, name)
        yield Leftover(
            prefix + name,
            None if table is None else prefix + table,
            rows,
            None if table is None else _count(connection, schema, table),
        )


def _table_of(name: str, tables: list[str]) -> str | None:
    """The table of this name behind the prefix; or the only one whose name begins so, where Alembic cut it."""
    original = name.removeprefix(LEFTOVER)
    if original in tables or len(name) < LONGEST:
        return original if original in tables else None
    longer = [table for table in tables if table.startswith(original)]
    return longer[0] if len(longer) == 1 else None


def _schemas(connection: Connection) -> list[str]:
    names = [row[1] for row in connection.exec_driver_sql("PRAGMA database_list")]
    return [name for name in names if name != "temp"]


def _count(connection: Connection, schema: str, table: str) -> int:
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM {_quoted(schema)}.{_quoted(table)}").scalar_one())


def _master(schema: str) -> str:
    return f"{_quoted(schema)}.sqlite_master"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
