"""MariaDB and MySQL: what is removed by delete, and what their errors are called."""

import socket
import time

import pymysql
import pytest
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError

from free_ports import free_port
from mysql_rows import DRIVERS, PASSWORD, SCHEMA, query, state
from oppmigrate.databases import Database, mysql_dump, mysql_errors
from oppmigrate.errors import (
    AccessDenied,
    DatabaseError,
    DatabaseLocked,
    DatabaseMissing,
    DatabaseReadOnly,
    DatabaseUnreachable,
    DriverMissing,
    Refused,
)
from server_checks import why_unreachable

# ---- delete


def test_delete_empties_the_database_and_leaves_it(database: Database) -> None:
    query(database, *SCHEMA, "CREATE TABLE `a %s ``b``` (x INT)")
    removed = database.delete()
    expected = [
        "view named",
        "table a %s `b`",
        "table children",
        "table parents",
        "function doubled",
        "procedure nothing",
    ]
    assert list(removed) == [*expected, "event later"]
    assert database.exists()
    assert database.delete() == ()


def test_delete_is_refused_while_another_database_needs_it(plain: Database) -> None:
    query(plain, *SCHEMA)
    other = f"{plain.label}_x"
    query(plain, f"CREATE DATABASE {other}")
    try:
        query(
            plain, f"CREATE TABLE {other}.t (x INT, CONSTRAINT k FOREIGN KEY (x) REFERENCES {plain.label}.parents (id))"
        )
        before = state(plain)
        with pytest.raises(Refused, match="cannot be emptied") as caught:
            plain.delete()
        assert f"foreign key k of {other}.t refers to parents" in str(caught.value.why)
        assert state(plain) == before
    finally:
        query(plain, f"DROP DATABASE {other}")


# ---- errors


@pytest.mark.parametrize("driver", DRIVERS)
class TestUnreachable:
    def test_port_without_a_server(self, driver: str) -> None:
        assert "Errno 111" in why_unreachable(f"{driver}://u:secretly@127.0.0.1:{free_port()}/d", "127.0.0.1")

    def test_host_name_that_nobody_knows(self, driver: str) -> None:
        why_unreachable(f"{driver}://u:secretly@nowhere.invalid/d", "nowhere.invalid")

    def test_server_that_never_answers(self, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("oppmigrate.databases.base.Database.connect_timeout_s", 1)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            began = time.monotonic()
            why_unreachable(f"{driver}://u:secretly@127.0.0.1:{silent.getsockname()[1]}/d", "127.0.0.1")
            assert time.monotonic() - began < 5


def test_unknown_database_gets_the_command_that_makes_it(database: Database) -> None:
    with pytest.raises(DatabaseMissing) as caught:
        type(database)(database.url.set(database="oppman_none")).probe()
    assert "CREATE DATABASE `oppman_none`" in str(caught.value.do)


def test_wrong_password_is_denied_and_never_shown(database: Database, account: str) -> None:
    query(database, f"GRANT ALL ON `{database.label}`.* TO '{account}'@'%'")
    right = type(database)(database.url.set(username=account, password=PASSWORD))
    right.probe()
    wrong = type(database)(database.url.set(username=account, password="wrongly"))
    with pytest.raises(AccessDenied, match=account) as caught:
        wrong.probe()
    assert "wrongly" not in f"{caught.value}{wrong!r}"


def test_lacking_right_names_the_grant(database: Database, account: str) -> None:
    query(database, "CREATE TABLE t (x INT)", f"GRANT SELECT ON `{database.label}`.* TO '{account}'@'%'")
    limited = type(database)(database.url.set(username=account, password=PASSWORD))
    with pytest.raises(AccessDenied, match="lacks a right") as caught:
        limited.run(lambda connection: connection.exec_driver_sql("ALTER TABLE t ADD COLUMN y INT"))
    assert str(caught.value.do).startswith(f"as an administrator: GRANT ALL ON `{database.label}`.* TO '{account}'@'")
    assert account in str(caught.value.do)


def test_connection_that_the_server_ends(database: Database) -> None:
    def work(connection: Connection) -> None:
        query(database, f"KILL {connection.exec_driver_sql('SELECT CONNECTION_ID()').scalar_one()}")
        connection.exec_driver_sql("SELECT 1")

    with pytest.raises(DatabaseUnreachable, match="was lost"):
        database.run(work)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (1045, AccessDenied),
        (1698, AccessDenied),
        (1044, AccessDenied),
        (1142, AccessDenied),
        (1227, AccessDenied),
        (1049, DatabaseMissing),
        (2003, DatabaseUnreachable),
        (2013, DatabaseUnreachable),
        (1040, DatabaseUnreachable),
        (1205, DatabaseLocked),
        (1213, DatabaseLocked),
        (1290, DatabaseReadOnly),
        (1114, DatabaseError),
        (1064, type(None)),
        (1062, type(None)),
    ],
)
def test_error_is_known_by_its_number(number: int, kind: type) -> None:
    error = DBAPIError("SELECT 1", {}, pymysql.err.OperationalError(number, "words"))
    explained = mysql_errors.explain(make_url("mysql://u:secretly@h/d"), error)
    assert type(explained) is kind
    assert "secretly" not in str(explained)


def test_missing_cryptography_is_a_missing_package() -> None:
    error = RuntimeError("'cryptography' package is required for sha256_password or caching_sha2_password auth methods")
    explained = mysql_errors.explain(make_url("mysql+pymysql://u@h/d"), error)
    assert isinstance(explained, DriverMissing)
    assert explained.do == "pip install cryptography"


def test_option_file_quotes_every_character() -> None:
    options = {"host": "h", "port": 3306, "user": "u", "password": 'a"b\\c#d', "ssl": {"ca": "/ca.pem"}}
    with mysql_dump.settings_file(options) as path:
        lines = path.read_text().splitlines()
    assert 'password="a\\"b\\\\c#d"' in lines
    assert 'ssl-ca="/ca.pem"' in lines
    assert 'protocol="tcp"' in lines
    assert not path.exists()
