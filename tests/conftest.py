"""What every test can ask for: a database of its own on each kind of server, and a project in a folder of its own.

SQLite is always there. PostgreSQL is the server named by OPPMAN_TEST_POSTGRESQL_URL, else one from a wheel that the
tests start themselves. MariaDB or MySQL is the server named by OPPMAN_TEST_MYSQL_URL, else its tests are skipped.
OPPMAN_TEST_REQUIRE=postgresql,mysql makes a server that cannot be reached a failure.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import psycopg
import pymysql
import pytest

import servers
from fault_counts import FaultCounts
from fresh_imports import fresh_imports, nothing_in_the_way  # noqa: F401  fixtures
from postgresql_server import ServerUnavailable, find_programs, shared_server
from projects import FORK_SERVER, OUTSIDE_NAMES, Project

collect_ignore = ["apps", "faults/chain"]  # projects that the tests use; their files are no tests of ours


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(FaultCounts(), "fault_counts")
    try:
        servers.required_servers()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: some tests wait, for a lock, a server or a signal."""
    return (os.cpu_count() or 1) + 1


def pytest_unconfigure() -> None:
    FORK_SERVER.close()


@pytest.fixture(autouse=True)
def _process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What calls the engine in this process finds no settings of whoever runs the tests, and leaves no search path."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in list(os.environ):
        if name in OUTSIDE_NAMES or (name.startswith("OPPMAN_") and not name.startswith("OPPMAN_TEST_")):
            monkeypatch.delenv(name)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project folder; see `projects.Project`."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)


# ---- databases


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{(tmp_path / 'test.db').as_posix()}"


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the PostgreSQL server, for the making of databases."""
    if server := os.environ.get(servers.POSTGRESQL_VARIABLE):
        try:
            servers.connect_postgresql(server).close()
        except psycopg.OperationalError as error:
            give_up("postgresql", f"{servers.POSTGRESQL_VARIABLE} names a server that cannot be reached: {error}")
        yield server
        servers.drop_spare_databases()
        return
    try:
        programs = find_programs()
    except ServerUnavailable as error:
        give_up("postgresql", f"{servers.POSTGRESQL_VARIABLE} is not set, and {error}")
    # pg_dump has to be as new as the server
    os.environ["PATH"] = os.pathsep.join([str(programs), os.environ.get("PATH", "")])
    with shared_server(shared_folder(tmp_path_factory)) as server:
        yield server
        servers.drop_spare_databases()


@pytest.fixture(scope="session")
def mysql_server() -> str:
    """The URL of the MariaDB or MySQL server, for the making of databases."""
    server = os.environ.get(servers.MYSQL_VARIABLE)
    if not server:
        give_up("mysql", f"{servers.MYSQL_VARIABLE} is not set: no MariaDB or MySQL server to test on")
    try:
        servers.connect_mysql(server).close()
    except pymysql.OperationalError as error:
        give_up("mysql", f"{servers.MYSQL_VARIABLE} names a server that cannot be reached: {error}")
    return server


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, dropped after the test."""
    with servers.postgresql_database(postgresql_server) as url:
        yield url


@pytest.fixture
def mysql_url(mysql_server: str) -> Iterator[str]:
    """The URL of an empty MariaDB or MySQL database, dropped after the test."""
    with servers.mysql_database(mysql_server) as url:
        yield url


@pytest.fixture(params=servers.KNOWN)
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, once for each kind of server."""
    return str(request.getfixturevalue(f"{request.param}_url"))


def give_up(name: str, reason: str) -> NoReturn:
    """Skip the tests that need the server, or fail where it is required."""
    if name in servers.required_servers():
        pytest.fail(f"{reason} ({servers.REQUIRE_VARIABLE} names {name})", pytrace=False)
    pytest.skip(reason)


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """One temporary folder for this run, the same in every worker of pytest-xdist."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "postgresql"
    folder.mkdir(exist_ok=True)
    return folder
