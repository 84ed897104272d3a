"""PostgreSQL: locks, scratch databases, and backups put back in one transaction."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError, ProgrammingError

from oppmigrate.databases import Database, open_database, opening, postgresql_dump, postgresql_errors
from oppmigrate.errors import (
    AccessDenied,
    BackupError,
    BackupUnreadable,
    ConfigurationError,
    DatabaseError,
    DatabaseLocked,
    DatabaseMissing,
    DatabaseReadOnly,
    DatabaseUnreachable,
    DriverMissing,
    MigrateError,
    ProgramMissing,
    Refused,
    UnsupportedDatabase,
)
from programs_on_path import set_path

DRIVERS = ("postgresql+psycopg", "postgresql+asyncpg", "postgresql+psycopg_async")
PASSWORD = "Sesam:open@/100%"

SCHEMA = """
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE DOMAIN age AS integer CHECK (VALUE >= 0);
CREATE SEQUENCE counter START 40;
CREATE TABLE parents (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, mood mood DEFAULT 'high',
    age age, born timestamptz DEFAULT now(), "odd:name %s" text);
CREATE TABLE children (id serial PRIMARY KEY, parent integer REFERENCES parents ON DELETE CASCADE);
CREATE VIEW named AS SELECT name FROM parents;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM parents;
CREATE FUNCTION breed() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO children (parent) VALUES (NEW.id); RETURN NEW; END $$;
CREATE TRIGGER bred AFTER INSERT ON parents FOR EACH ROW EXECUTE FUNCTION breed();
CREATE SCHEMA audit;
CREATE TABLE audit.log (id bigserial PRIMARY KEY, parent integer REFERENCES public.parents, line text);
INSERT INTO parents (name, age) VALUES ('Ada', 36), ('Grace', 85);
INSERT INTO audit.log (parent, line) SELECT id, name FROM parents;
SELECT nextval('counter');
REFRESH MATERIALIZED VIEW counted;
"""

CONTENTS = """
SELECT 'parents', array_agg(p::text ORDER BY id)::text FROM parents p
UNION ALL SELECT 'children', array_agg(c::text ORDER BY id)::text FROM children c
UNION ALL SELECT 'log', array_agg(l::text ORDER BY id)::text FROM audit.log l
UNION ALL SELECT 'named', array_agg(name ORDER BY name)::text FROM named
UNION ALL SELECT 'counted', n::text FROM counted
UNION ALL SELECT 'counter', last_value::text FROM counter
UNION ALL SELECT 'identity', last_value::text FROM parents_id_seq
"""

DEFINITIONS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace::regnamespace::text IN ('public', 'audit')
UNION SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod) || attidentity::text
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace::regnamespace::text IN ('public', 'audit') AND attnum > 0
UNION SELECT 'enum', enumlabel, enumsortorder::text FROM pg_enum
ORDER BY 1, 2, 3
"""


@pytest.fixture(params=DRIVERS)
def database(request: pytest.FixtureRequest, postgresql_url: str) -> Database:
    return open_database(with_driver(postgresql_url, request.param))


@pytest.fixture
def plain(postgresql_url: str) -> Database:
    return open_database(postgresql_url)


def with_driver(url: str, driver: str, **changes: Any) -> str:
    return make_url(url).set(drivername=driver, **changes).render_as_string(hide_password=False)


def connect(database: Database) -> psycopg.Connection[Any]:
    url = database.url.set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


def query(database: Database, statement: str) -> list[Any]:
    with closing(connect(database)) as connection:
        cursor = connection.execute(statement)  # type: ignore[call-overload]
        return list(cursor.fetchall()) if cursor.description else []


def state(database: Database) -> list[Any]:
    return [*query(database, CONTENTS), *query(database, DEFINITIONS)]


def role(database: Database, name: str, *statements: str) -> str:
    """Give the role its rights; returns the URL that uses it."""
    for statement in statements:
        query(database, statement)
    return with_driver(str(database.url.set(password=None)), "postgresql+psycopg", username=name)


def need(database: Database, *extensions: str) -> None:
    """Skip where the server was installed without its usual extensions."""
    there = {name for (name,) in query(database, "SELECT name FROM pg_available_extensions")}
    if missing := set(extensions) - there:
        pytest.skip(f"the server has no extension {', '.join(sorted(missing))}")


