"""Waiting for a server that is starting, as a deploy does that starts both at once."""

import threading
import time

import pytest
from sqlalchemy import make_url

from adoption import SECOND, AdoptedProject
from late_server import late_server
from migrated_project import MigratedProject
from oppmigrate.databases import open_database, until_reachable
from oppmigrate.errors import AccessDenied, DatabaseError, DatabaseMissing, DatabaseUnreachable, DriverMissing
from projects import Project
from servers import connect_postgresql, fresh_name, with_driver

MODELS = """
    from sqlmodel import Field, SQLModel


    class Guest(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(max_length=20)
"""


@pytest.fixture(params=["postgresql", "mysql"])
def server_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database on each of the servers."""
    return str(request.getfixturevalue(f"{request.param}_url"))


# ---- a database


@pytest.mark.parametrize("refuses", [False, True], ids=["closed", "starting"])
@pytest.mark.parametrize("driver", ["sync", "async"])
def test_server_that_answers_late_is_waited_for(server_url: str, refuses: bool, driver: str) -> None:
    drivers = {"postgresql": "postgresql+asyncpg", "mysql": "mysql+aiomysql"}
    told: list[str] = []
    with late_server(server_url, opens_after_s=1, refuses=refuses) as late:
        url = late.url(drivers[make_url(server_url).get_backend_name()] if driver == "async" else None)
        database, began = open_database(url), time.monotonic()
        database.wait_until_reachable(30, told.append)
        assert 0.8 < time.monotonic() - began < 15
        assert database.exists()
    assert len(told) == 1
    assert ("takes no connections now" if refuses else "answers at 127.0.0.1") in told[0]


def test_server_that_never_answers_is_given_up(server_url: str) -> None:
    with late_server(server_url, opens_after_s=None) as late:
        began = time.monotonic()
        with pytest.raises(DatabaseUnreachable, match="answers at 127.0.0.1") as caught:
            open_database(late.url()).wait_until_reachable(1)
        assert 1 <= time.monotonic() - began < 5
    assert "; waited 1 s for it" in str(caught.value.why)


def test_database_that_is_made_after_the_server_is_up_is_waited_for(postgresql_server: str) -> None:
    """The entry points of the servers' containers do so."""
    name = fresh_name()
    url = make_url(postgresql_server).set(database=name).render_as_string(hide_password=False)
    told: list[str] = []

    def execute(statement: str) -> None:
        with connect_postgresql(postgresql_server) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    timer = threading.Timer(0.5, execute, (f"CREATE DATABASE {name}",))
    timer.start()
    try:
        open_database(url).wait_until_reachable(30, told.append)
        assert told == [f"there is no database `{name}` at 127.0.0.1:{make_url(url).port}"]
    finally:
        timer.join()
        execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    with pytest.raises(DatabaseMissing):
        open_database(url).wait_until_reachable(0.1)


def test_what_does_not_pass_by_itself_is_said_at_once(postgresql_url: str) -> None:
    began = time.monotonic()
    database = open_database(with_driver(postgresql_url, "postgresql+psycopg", username="nobody_here"))
    with pytest.raises(AccessDenied) as caught:
        database.wait_until_reachable(30)
    assert "waited" not in str(caught.value.why)
    assert time.monotonic() - began < 5


def test_file_is_not_waited_for(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    database.wait_until_reachable(30)
    assert not database.exists()


@pytest.mark.parametrize(
    ("error", "tries"),
    [(DatabaseUnreachable("no"), 2), (DriverMissing("no"), 1)],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_only_what_comes_later_is_tried_again(error: DatabaseError, tries: int) -> None:
    tried: list[int] = []

    def attempt() -> str:
        tried.append(1)
        if len(tried) == 1:
            raise error
        return "there"

    if tries == 1:
        with pytest.raises(type(error)):
            until_reachable(attempt, lambda error: isinstance(error, DatabaseUnreachable), 5)
    else:
        assert until_reachable(attempt, lambda error: isinstance(error, DatabaseUnreachable), 5) == "there"
    assert len(tried) == tries


# ---- the option


def prepared(project: Project, url: str) -> MigratedProject:
    """A project with a revision that makes the guests' table."""
    project.write("models.py", MODELS)
    migrated = MigratedProject(project, url)
    for command in (("init",), ("create", "Guests", "--rev-id", "guests")):
        migrated.ok("migrate", *command)
    return migrated


@pytest.mark.parametrize("way", ["before", "after", "environment", "pyproject.toml"])
def test_upgrade_waits_wherever_the_setting_comes_from(project: Project, postgresql_url: str, way: str) -> None:
    migrated = prepared(project, postgresql_url)
    options = ("--wait-for-database", "30")
    arguments: tuple[str, ...] = ("migrate", "upgrade")
    with late_server(postgresql_url, opens_after_s=3) as late:
        migrated.env = {"DATABASE_URL": late.url()}
        if way == "environment":
            migrated.env["OPPMAN_WAIT_FOR_DATABASE"] = "30"
        elif way == "pyproject.toml":
            project.write("pyproject.toml", "[tool.oppman]\nwait_for_database = 30\n")
        else:
            arguments = (*options, *arguments) if way == "before" else (*arguments, *options)
        done = migrated.run(*arguments)
    assert done.returncode == 0, done.stderr
    assert "waiting: no PostgreSQL answers at 127.0.0.1" in done.stderr
    assert migrated.heads() == [("guests",)]
    assert migrated.tables() == {"guest"}


def test_upgrade_gives_up_with_the_seconds_that_it_waited(project: Project, postgresql_url: str) -> None:
    migrated = prepared(project, postgresql_url)
    with late_server(postgresql_url, opens_after_s=None) as late:
        migrated.env = {"DATABASE_URL": late.url()}
        began = time.monotonic()
        done = migrated.run("migrate", "upgrade", "--wait-for-database", "1.5")
        assert time.monotonic() - began < 20
    assert done.returncode == 1
    assert "waited 2 s for it" in done.stderr
    assert migrated.tables() == set()


@pytest.mark.parametrize("shape", ["stock", "stock_async"])
def test_env_file_that_connects_by_itself_is_run_again(project: Project, postgresql_url: str, shape: str) -> None:
    app = AdoptedProject(project, shape)
    driver = "postgresql+asyncpg" if shape == "stock_async" else "postgresql+psycopg"
    with late_server(postgresql_url, opens_after_s=3) as late:
        url = ["--database-url", late.url(driver)]
        done = project.run("migrate", "upgrade", *url, "--wait-for-database", "30")
    assert done.returncode == 0, done.stderr
    assert "waiting: no PostgreSQL answers at 127.0.0.1" in done.stderr
    app.options = ("--database-url", with_driver(postgresql_url, driver))
    assert [each["revision"] for each in app.oppman("migrate", "current")["revisions"]] == [SECOND]


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf"])
def test_value_that_is_no_time_is_wrong_usage(project: Project, value: str) -> None:
    done = project.run("migrate", "upgrade", f"--wait-for-database={value}")
    assert done.returncode == 2
    assert "--wait-for-database" in done.stderr
