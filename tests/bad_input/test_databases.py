"""Database URLs that lead nowhere, servers that refuse, files that cannot be used."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

import servers
from bad_projects import FIRST, SECRET, Shop, only_error

ASK_THE_DATABASE = (
    "migrate current",
    "migrate check",
    "migrate upgrade",
    "migrate upgrade --plan",
    "migrate downgrade -1",
    "migrate stamp head",
    "backup",
    "delete --yes",
)
SERVERS = ("postgresql+psycopg", "postgresql+asyncpg", "mysql+pymysql", "mysql+aiomysql")


def at(shop: Shop, url: str) -> Shop:
    """The same project at another address; its own database is still what is looked at for changes."""
    shop.env = {"DATABASE_URL": url}
    return shop


# ---- the URL

WRONG_URLS = [
    ("no url at all", "configuration-error", "scheme://user:password@host:port/database"),
    (f"postgresql://u:{SECRET}@h:port/x", "configuration-error", "in a password, @ is %40"),
    (f"u:{SECRET}@h/x", "configuration-error", "scheme://"),
    ("   ", "configuration-error", "--database-url"),
    ("mysql://h", "configuration-error", "names no database"),
    (f"postgres://u:{SECRET}@h/x", "configuration-error", "write postgresql://"),
    (f"oracle://u:{SECRET}@h/x", "unsupported-database", "mariadb, mysql, postgresql, sqlite"),
    (f"nosuch://u:{SECRET}@h/x", "unsupported-database", "let the database URL begin with one of these"),
    (f"postgresql+nosuch://u:{SECRET}@h/x", "unsupported-database", "postgresql+psycopg"),
]


@pytest.mark.parametrize(("url", "kind", "says"), WRONG_URLS)
def test_wrong_url(small_shop: Shop, url: str, kind: str, says: str) -> None:
    at(small_shop, url)
    for command in ("migrate current", "migrate upgrade", "backup"):
        small_shop.refuse(command, kind, says, "the URL comes from DATABASE_URL")
    small_shop.refuse("migrate create x", kind)
    small_shop.env = {}
    small_shop.refuse(["migrate", "upgrade", "--database-url", url], kind, "the URL comes from --database-url")


@pytest.mark.parametrize("command", ASK_THE_DATABASE)
def test_every_command_refuses_a_wrong_url(small_shop: Shop, command: str) -> None:
    at(small_shop, WRONG_URLS[1][0]).refuse(command, "configuration-error")


def test_wrong_url_in_the_ini_file(small_shop: Shop) -> None:
    small_shop.env = {}
    small_shop.change("alembic.ini", "sqlite:///./test.db", f"nosuch://u:{SECRET}@h/x")
    small_shop.refuse("migrate upgrade", "unsupported-database", "the URL comes from alembic.ini")


@pytest.mark.parametrize(
    ("driver", "module", "install"),
    [
        ("postgresql+psycopg", "psycopg", "pip install 'oppmigrate[postgresql]'"),
        ("mysql+pymysql", "pymysql", "pip install 'oppmigrate[mysql]'"),
        ("sqlite+aiosqlite", "aiosqlite", "pip install aiosqlite"),
        ("postgresql+pg8000", "pg8000", "pip install pg8000"),
    ],
)
def test_missing_driver(small_shop: Shop, driver: str, module: str, install: str) -> None:
    # Python looks for `usercustomize` at its start: nothing of ours has to know of it
    hidden = f"import sys\nsys.modules[{module!r}] = None\n"
    small_shop.write("hidden/sitecustomize.py", hidden)
    at(small_shop, f"{driver}://u:{SECRET}@127.0.0.1:1/x" if "sqlite" not in driver else f"{driver}:///x.db")
    env = {"PYTHONPATH": str(small_shop.path / "hidden"), **small_shop.env}
    small_shop.refuse("migrate upgrade", "driver-missing", module, install, env=env, own_process=True)


def test_database_in_memory(small_shop: Shop) -> None:
    at(small_shop, "sqlite://")
    for command in ("migrate upgrade", "migrate stamp head"):
        small_shop.refuse(command, "unsupported-database", "in memory", "sqlite:///./app.db")


# ---- servers


@pytest.mark.parametrize("driver", SERVERS)
@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid"])
def test_unreachable_server(small_shop: Shop, driver: str, host: str) -> None:
    at(small_shop, f"{driver}://ann:{SECRET}@{host}/app")
    for command in ("migrate current", "migrate upgrade"):
        small_shop.refuse(command, "database-unreachable", host, "look whether the server runs")
    assert "unknown" in small_shop.ok("migrate", "history")  # the files alone answer this


@pytest.mark.parametrize("command", [*ASK_THE_DATABASE, "migrate create x"])
def test_every_command_on_an_unreachable_server(small_shop: Shop, command: str) -> None:
    at(small_shop, f"postgresql+psycopg://ann:{SECRET}@127.0.0.1:1/app")
    small_shop.refuse(command, "database-unreachable", "127.0.0.1:1")
    assert not (small_shop.path / "backups").exists()


def other_name(url: str) -> str:
    return make_url(url).set(database="oppman_not_there").render_as_string(hide_password=False)


@pytest.mark.parametrize("server", ["postgresql", "mysql"])
def test_database_that_does_not_exist(small_shop: Shop, server: str, request: pytest.FixtureRequest) -> None:
    at(small_shop, other_name(request.getfixturevalue(f"{server}_url")))
    for command in ("migrate upgrade", "migrate stamp head", "backup"):
        small_shop.refuse(command, "database-missing", "oppman_not_there", "createdb" if "po" in server else "CREATE")
    assert "there is no database" in small_shop.run("migrate", "current").stderr
    assert "no changes" in small_shop.ok("migrate", "create", "x")  # compares with a scratch database


@pytest.fixture
def mysql_user(mysql_server: str, mysql_url: str) -> Iterator[str]:
    """The URL of the test's database for a user with a password, `SECRET`."""
    url = make_url(mysql_url)
    account = f"'{url.database}'@'%'"
    with servers.connect_mysql(mysql_server) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE USER {account} IDENTIFIED BY '{SECRET}'")
        cursor.execute(f"GRANT ALL ON {url.database}.* TO {account}")
        try:
            yield url.set(username=url.database, password=SECRET).render_as_string(hide_password=False)
        finally:
            cursor.execute(f"DROP USER {account}")