@pytest.fixture
def role_name(plain: Database) -> Iterator[str]:
    name = f"oppman_role_{plain.label[-6:]}"
    query(plain, f"CREATE ROLE {name} LOGIN")
    yield name
    query(plain, f"DROP OWNED BY {name} CASCADE")
    query(plain, f"DROP ROLE {name}")


# ---- which driver


def test_url_without_a_driver_takes_the_one_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for installed, expected in (
        ({"psycopg", "asyncpg", "greenlet"}, "psycopg"),
        ({"psycopg"}, "psycopg"),
        ({"asyncpg", "greenlet"}, "asyncpg"),
        ({"psycopg2"}, "psycopg2"),
    ):
        monkeypatch.setattr(opening, "is_installed", installed.__contains__)
        assert open_database("postgresql://u@h/d").url.get_driver_name() == expected


def test_missing_driver_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "is_installed", lambda module: False)
    for url, command in (
        ("postgresql://u:secret@h/d", "pip install 'oppmigrate[postgresql]'"),
        ("postgresql+psycopg://u:secret@h/d", "pip install 'oppmigrate[postgresql]'"),
        ("postgresql+asyncpg://u:secret@h/d", "pip install asyncpg"),
    ):
        with pytest.raises(DriverMissing) as caught:
            open_database(url)
        assert caught.value.do == command
        assert "secret" not in str(caught.value)


def test_async_driver_without_greenlet_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "is_installed", lambda module: module != "greenlet")
    with pytest.raises(DriverMissing) as caught:
        open_database("postgresql+asyncpg://u@h/d")
    assert caught.value.do == "pip install greenlet"


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("", ConfigurationError),
        ("  ", ConfigurationError),
        ("no url", ConfigurationError),
        ("postgresql://u:secret@h:port/d", ConfigurationError),
        ("postgres://u:secret@h/d", ConfigurationError),
        ("postgresql://u:secret@h", ConfigurationError),
        ("postgresql+nonesuch://u:secret@h/d", UnsupportedDatabase),
        ("oracle://u:secret@h/d", UnsupportedDatabase),
    ],
)
def test_url_that_cannot_be_used(url: str, error: type[MigrateError]) -> None:
    with pytest.raises(error) as caught:
        open_database(url)
    assert "secret" not in str(caught.value)
    assert caught.value.do or caught.value.why


ONLY_ASYNCPG = """
import sys
for name in ("psycopg", "psycopg2", "pg8000"):
    sys.modules[name] = None
from pathlib import Path
from oppmigrate.databases import open_database

database = open_database(sys.argv[1])
assert database.is_async and database.url.get_driver_name() == "asyncpg"
database.probe()
assert database.exists() and database.size_bytes()

def work(connection):
    database.prepare(connection)
    with database.lock(connection, "key", 1), connection.begin():
        connection.exec_driver_sql("CREATE TABLE t (x integer)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        database.check_integrity(connection)
    database.release(connection)

database.run(work)
with database.scratch() as scratch:
    scratch.run(work)
target = Path(sys.argv[2])
database.backup(target)
assert database.delete() == ("table public.t",)
database.restore(target)
print(database.run(lambda connection: connection.exec_driver_sql("SELECT x FROM t").scalar_one()))
"""


@pytest.mark.parametrize("driver", ["postgresql", "postgresql+asyncpg"])
def test_every_method_works_with_asyncpg_alone(postgresql_url: str, tmp_path: Path, driver: str) -> None:
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        ONLY_ASYNCPG,
        with_driver(postgresql_url, driver),
        tmp_path / "b.dump",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1\n", "")


# ---- connections


def test_run_commits_nothing_by_itself(database: Database) -> None:
    database.run(lambda connection: connection.exec_driver_sql("CREATE TABLE t (x integer)"))
    assert query(database, "SELECT to_regclass('t')") == [(None,)]


def test_run_works_inside_a_running_event_loop(database: Database) -> None:
    async def main() -> int:
        return database.run(lambda connection: int(connection.exec_driver_sql("SELECT 7").scalar_one()))

    assert asyncio.run(main()) == 7


