"""Watching what somebody else's code connects to, and keeping it from making a database file by looking."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from oppmigrate.databases.base import Database
from oppmigrate.databases.opening import find_server
from oppmigrate.errors import MigrateError

STAND_IN = "oppmigrate.stand_in"  # marks a connection that is not to the database it was asked for


@contextmanager
def watch_connections(*, makes_files: bool) -> Iterator[list[Database]]:
    """Watch every engine of the process; the list has each database that it is attempted to connect to.

    Args:
        makes_files: False gives who asks for a database file that is not there an empty database in memory: SQLite
            makes the file on connecting, so that a command that only looks would leave an empty one behind.
    """
    attempts: list[Database] = []
    records: list[ConnectionPoolEntry] = []

    def connecting(
        dialect: Dialect, record: ConnectionPoolEntry, arguments: Sequence[Any], options: dict[str, Any]
    ) -> Any:
        database = _database(dialect, arguments, options)
        if database is None:
            return None
        attempts.append(database)
        if makes_files or not database.is_made_by_connecting or database.exists():
            return None
        record.info[STAND_IN] = True
        records.append(record)
        return database.connect_stand_in(dialect, options)

    event.listen(Engine, "do_connect", connecting)
    try:
        yield attempts
    finally:
        event.remove(Engine, "do_connect", connecting)
        for record in records:
            record.invalidate(soft=True)  # a pool is not to give it to whoever comes next


def is_stand_in(connection: Connection) -> bool:
    """Is this an empty database in memory in place of a file that is not there?"""
    return bool(connection.info.get(STAND_IN))


def _database(dialect: Dialect, arguments: Sequence[Any], options: dict[str, Any]) -> Database | None:
    """The database of a driver's connect arguments; None for a kind that nothing here serves."""
    names = (options.get(name) for name in ("database", "dbname", "db"))
    url = URL.create(
        f"{dialect.name}+{dialect.driver}",
        username=options.get("user"),
        host=options.get("host"),
        port=int(options["port"]) if options.get("port") else None,
        database=next((name for name in names if name), str(arguments[0]) if arguments else None),
    )
    try:
        return find_server(url)(url)
    except MigrateError:
        return None
