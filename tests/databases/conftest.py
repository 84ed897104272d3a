"""Databases for the tests of one kind of server: the kind is the second word of the test file's name."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import mysql_rows
import postgresql_rows
import sqlite_rows
from oppmigrate.databases import Database, open_database
from servers import with_driver

DRIVERS = {"sqlite": sqlite_rows.DRIVERS, "postgresql": postgresql_rows.DRIVERS, "mysql": mysql_rows.DRIVERS}


def kind_of(test_file: Path) -> str:
    """`mysql` for `test_mysql_backup.py`."""
    return test_file.stem.split("_")[1]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        drivers = DRIVERS[kind_of(Path(metafunc.definition.path))]
        metafunc.parametrize("database", drivers, indirect=True)


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of the test file's kind."""
    return str(request.getfixturevalue(f"{kind_of(request.path)}_url"))


@pytest.fixture
def database(request: pytest.FixtureRequest, url: str) -> Database:
    """An empty database, once by each of its drivers."""
    return open_database(with_driver(url, request.param))


@pytest.fixture
def plain(url: str) -> Database:
    """The same database by its usual driver."""
    return open_database(url)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file that `sqlite_url` names."""
    return tmp_path / "test.db"


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    """Another connection to the file; not the one under test."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        yield connection


@pytest.fixture
def account(plain: Database) -> Iterator[str]:
    """A MySQL user with a password full of special characters, and with no right yet."""
    name = f"oppman_{plain.label[-6:]}"
    with closing(mysql_rows.connect(plain)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER %s@'%%' IDENTIFIED BY %s", (name, mysql_rows.PASSWORD))
        yield name
        cursor.execute("DROP USER %s@'%%'", (name,))


@pytest.fixture
def role_name(plain: Database) -> Iterator[str]:
    """A PostgreSQL role that may log in, and has no other right yet."""
    name = f"oppman_role_{plain.label[-6:]}"
    postgresql_rows.query(plain, f"CREATE ROLE {name} LOGIN")
    yield name
    postgresql_rows.query(plain, f"DROP OWNED BY {name} CASCADE")
    postgresql_rows.query(plain, f"DROP ROLE {name}")