def test_ddl_is_gone_when_a_later_statement_fails(database: Database) -> None:
    def work(connection: Connection) -> None:
        database.prepare(connection)
        with connection.begin():
            connection.exec_driver_sql("CREATE TABLE t (x integer)")
            connection.exec_driver_sql("no sql")

    with pytest.raises((ProgrammingError, DBAPIError)):
        database.run(work)
    assert query(database, "SELECT to_regclass('t')") == [(None,)]


def test_exists_and_size(database: Database) -> None:
    assert database.exists()
    assert database.size_bytes() > 1_000_000
    other = open_database(database.url.set(database="oppman_none").render_as_string(hide_password=False))
    assert not other.exists()


INTERRUPTED = """
import asyncio, os, signal, sys, threading, time
from oppmigrate.databases import open_database

database = open_database(sys.argv[1])

def interrupt():
    for _ in range(2 if sys.argv[2] == "inside" else 1):  # asyncio.run keeps the first for its own task
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

def work(connection):
    connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    threading.Thread(target=interrupt).start()
    with database.lock(connection, "key", 0):
        connection.exec_driver_sql("SELECT pg_sleep(60)")

async def inside():
    database.run(work)

try:
    asyncio.run(inside()) if sys.argv[2] == "inside" else database.run(work)
except KeyboardInterrupt:
    print("interrupted", database.run(lambda connection: connection.exec_driver_sql("SELECT * FROM t").all()))
"""


@pytest.mark.parametrize("place", ["outside", "inside"])
def test_ctrl_c_ends_the_statement_and_leaves_nothing(database: Database, place: str) -> None:
    """Inside and outside of a running event loop."""
    query(database, "CREATE TABLE t (x integer)")
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-W", "error", "-c", INTERRUPTED, url, place]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr) == ("interrupted []\n", "")
    assert query(
        database,
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())",
    ) == [(0,)]


# ---- migrating


def lock_timeout(connection: Connection) -> str:
    value = str(connection.exec_driver_sql("SHOW lock_timeout").scalar_one())
    connection.rollback()
    return value


def test_prepare_sets_a_lock_timeout_that_a_rollback_leaves_and_release_takes_back(database: Database) -> None:
    def work(connection: Connection) -> None:
        database.prepare(connection)
        assert not connection.in_transaction()
        connection.exec_driver_sql("SELECT 1")
        connection.rollback()
        assert lock_timeout(connection) == "5s"
        database.release(connection)
        assert lock_timeout(connection) == "0"

    database.run(work)


def test_prepare_leaves_a_lock_timeout_of_the_users_own(plain: Database) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("SET lock_timeout = '9s'")
        connection.commit()
        plain.prepare(connection)
        assert lock_timeout(connection) == "9s"
        plain.release(connection)
        assert lock_timeout(connection) == "9s"

    plain.run(work)


def test_statement_that_waits_for_a_lock_becomes_database_locked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(database), "lock_timeout_s", 0.2)
    query(database, "CREATE TABLE t (x integer)")

    def work(connection: Connection) -> None:
        database.prepare(connection)
        connection.exec_driver_sql("ALTER TABLE t ADD COLUMN y integer")

    with closing(connect(database)) as other:
        other.autocommit = False
        other.execute("SELECT * FROM t")
        with pytest.raises(DatabaseLocked, match="another session"):
            database.run(work)
        other.rollback()


def test_lock_is_held_by_one_and_free_afterwards(database: Database) -> None:
    def first(connection: Connection) -> None:
        with database.lock(connection, "key", 0):
            assert not connection.in_transaction()
            with pytest.raises(DatabaseLocked, match="another migration") as caught:
                database.run(second)
            assert isinstance(caught.value.facts["pid"], int)
            assert "pg_terminate_backend" in str(caught.value.do)
            database.run(elsewhere)
        database.run(second)

    def second(connection: Connection) -> None:
        with database.lock(connection, "key", 0.2):
            pass

    def elsewhere(connection: Connection) -> None:
        with database.lock(connection, "another key", 0):
            pass

    database.run(first)