def test_wrong_password_is_never_printed(small_shop: Shop, mysql_user: str) -> None:
    url = make_url(mysql_user)
    at(small_shop, url.set(password=f"{SECRET}-wrong").render_as_string(hide_password=False))
    for command in (*ASK_THE_DATABASE, "migrate create x", "migrate upgrade --verbose"):
        small_shop.refuse(command, "access-denied", str(url.username), "the password of the database URL")


def test_right_password_is_never_printed(small_shop: Shop, mysql_user: str) -> None:
    at(small_shop, mysql_user)
    commands = [
        "init",
        "current",
        "upgrade --plan",
        "upgrade --sql",
        "upgrade",
        "history",
        "show",
        "check",
        "stamp head",
    ]
    for command in commands:
        for option in ("--json", "--verbose"):
            small_shop.ok("migrate", *command.split(), option)
    # a user who may not make databases has no scratch database: the right is named, and the GRANT
    small_shop.ok("migrate", "downgrade", "base", "--json")
    error = only_error(small_shop.run("migrate", "create", "x", "--json"))
    assert error["kind"] == "access-denied" and "GRANT" in error["do"]
    small_shop.revision("bbbb", upgrade='op.execute("nonsense")')
    for option in ("--json", "--verbose"):
        assert small_shop.run("migrate", "upgrade", option).returncode == 1


def test_password_that_postgresql_ignores_is_never_printed(small_shop: Shop, postgresql_url: str) -> None:
    at(small_shop, make_url(postgresql_url).set(password=SECRET).render_as_string(hide_password=False))
    commands = ("init", "current", "upgrade --plan", "upgrade", "history", "show", "check", "create x", "stamp head")
    for command in commands:
        for option in ("--json", "--verbose"):
            small_shop.ok("migrate", *command.split(), option)
    for command in ("backup", "backup --list", "delete --yes"):
        assert "***" in small_shop.run(*command.split(), "--verbose").stderr or True
    small_shop.revision("bbbb", upgrade='op.execute("nonsense")')
    for option in ("--json", "--verbose"):
        assert small_shop.run("migrate", "upgrade", option).returncode == 1


# ---- SQLite's file


@pytest.mark.parametrize("command", ASK_THE_DATABASE)
@pytest.mark.parametrize("driver", ["sqlite", "sqlite+aiosqlite"])
def test_folder_where_the_file_should_be(small_shop: Shop, driver: str, command: str) -> None:
    (small_shop.path / "data").mkdir()
    at(small_shop, f"{driver}:///data").refuse(command, "not-a-database", "is a folder", "data/app.db")


