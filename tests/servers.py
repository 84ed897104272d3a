"""Databases of the tests' own, on the servers that the environment names: made fresh, dropped afterwards."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pymysql
from sqlalchemy import URL, make_url

from database_pool import Pool

POSTGRESQL_VARIABLE = "OPPMAN_TEST_POSTGRESQL_URL"
MYSQL_VARIABLE = "OPPMAN_TEST_MYSQL_URL"
REQUIRE_VARIABLE = "OPPMAN_TEST_REQUIRE"
KNOWN = ("sqlite", "postgresql", "mysql")
CONNECT_TIMEOUT_S = 10
POOL = Pool()


def required_servers() -> frozenset[str]:
    """The servers without which the run fails: OPPMAN_TEST_REQUIRE=postgresql,mysql."""
    names = frozenset(name.strip() for name in os.environ.get(REQUIRE_VARIABLE, "").split(",") if name.strip())
    if unknown := names - set(KNOWN):
        raise ValueError(f"{REQUIRE_VARIABLE} names {', '.join(sorted(unknown))}; known: {', '.join(KNOWN)}")
    return names


def fresh_name() -> str:
    return f"oppman_test_{secrets.token_hex(6)}"


def text(url: URL, drivername: str, database: str) -> str:
    return url.set(drivername=drivername, database=database).render_as_string(hide_password=False)


def with_driver(url: str, driver: str, **changes: Any) -> str:
    """The URL by another driver, and with other parts changed."""
    return make_url(url).set(drivername=driver, **changes).render_as_string(hide_password=False)


def connect_postgresql(server: str, database: str | None = None) -> psycopg.Connection:
    """Connect to the database that the URL names, or to another on its server, with every statement on its own."""
    dsn = text(make_url(server), "postgresql", database or make_url(server).database or "postgres")
    return psycopg.connect(dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S)


@contextmanager
def postgresql_database(server: str) -> Iterator[str]:
    """The URL of an empty database on the server."""
    name = POOL.take(server) or _new_database(server)
    try:
        yield text(make_url(server), "postgresql+psycopg", name)
    finally:
        if not _given_back(server, name):
            drop_database(server, name)


def _new_database(server: str) -> str:
    name = fresh_name()
    with connect_postgresql(server) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    with connect_postgresql(server, name) as connection:
        POOL.remember_new(server, connection)
    return name


def _given_back(server: str, name: str) -> bool:
    try:
        with connect_postgresql(server, name) as connection:
            return POOL.give_back(server, name, connection)
    except psycopg.OperationalError:  # the test dropped it, or lets nobody in
        return False


def drop_database(server: str, name: str) -> None:
    """Drop a PostgreSQL database, whoever uses it."""
    with connect_postgresql(server) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[arg-type]


def drop_spare_databases() -> None:
    """At the end of a test run."""
    for server, name in POOL.clear():
        drop_database(server, name)


def connect_mysql(server: str) -> pymysql.Connection:
    url = make_url(server)
    return pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=str(url.password or ""),
        unix_socket=url.query.get("unix_socket"),
        connect_timeout=CONNECT_TIMEOUT_S,
        autocommit=True,
    )


@contextmanager
def mysql_database(server: str) -> Iterator[str]:
    """The URL of an empty database on the server."""
    name = fresh_name()
    with connect_mysql(server) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        yield text(make_url(server), "mysql+pymysql", name)
    finally:
        with connect_mysql(server) as connection, connection.cursor() as cursor:
            kill_connections(cursor, name)
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")


@contextmanager
def new_database(server: str, base: str | None = None) -> Iterator[str]:
    """The URL of an empty database, which goes with the block.

    Args:
        base: any URL of the server; else the one that the environment names.
    """
    if server == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/test.db"
    elif server == "postgresql":
        with postgresql_database(base or os.environ[POSTGRESQL_VARIABLE]) as url:
            yield url
    else:
        with mysql_database(base or os.environ[MYSQL_VARIABLE]) as url:
            yield url


def kill_connections(cursor: pymysql.cursors.Cursor, database: str) -> None:
    """End what still uses the database: dropping would wait for its metadata locks."""
    cursor.execute("SELECT id FROM information_schema.processlist WHERE db = %s", (database,))
    for (identifier,) in cursor.fetchall():
        try:
            cursor.execute(f"KILL {identifier}")
        except pymysql.OperationalError as error:
            if error.args[0] != pymysql.constants.ER.NO_SUCH_THREAD:  # it ended by itself
                raise