def test_lock_is_free_after_an_error_inside(database: Database) -> None:
    def work(connection: Connection) -> None:
        with database.lock(connection, "key", 0), connection.begin():
            connection.exec_driver_sql("no sql")

    def both(connection: Connection) -> None:
        with pytest.raises(DBAPIError):
            work(connection)
        database.run(lambda other: database.lock(other, "key", 0).__enter__())

    database.run(both)


def test_lock_waits_until_the_other_is_done(plain: Database) -> None:
    held = threading.Event()

    def first(connection: Connection) -> None:
        with plain.lock(connection, "key", 0):
            held.set()
            time.sleep(0.4)

    thread = threading.Thread(target=plain.run, args=(first,))
    thread.start()
    held.wait()

    def second(connection: Connection) -> None:
        with plain.lock(connection, "key", 5):
            pass

    plain.run(second)
    thread.join()


# ---- scratch


def scratch_names(database: Database) -> list[Any]:
    return query(
        database,
        "SELECT datname FROM pg_database WHERE datname LIKE 'oppman\\_scratch%' "
        "UNION SELECT nspname FROM pg_namespace WHERE nspname LIKE 'oppman\\_scratch%'",
    )


@pytest.mark.parametrize("error", [None, ValueError("mine"), KeyboardInterrupt()])
def test_scratch_is_empty_and_removed_whatever_happens(database: Database, error: BaseException | None) -> None:
    need(database, "citext", "pg_trgm")
    query(
        database,
        "CREATE TABLE real (x integer); CREATE EXTENSION citext; CREATE SCHEMA ext;CREATE EXTENSION pg_trgm SCHEMA ext",
    )
    names: list[str] = []
    try:
        with database.scratch() as scratch:
            names.append(scratch.label)
            scratch.run(lambda connection: connection.exec_driver_sql("SELECT 'a'::citext, ext.similarity('a', 'b')"))
            assert query(scratch, "SELECT to_regclass('real')") == [(None,)]
            if error is not None:
                raise error
    except (ValueError, KeyboardInterrupt) as caught:
        assert caught is error
    assert names[0] not in str(scratch_names(database))


def test_scratch_works_where_the_database_does_not_exist_yet(plain: Database) -> None:
    database = open_database(plain.url.set(database="oppman_none").render_as_string(hide_password=False))
    with database.scratch() as scratch:
        scratch.run(lambda connection: connection.exec_driver_sql("CREATE TABLE t (x integer)"))


def test_scratch_without_createdb_is_a_schema_that_sees_nothing_else(plain: Database, role_name: str) -> None:
    query(plain, "CREATE TABLE real (x integer); CREATE SCHEMA audit; CREATE TABLE audit.log (x integer)")
    url = role(
        plain,
        role_name,
        f"GRANT CREATE ON DATABASE {plain.label} TO {role_name}",
        f"GRANT ALL ON ALL TABLES IN SCHEMA public, audit TO {role_name}",
        f"GRANT ALL ON SCHEMA audit TO {role_name}",
    )
    for driver in DRIVERS:
        with open_database(with_driver(url, driver)).scratch() as scratch:

            def work(connection: Connection) -> None:
                connection.exec_driver_sql("CREATE TABLE t (x integer)")
                connection.commit()
                assert connection.dialect.default_schema_name.startswith("oppman_scratch_")  # type: ignore[union-attr]
                assert connection.exec_driver_sql("SELECT to_regclass('real')").scalar() is None
                assert connection.exec_driver_sql("SELECT to_regclass('t')").scalar() is not None

            scratch.run(work)
            for statement in (
                "INSERT INTO public.real VALUES (1)",
                'ALTER TABLE "audit".log ADD COLUMN y integer',
                "CREATE TABLE audit.t (x integer)",
                "CREATE INDEX i ON audit.log (x)",
                "DROP TABLE t, public.real",
                "DELETE FROM only public.real",
                "CREATE SCHEMA more",
                "SET search_path TO public",
            ):
                with pytest.raises(AccessDenied, match="was not run in the scratch schema"):
                    scratch.run(lambda connection, statement=statement: connection.exec_driver_sql(statement))
    assert not [
        name for (name,) in scratch_names(plain) if name in str(query(plain, "SELECT nspname FROM pg_namespace"))
    ]
    assert query(plain, "SELECT count(*) FROM real") == [(0,)]


