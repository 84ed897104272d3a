"""Fixtures of the application: a database with its tables, and browsers in front of it."""

from collections.abc import Iterator

import pytest

from admin_application import TestClient, log_in, prepare, serve


@pytest.fixture
def database_with_tables(database_url: str) -> str:
    """The URL of a database with the application's tables, on each kind of server, with the superuser ada in it."""
    return prepare(database_url)


@pytest.fixture
def sqlite_with_tables(sqlite_url: str) -> str:
    """The same on SQLite only."""
    return prepare(sqlite_url)


@pytest.fixture
def visitor(sqlite_with_tables: str) -> Iterator[TestClient]:
    """A browser that has not logged in, on SQLite."""
    with serve(sqlite_with_tables) as client:
        yield client


@pytest.fixture
def ada(visitor: TestClient) -> TestClient:
    """A browser in which ada is logged in, on SQLite."""
    assert log_in(visitor) == 302
    return visitor
