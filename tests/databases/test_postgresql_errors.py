"""PostgreSQL: what is removed by delete, and what its errors are called."""

import socket
import time

import psycopg
import pytest
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError

from free_ports import free_port
from oppmigrate.databases import Database, open_database, postgresql_errors
from oppmigrate.errors import (
    AccessDenied,
    DatabaseError,
    DatabaseLocked,
    DatabaseMissing,
    DatabaseReadOnly,
    DatabaseUnreachable,
    Refused,
)
from postgresql_rows import DRIVERS, SCHEMA, need, query, role, state
from server_checks import why_unreachable
from servers import with_driver

# ---- delete


def test_delete_empties_the_schema_and_leaves_the_database(database: Database) -> None:
    query(database, SCHEMA)
    query(database, "DROP SCHEMA audit CASCADE; CREATE SCHEMA other; CREATE TABLE other.t (x integer)")
    removed = database.delete()
    assert {
        "table public.parents",
        "view public.named",
        "materialized view public.counted",
        "sequence public.counter",
        "type public.mood",
        "function public.breed()",
    } <= set(removed)
    assert database.exists()
    assert database.delete() == ()
    assert query(database, "SELECT to_regclass('other.t')::text") == [("other.t",)]


def test_delete_leaves_extensions(plain: Database) -> None:
    need(plain, "citext")
    query(
        plain,
        "CREATE EXTENSION citext; CREATE TABLE t (x citext); CREATE SCHEMA other; CREATE TABLE other.t (x citext)",
    )
    assert plain.delete() == ("table public.t",)
    assert query(plain, "SELECT to_regtype('citext')::text") == [("citext",)]


def test_delete_of_odd_names(database: Database) -> None:
    query(
        database,
        'CREATE TABLE "a:b %s ""q""" (x integer); CREATE FUNCTION "f:%"(integer) RETURNS integer LANGUAGE sql '
        "AS 'SELECT 1'; CREATE TABLE parts (x integer) PARTITION BY LIST (x);"
        "CREATE TABLE part PARTITION OF parts DEFAULT;"
        'CREATE OPERATOR %% (rightarg = integer, function = "f:%"); CREATE TYPE pair AS (a integer, b integer)',
    )
    assert len(database.delete()) == 6
    assert database.delete() == ()


def test_delete_is_refused_while_another_schema_needs_it(plain: Database) -> None:
    query(plain, SCHEMA)
    query(
        plain,
        "CREATE VIEW audit.names AS SELECT name, mood FROM public.parents; CREATE TABLE audit.moods (m public.mood)",
    )
    before = state(plain)
    with pytest.raises(Refused, match="cannot be emptied") as caught:
        plain.delete()
    for words in (
        "foreign key log_parent_fkey of audit.log",
        "view audit.names reads parents",
        "column m of audit.moods",
    ):
        assert words in str(caught.value.why)
    assert state(plain) == before
    assert "table audit.log" in plain.delete(schemas=["public", "audit"])  # type: ignore[call-arg]


# ---- errors


@pytest.mark.parametrize("driver", DRIVERS)
class TestUnreachable:
    def test_port_without_a_server(self, driver: str) -> None:
        why_unreachable(f"{driver}://u:secretly@127.0.0.1:{free_port()}/d", "127.0.0.1")

    def test_host_name_that_nobody_knows(self, driver: str) -> None:
        why_unreachable(f"{driver}://u:secretly@nowhere.invalid/d", "nowhere.invalid")

    def test_server_that_never_answers(self, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("oppmigrate.databases.base.Database.connect_timeout_s", 2)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            began = time.monotonic()
            why_unreachable(f"{driver}://u:secretly@127.0.0.1:{silent.getsockname()[1]}/d", "127.0.0.1")
            assert time.monotonic() - began < 6


def test_unknown_database_gets_the_command_that_makes_it(database: Database) -> None:
    other = type(database)(database.url.set(database="oppman_none"))
    with pytest.raises(DatabaseMissing) as caught:
        other.probe()
    assert "createdb" in str(caught.value.do)
    assert "oppman_none" in str(caught.value.do)


def test_unknown_role_is_denied(database: Database) -> None:
    other = type(database)(database.url.set(username="oppman_nobody"))
    with pytest.raises(AccessDenied, match="oppman_nobody"):
        other.probe()


def test_lacking_right_names_the_grant(plain: Database, role_name: str) -> None:
    query(plain, "CREATE SCHEMA closed; CREATE TABLE t (x integer)")
    url = role(plain, role_name)
    for driver in DRIVERS:
        database = open_database(with_driver(url, driver))
        with pytest.raises(AccessDenied) as caught:
            database.run(lambda connection: connection.exec_driver_sql("CREATE TABLE closed.t (x integer)"))
        assert caught.value.do == f'GRANT USAGE, CREATE ON SCHEMA "closed" TO "{role_name}"'
        with pytest.raises(AccessDenied, match="lacks a right"):
            database.run(lambda connection: connection.exec_driver_sql("ALTER TABLE t ADD COLUMN y integer"))


def test_transaction_that_may_only_read(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.exec_driver_sql("CREATE TABLE t (x integer)")

    with pytest.raises(DatabaseReadOnly):
        database.run(work)


def test_connection_that_the_server_ends(database: Database) -> None:
    def work(connection: Connection) -> None:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        query(database, f"SELECT pg_terminate_backend({pid}, 5000)")
        connection.exec_driver_sql("SELECT 1")

    with pytest.raises(DatabaseUnreachable, match=r"was lost|no PostgreSQL answers"):
        database.run(work)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("3D000", DatabaseMissing),
        ("28P01", AccessDenied),
        ("42501", AccessDenied),
        ("55P03", DatabaseLocked),
        ("40P01", DatabaseLocked),
        ("25006", DatabaseReadOnly),
        ("53100", DatabaseError),
        ("53300", DatabaseUnreachable),
        ("57P03", DatabaseUnreachable),
        ("08006", DatabaseUnreachable),
        ("42P01", type(None)),
        ("23505", type(None)),
    ],
)
def test_error_is_known_by_its_sqlstate(state: str, kind: type) -> None:
    error = Exception("words")
    error.sqlstate = state  # type: ignore[attr-defined]
    url = make_url(f"postgresql://u:{'secretly'}@h/d")
    explained = postgresql_errors.explain(url, DBAPIError("SELECT 1", {}, error))
    assert type(explained) is kind
    assert "secretly" not in str(explained)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ('connection failed: FATAL:  password authentication failed for user "u"', AccessDenied),
        ("connection failed: fe_sendauth: no password supplied", AccessDenied),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", no encryption', AccessDenied),
        ('FATAL:  database "d" does not exist', DatabaseMissing),
        ("FATAL:  the database system is starting up", DatabaseUnreachable),
        ("FATAL:  sorry, too many clients already", DatabaseUnreachable),
        ("server does not support SSL, but SSL was required", DatabaseUnreachable),
        ("something else", type(None)),
    ],
)
def test_connecting_error_is_known_by_its_words(words: str, kind: type) -> None:
    error = DBAPIError(None, None, psycopg.OperationalError(words))
    assert type(postgresql_errors.explain(make_url("postgresql://u@h/d"), error)) is kind