def test_scratch_without_any_right_names_the_grant(plain: Database, role_name: str) -> None:
    database = open_database(role(plain, role_name))
    with pytest.raises(AccessDenied) as caught, database.scratch():
        pass
    assert f'ALTER ROLE "{role_name}" CREATEDB' in str(caught.value.do)


# ---- backups


def test_backup_and_restore_bring_everything_back(database: Database, tmp_path: Path) -> None:
    query(database, SCHEMA)
    before = state(database)
    target = tmp_path / "backups" / "b.dump"
    database.backup(target)
    database.verify_backup(target)
    query(
        database,
        "DELETE FROM audit.log; DELETE FROM parents WHERE name = 'Ada'; ALTER TABLE parents DROP COLUMN mood;"
        "DROP VIEW named; CREATE TABLE later (x integer); CREATE SCHEMA more; CREATE TABLE more.t (x integer);"
        "CREATE TYPE later_type AS ENUM ('x'); SELECT nextval('counter')",
    )
    database.restore(target)
    assert state(database) == before
    assert query(database, "SELECT to_regclass('later'), to_regclass('more.t'), to_regtype('later_type')") == [
        (None,) * 3
    ]
    query(database, "INSERT INTO parents (name) VALUES ('Edsger')")
    assert query(database, "SELECT id FROM parents WHERE name = 'Edsger'") == [(3,)]
    assert [entry.name for entry in target.parent.iterdir()] == ["b.dump"]


def test_restore_keeps_extensions_and_large_objects(plain: Database, tmp_path: Path) -> None:
    need(plain, "citext", "pg_trgm")
    query(
        plain,
        "CREATE EXTENSION citext; CREATE SCHEMA ext; CREATE EXTENSION pg_trgm SCHEMA ext;"
        "CREATE TABLE t (x citext); INSERT INTO t VALUES ('Ada'); SELECT lo_from_bytea(4242, 'large');"
        "CREATE INDEX i ON t USING gin ((x::text) ext.gin_trgm_ops); CREATE PUBLICATION p FOR TABLE t",
    )
    plain.backup(tmp_path / "b.dump")
    plain.restore(tmp_path / "b.dump")
    assert query(plain, "SELECT x::text, x = 'ADA', lo_get(4242) FROM t") == [("Ada", True, b"large")]
    assert query(plain, "SELECT extname FROM pg_extension ORDER BY 1") == [("citext",), ("pg_trgm",), ("plpgsql",)]


def test_restore_works_for_a_role_that_does_not_own_the_extensions(
    plain: Database, role_name: str, tmp_path: Path
) -> None:
    need(plain, "pgcrypto")
    query(plain, "CREATE EXTENSION pgcrypto")
    url = role(
        plain,
        role_name,
        f"GRANT ALL ON DATABASE {plain.label} TO {role_name}",
        f"GRANT ALL ON SCHEMA public TO {role_name}",
    )
    database = open_database(url)

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE t (x integer)")
        connection.exec_driver_sql("INSERT INTO t VALUES (5)")
        connection.commit()

    database.run(work)
    database.backup(tmp_path / "b.dump")
    query(plain, "DELETE FROM t")
    database.restore(tmp_path / "b.dump")
    assert query(plain, "SELECT x FROM t") == [(5,)]


@pytest.mark.parametrize("part", [0.02, 0.5, 0.9, 0.999])
def test_restore_of_a_truncated_backup_changes_nothing(plain: Database, tmp_path: Path, part: float) -> None:
    query(plain, SCHEMA)
    query(plain, "INSERT INTO audit.log (line) SELECT md5(n::text) FROM generate_series(1, 20000) AS n")
    target = tmp_path / "b.dump"
    plain.backup(target)
    data = target.read_bytes()
    target.write_bytes(data[: int(len(data) * part)])
    before = state(plain)
    with pytest.raises(BackupUnreadable, match=r"b\.dump"):
        plain.restore(target)
    assert state(plain) == before


