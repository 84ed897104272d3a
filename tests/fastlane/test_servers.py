"""The fast lane on servers: by each driver the same answers as the full command's, or none."""

import signal
import socket
import subprocess
import sys
import time

import pytest
from sqlalchemy import text

from journal_entries import in_journal, write_down
from oppmigrate.databases import open_database
from oppmigrate.errors import MigrateError
from oppmigrate.fastlane import addresses, servers
from oppmigrate.fastlane.recorded import Uncertain
from projects import clean_environment, rewrite
from quick_projects import QUICK
from servers import with_driver

DRIVERS = [
    ("postgresql", "postgresql+psycopg"),
    ("postgresql", "postgresql"),
    ("postgresql", "postgresql+asyncpg"),
    ("mysql", "mysql+pymysql"),
    ("mysql", "mariadb+pymysql"),
    ("mysql", "mysql+aiomysql"),
    ("mysql", "mysql"),
]


@pytest.fixture
def at_server(quick, request, monkeypatch):
    """The project, all applied, on one kind of server; called with the driver of its address."""

    def begin(kind, driver):
        url = request.getfixturevalue(f"{kind}_url")
        record(url, "a3")
        write_down(url, *sorted(quick.versions.folder.glob("*.py")))
        monkeypatch.setenv("DATABASE_URL", with_driver(url, driver))
        return url

    return begin


def record(url, *heads):
    execute(url, "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    execute(url, "DELETE FROM alembic_version", *(f"INSERT INTO alembic_version VALUES ('{head}')" for head in heads))


def execute(url, *statements):
    def work(connection):
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()

    open_database(url).run(work)


@pytest.mark.parametrize(("kind", "driver"), DRIVERS, ids=[driver for _kind, driver in DRIVERS])
def test_both_lanes_say_the_same(quick, at_server, kind, driver):
    url = at_server(kind, driver)
    assert quick.same(*QUICK) == len(QUICK)
    record(url, "a2")
    assert quick.same(("upgrade",), ("check", "--pending")) == 0
    assert quick.same(("current",), ("heads",), ("history",)) == 3
    record(url)
    assert quick.same(("current",), ("heads",), ("history",)) == 3
    record(url, "gone")
    assert quick.same(("current",), ("heads",), ("history",)) == 0


@pytest.mark.parametrize(
    ("kind", "driver"), [DRIVERS[0], DRIVERS[2], DRIVERS[3]], ids=["psycopg", "asyncpg", "pymysql"]
)
def test_journal_is_read(quick, at_server, kind, driver):
    url = at_server(kind, driver)
    (path,) = quick.versions.folder.glob("a3*")
    source = path.read_text()
    rewrite(path, source.replace("    pass", "    op.execute('SELECT 1')", 1))
    assert quick.quickly("upgrade") is None
    assert "was edited after it was applied" in quick.by(("upgrade",))[1]
    write_down(url, path)
    assert quick.same(("upgrade",)) == 1, "the newest entry counts"
    write_down(url, path, outcome="failed")
    execute(url, "UPDATE oppman_journal SET progress = '{}' WHERE outcome = 'failed'")
    assert quick.quickly("upgrade") is None
    assert quick.quickly("current") is None


@pytest.mark.parametrize(
    ("kind", "driver"), [DRIVERS[0], DRIVERS[2], DRIVERS[3]], ids=["psycopg", "asyncpg", "pymysql"]
)
def test_database_without_journal_or_version_table_is_handed_over(quick, at_server, kind, driver):
    url = at_server(kind, driver)
    in_journal(
        url, lambda journal, connection: connection.execute(text("ALTER TABLE oppman_journal DROP COLUMN outcome"))
    )
    assert quick.quickly("upgrade") is None
    execute(url, "DROP TABLE oppman_journal")
    assert quick.quickly("upgrade") is None
    assert quick.by(("upgrade",))[2] == 0
    write_down(url, *sorted(quick.versions.folder.glob("*.py")))
    execute(url, "DROP TABLE alembic_version")
    assert quick.quickly("current") is None


@pytest.mark.parametrize("driver", ["postgresql+psycopg", "postgresql+asyncpg", "mysql+pymysql"])
def test_server_that_does_not_answer_is_handed_over(driver):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        url = f"{driver}://user:pass@127.0.0.1:{taken.getsockname()[1]}/db"
        with pytest.raises(Uncertain):
            servers.read(driver.partition("+")[0], url, "oppman_journal", with_done=True)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://host/db?sslmode=require",
        "postgresql+psycopg2://host/db",
        "postgresql+pg8000://host/db",
        "postgresql+psycopg://host",
        "postgresql+psycopg://host/",
        "postgresql+psycopg://[::1]/db",
        "postgresql+psycopg://us%40er@host/db",
        "postgresql+psycopg://user:a@b@host/db",
        "postgresql+psycopg://user:a/b@host/db",
        "postgresql+psycopg://user:100%@host/db",
        "postgresql+psycopg://host/d%62",
        "postgresql+psycopg://host,other/db",
        "mysql+mysqldb://host/db",
        "mysql+pymysql://host/db?charset=utf8mb4",
        " mysql+pymysql://host/db",
    ],
)
def test_address_with_more_in_it_is_handed_over(url):
    with pytest.raises(Uncertain):
        servers.read(url.partition("+")[0].strip(), url, "oppman_journal", with_done=True)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://user:p%40ss%25word@db.example.com:5433/shop-1",
        "postgresql+psycopg://user@host/db",
        "postgresql+psycopg:///db",
        "postgresql+psycopg://:5433/db",
        "mysql+pymysql://a.b-c:p+x@h_1:1/d.b",
        "mysql+pymysql://user:p!*~$&()=,;^|{}<>-x@host/db",
        "mysql+pymysql://host/db",
    ],
)
def test_address_is_understood_as_sqlalchemy_does(url):
    try:
        address = addresses.parse_address(url)
    except Uncertain:
        assert "+x@" in url  # may stand for a space, too
        return
    expected = open_database(url).url
    assert (address.user, address.password or "", address.host, address.port, address.database) == (
        expected.username,
        expected.password or "",
        expected.host,
        expected.port,
        expected.database,
    )


@pytest.mark.parametrize(("number", "word"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")])
def test_signal_ends_the_waiting_as_it_ends_a_full_command(quick, number, word):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"mysql+pymysql://u@127.0.0.1:{silent.getsockname()[1]}/db"
        process = subprocess.Popen(
            [sys.executable, "-m", "oppmigrate", "migrate", "current"],
            cwd=quick.path,
            env={**clean_environment(), "DATABASE_URL": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        waiting, _address = silent.accept()
        with waiting:  # for a greeting that does not come
            time.sleep(0.1)
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
    assert (out, err.strip(), process.returncode) == ("", word, 128 + number)


def test_address_that_the_full_command_refuses_is_not_answered():
    with pytest.raises(MigrateError):
        open_database("postgres://host/db")
    with pytest.raises(Uncertain):
        servers.read("postgresql", "postgres://host", "oppman_journal", with_done=False)
