"""A SQLite connection of which a test sees every statement, whoever executes it, before it is done."""

import _sqlite3
import ctypes
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from oppmigrate.databases import open_database
from sqlite_batches import Tables

DEFENSIVE = 1010  # SQLITE_DBCONFIG_DEFENSIVE
Seen = Callable[[str], None]


@contextmanager
def watched(path: Path, seen: Seen, *, after: bool = False) -> Iterator[Tables]:
    """A database in a file, prepared for migrating.

    Args:
        after: `seen` is told of a statement once it is done.
    """

    class Cursor(sqlite3.Cursor):
        def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
            if after:
                found = super().execute(statement, *parameters)
                seen(statement)
                return found
            seen(statement)
            return super().execute(statement, *parameters)

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

    database = open_database(f"sqlite:///{path}")
    engine = sa.create_engine(database.url, connect_args={"factory": Connection}, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        database.prepare(connection)
        yield Tables(database, connection)


def make_defensive(connection: sqlite3.Connection) -> None:
    """Have SQLite refuse, on this connection, to write to the schema table."""
    if hasattr(connection, "setconfig"):
        connection.setconfig(DEFENSIVE, True)
        return
    address = ctypes.c_void_p.from_address(id(connection) + object.__basicsize__).value  # of its `sqlite3 *`
    configure = ctypes.CDLL(_sqlite3.__file__).sqlite3_db_config
    configure.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p]
    assert configure(address, DEFENSIVE, 1, None) == sqlite3.SQLITE_OK