def test_backup_of_another_kind_is_refused(plain: Database, tmp_path: Path) -> None:
    (tmp_path / "b.dump").write_text("-- PostgreSQL database dump\n")
    with pytest.raises(BackupUnreadable, match="not a whole dump"):
        plain.verify_backup(tmp_path / "b.dump")
    with pytest.raises(BackupUnreadable, match="No such file"):
        plain.verify_backup(tmp_path / "none.dump")


def test_restore_that_fails_in_the_middle_leaves_the_old_data(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_restore ends with an error after it has written the half of it to psql."""
    query(plain, SCHEMA)
    target = tmp_path / "b.dump"
    plain.backup(target)
    query(plain, "INSERT INTO parents (name) VALUES ('Edsger')")
    before = state(plain)
    monkeypatch.setattr(postgresql_dump, "verify", lambda path: None)
    real = postgresql_dump.find_program(["pg_restore"], "")
    script = (
        f'case "$*" in *--use-list*) {real} "$@" | /usr/bin/head -c 9000; echo broken >&2; exit 1;; esac; {real} "$@"'
    )
    set_path(monkeypatch, tmp_path / "bin", {"pg_restore": script}, keep=("psql",))
    with pytest.raises(BackupError, match="holds what it held before") as caught:
        plain.restore(target)
    assert caught.value.why == "broken"
    assert state(plain) == before


def test_restore_that_the_server_refuses_leaves_the_old_data(plain: Database, tmp_path: Path) -> None:
    """The dump refers to a role that is gone."""
    name = f"oppman_gone_{plain.label[-6:]}"
    query(plain, SCHEMA)
    query(plain, f"CREATE ROLE {name}; ALTER TABLE audit.log OWNER TO {name}")
    target = tmp_path / "b.dump"
    plain.backup(target)
    query(plain, f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}")
    before = state(plain)
    with pytest.raises(BackupError, match="holds what it held before") as caught:
        plain.restore(target)
    assert name in str(caught.value.why)
    assert state(plain) == before


def test_restore_waits_for_a_busy_table_only_so_long(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(plain), "lock_timeout_s", 0.2)
    query(plain, SCHEMA)
    plain.backup(tmp_path / "b.dump")
    before = state(plain)
    with closing(connect(plain)) as other:
        other.autocommit = False
        other.execute("SELECT * FROM parents")
        with pytest.raises(DatabaseLocked, match="holds what it held before"):
            plain.restore(tmp_path / "b.dump")
        with pytest.raises(DatabaseLocked):
            plain.delete(schemas=["public", "audit"])  # type: ignore[call-arg]
    assert state(plain) == before


def test_backup_is_of_one_moment_while_others_write(plain: Database, tmp_path: Path) -> None:
    query(plain, "CREATE TABLE pairs (number integer, side text)")
    over = threading.Event()

    def write() -> None:
        with closing(connect(plain)) as other:
            number = 0
            while not over.is_set():
                other.execute("INSERT INTO pairs VALUES (%s, 'left'), (%s, 'right')", (number, number))
                number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        plain.backup(tmp_path / "b.dump")
    finally:
        over.set()
        thread.join()
    plain.restore(tmp_path / "b.dump")
    assert query(plain, "SELECT number FROM pairs GROUP BY number HAVING count(*) <> 2") == []


def test_backup_never_overwrites(plain: Database, tmp_path: Path) -> None:
    target = tmp_path / "b.dump"
    target.write_text("precious")
    with pytest.raises(BackupError, match="exists already"):
        plain.backup(target)
    assert [entry.name for entry in tmp_path.iterdir()] == ["b.dump"]
    assert target.read_text() == "precious"


def test_missing_programs_are_named_with_their_package(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_dump, "_debian_folders", list)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissing, match="pg_dump is not on the PATH") as caught:
        plain.backup(tmp_path / "b.dump")
    assert "apt install postgresql-client" in str(caught.value.do)
    assert list(tmp_path.iterdir()) == []


def test_dump_program_older_than_the_server_is_named_with_the_version_to_install(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_dump, "_debian_folders", list)
    set_path(monkeypatch, tmp_path / "bin", {"pg_dump": "echo 'pg_dump (PostgreSQL) 9.6.24'"})
    with pytest.raises(ProgramMissing, match="too old for this server: it is 9, the server is PostgreSQL 1") as caught:
        plain.backup(tmp_path / "b.dump")
    assert "apt install postgresql-client-1" in str(caught.value.do)


def test_newer_dump_program_elsewhere_is_used_in_place_of_an_old_one(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = tmp_path / "99" / "bin"
    newer.mkdir(parents=True)
    (newer / "pg_dump").touch()
    monkeypatch.setattr(postgresql_dump, "_debian_folders", lambda: [newer])
    set_path(monkeypatch, tmp_path / "bin", {"pg_dump": "echo 'pg_dump (PostgreSQL) 9.6.24'"})
    assert postgresql_dump.find_dump(18) == newer / "pg_dump"


def test_version_mismatch_that_only_the_program_sees_is_explained(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "pg_dump: error: aborting because of server version mismatch"
    script = f'case "$1" in --version) echo "pg_dump (PostgreSQL) 99.1";; *) echo "{words}" >&2; exit 1;; esac'
    set_path(monkeypatch, tmp_path / "bin", {"pg_dump": script})
    with pytest.raises(ProgramMissing) as caught:
        plain.backup(tmp_path / "b.dump")
    assert caught.value.why == words


def test_password_is_in_no_argument_and_no_message(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "record"
    script = f'case "$1" in --version) echo "pg_dump (PostgreSQL) 99.1"; exit;; esac; echo "$@" > {record}; '
    script += f'echo "$PGPASSWORD" >> {record}; echo "FATAL for $PGPASSWORD" >&2; exit 1'
    set_path(monkeypatch, tmp_path / "bin", {"pg_dump": script})
    database = open_database(str(plain.url.set(password=None)))
    database = type(database)(database.url.set(password=PASSWORD))
    with pytest.raises(BackupError) as caught:
        database.backup(tmp_path / "b.dump")
    arguments, password = record.read_text().splitlines()
    assert password == PASSWORD
    assert PASSWORD not in arguments
    assert PASSWORD not in f"{caught.value}{database!r}{database.safe_url}"
    assert "FATAL for ***" in str(caught.value)


def test_password_in_the_options_of_a_url_is_hidden() -> None:
    database = open_database("postgresql://u@h/d?password=secretly&sslmode=require")
    assert "secretly" not in f"{database!r}{database.safe_url}"
    assert "sslmode=require" in database.safe_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql+psycopg://u:p@h:6000/d?sslmode=require",
            {"PGHOST": "h", "PGPORT": "6000", "PGSSLMODE": "require"},
        ),
        ("postgresql+asyncpg://u:p@h/d?ssl=require", {"PGHOST": "h", "PGSSLMODE": "require"}),
        ("postgresql+psycopg://u:p@/d?host=/run/pg", {"PGHOST": "/run/pg"}),
        ("postgresql+asyncpg://u:p@/d?host=a:1&host=b:2", {"PGHOST": "a,b", "PGPORT": "1,2"}),
        ("postgresql+psycopg://u:p@/d?host=a:1&host=b:2", {"PGHOST": "a,b", "PGPORT": "1,2"}),
    ],
)
def test_programs_connect_as_the_driver_does(url: str, expected: dict[str, str]) -> None:
    settings = postgresql_dump.connection_settings(open_database(url).connect_options())
    common = {"PGUSER": "u", "PGPASSWORD": "p", "PGDATABASE": "d", "PGCONNECT_TIMEOUT": "5"}
    assert settings == common | expected


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
        self.check(f"{driver}://u:secretly@127.0.0.1:{free_port()}/d", "127.0.0.1")

    def test_host_name_that_nobody_knows(self, driver: str) -> None:
        self.check(f"{driver}://u:secretly@nowhere.invalid/d", "nowhere.invalid")

    def test_server_that_never_answers(self, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("oppmigrate.databases.base.Database.connect_timeout_s", 2)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            began = time.monotonic()
            self.check(f"{driver}://u:secretly@127.0.0.1:{silent.getsockname()[1]}/d", "127.0.0.1")
            assert time.monotonic() - began < 6

    @staticmethod
    def check(url: str, words: str) -> None:
        database = open_database(url)
        with pytest.raises(DatabaseUnreachable, match=words) as caught:
            database.probe()
        assert caught.value.why
        assert "secretly" not in f"{caught.value}{database!r}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
