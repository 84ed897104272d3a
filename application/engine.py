"""The async engine: any DATABASE_URL that the migrations take, served by the async driver that is installed."""

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from oppmigrate.errors import ConfigurationError, DatabaseMissing, DriverMissing, UnsupportedDatabase

# the first that is installed serves; the first of all is the one to install
ASYNC_DRIVERS = {
    "sqlite": ("aiosqlite",),
    "postgresql": ("psycopg", "asyncpg"),
    "mysql": ("aiomysql", "asyncmy"),
    "mariadb": ("aiomysql", "asyncmy"),
}
INSTALL = {
    "aiosqlite": "pip install 'oppmigrate[admin]'",
    "psycopg": "pip install 'oppmigrate[postgresql]'",
    "asyncpg": "pip install asyncpg",
    "aiomysql": "pip install aiomysql",
    "asyncmy": "pip install asyncmy",
}
BUSY_TIMEOUT_MS = 5_000


def create_engine(database_url: str) -> AsyncEngine:
    """An engine on the database; nothing is connected yet, and no SQLite file is made.

    Raises:
        ConfigurationError, UnsupportedDatabase, DriverMissing: the URL cannot be served.
    """
    url = async_url(database_url)
    # parameters stay hidden, because errors are shown and logged and a password's hash can be among them
    engine = create_async_engine(url, hide_parameters=True, pool_pre_ping=url.get_backend_name() != "sqlite")
    if url.get_backend_name() == "sqlite":
        # its debug lines hold every parameter, which hide_parameters does not reach
        logging.getLogger("aiosqlite").setLevel(logging.INFO)
        event.listen(engine.sync_engine, "do_connect", _refuse_missing_file)
        event.listen(engine.sync_engine, "connect", _set_pragmas)
    return engine


def async_url(database_url: str) -> URL:
    """The same address with an async driver: `postgresql://…` becomes `postgresql+psycopg://…`."""
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):
        # the URL itself is not shown: nobody can tell which part of it is the password
        raise ConfigurationError(
            "the database URL cannot be read",
            do="write it as sqlite:///./test.db or postgresql://user:password@host/database",
        ) from None
    backend, _, driver = url.drivername.partition("+")
    if backend not in ASYNC_DRIVERS:
        raise UnsupportedDatabase(
            f"the application cannot use the database {backend!r} of the URL",
            do=f"use one of {', '.join(ASYNC_DRIVERS)}",
        )
    chosen = driver if driver in ASYNC_DRIVERS[backend] else _installed_driver(backend)
    _require(chosen)
    return _translated(url.set(drivername=f"{backend}+{chosen}"))


def _installed_driver(backend: str) -> str:
    drivers = ASYNC_DRIVERS[backend]
    return next((name for name in drivers if find_spec(name)), drivers[0])


def _require(driver: str) -> None:
    if find_spec(driver) is None:
        raise DriverMissing(
            f"the application needs the driver {driver!r}, and it is not installed",
            why="it talks to the database asynchronously, which the migrations do not need",
            do=INSTALL[driver],
        )


def _translated(url: URL) -> URL:
    """libpq's `sslmode`, which every other PostgreSQL driver takes, is called `ssl` by asyncpg."""
    if url.get_driver_name() != "asyncpg" or "sslmode" not in url.query:
        return url
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": url.query["sslmode"]})


def _refuse_missing_file(dialect: Any, record: Any, arguments: list[Any], parameters: dict[str, Any]) -> None:
    """SQLite would make an empty file: later that looks like a database whose tables were lost."""
    path = str(arguments[0])
    if path in ("", ":memory:") or path.startswith("file:") or Path(path).exists():
        return
    raise DatabaseMissing(f"there is no database file {path}", do="python oppman.py migrate upgrade", path=path)


def _set_pragmas(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()