@pytest.mark.parametrize("command", ASK_THE_DATABASE)
def test_file_that_is_no_database(small_shop: Shop, command: str) -> None:
    small_shop.write("notes.db", "These are notes, and no database at all.\n" * 50)
    at(small_shop, "sqlite:///notes.db").refuse(command, "not-a-database", "notes.db is not a SQLite database")


def test_missing_parent_folder(small_shop: Shop) -> None:
    at(small_shop, "sqlite:///no/such/app.db")
    for command in ("migrate upgrade", "migrate stamp head", "backup"):
        small_shop.refuse(command, "database-missing", f"mkdir -p {small_shop.path}/no/such")
    at(small_shop, "sqlite:///models.py/app.db")
    small_shop.refuse("migrate upgrade", "database-missing", "models.py is a file, not a folder")


def test_read_only_file(small_shop: Shop) -> None:
    """`mode=ro` stands for the missing right, which root does not miss."""
    small_shop.upgraded().revision("bbbb", upgrade='op.execute("DELETE FROM users")')
    file = make_url(small_shop.url).database
    at(small_shop, f"sqlite:///file:{file}?mode=ro&uri=true")
    assert "(1 pending)" in small_shop.ok("migrate", "current")
    error = small_shop.refuse("migrate upgrade", "migration-failed", f"{file} cannot be written", "mode=ro")
    assert "Mend" not in error["do"]  # the revision is not at fault


@pytest.fixture
def locked_shop(small_shop: Shop) -> Iterator[Shop]:
    """Another connection is in the middle of writing."""
    small_shop.upgraded().revision("bbbb")
    connection = sqlite3.connect(make_url(small_shop.url).database or "", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    yield small_shop
    connection.rollback()
    connection.close()


@pytest.mark.parametrize("driver", ["sqlite", "sqlite+aiosqlite"])
def test_locked_file_is_given_up_soon(locked_shop: Shop, driver: str) -> None:
    locked_shop.env = {"DATABASE_URL": locked_shop.url.replace("sqlite:", f"{driver}:")}
    started = time.monotonic()
    for command in ("migrate upgrade --lock-timeout 0.5", "migrate downgrade -1 --lock-timeout 0"):
        locked_shop.refuse(command, "database-locked", "is locked", "fuser -v", keeps=False)
    assert time.monotonic() - started < 4


def test_file_that_somebody_writes_to_can_be_read(small_shop: Shop) -> None:
    small_shop.upgraded().revision("bbbb")
    connection = sqlite3.connect(make_url(small_shop.url).database or "", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    assert FIRST in small_shop.ok("migrate", "current")
    small_shop.refuse("migrate upgrade --lock-timeout 0.5", "database-locked", "for more than 0.5 s", "fuser -v")
    connection.rollback()
    connection.close()
    small_shop.ok("migrate", "upgrade", "--lock-timeout", "0")


@pytest.mark.parametrize("server", ["postgresql", "mysql"])
def test_migration_lock_that_somebody_holds(small_shop: Shop, server: str, request: pytest.FixtureRequest) -> None:
    """A run in the middle of its revision holds it."""
    from oppmigrate.databases import open_database

    small_shop.url = request.getfixturevalue(f"{server}_url")
    at(small_shop, small_shop.url).upgraded().revision("bbbb")
    database = open_database(small_shop.url)

    def hold(connection: object) -> None:
        with database.lock(connection, "", 1):  # type: ignore[arg-type]
            small_shop.refuse("migrate upgrade --lock-timeout 0.5", "database-locked", "waited 0.5 s")

    database.run(hold)
    small_shop.ok("migrate", "upgrade", "--lock-timeout", "0.5")


# ---- backups


@pytest.mark.parametrize(
    ("command", "kind", "says"),
    [
        ("restore --yes", "backup-not-found", "oppman backup"),
        ("restore nope --yes", "backup-not-found", "no backup fits `nope`"),
        ("restore models.py --yes", "backup-unreadable", "models.py"),
        ("backup --output models.py", "backup-error", "exists already"),
        ("backup --output /proc/nowhere/x.db", "backup-error", "/proc"),
        ("delete", "refused", "add --yes"),
    ],
)
def test_backups(small_shop: Shop, command: str, kind: str, says: str) -> None:
    small_shop.upgraded().refuse(command, kind, says)
    assert Path(make_url(small_shop.url).database or "").exists()
