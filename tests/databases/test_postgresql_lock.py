"""PostgreSQL's migration lock: who holds it, what it blocks, what ends it, and what limits a statement meanwhile."""

import getpass
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import AssertionPool, QueuePool, StaticPool

from held_locks import held
from oppmigrate.databases import Database, Holder, open_database
from oppmigrate.databases.postgresql_lock import lock_number
from oppmigrate.errors import DatabaseLocked, LockLost, MigrateError
from postgresql_rows import connect, query, role
from server_checks import assert_dead_holder_blocks_nobody, assert_waiting_tells_of_the_holder

OURS = "datname = current_database() AND pid <> pg_backend_pid()"
SESSIONS = f"SELECT pid, state, backend_xid, backend_xmin, application_name FROM pg_stat_activity WHERE {OURS}"
ADVISORY = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory'
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@contextmanager
def holding(database: Database) -> Iterator[None]:
    """Meanwhile, a thread of its own has the lock."""
    has_it, over = threading.Event(), threading.Event()

    def work(connection: Connection) -> None:
        with database.lock(connection, "key", 5):
            has_it.set()
            over.wait(30)

    thread = threading.Thread(target=database.run, args=(work,))
    thread.start()
    try:
        assert has_it.wait(10)
        yield
    finally:
        over.set()
        thread.join()


# ---- who holds it


def test_waiting_tells_of_the_holder(database: Database) -> None:
    holder = assert_waiting_tells_of_the_holder(database)
    assert f"oppmigrate {getpass.getuser()}@{socket.gethostname()}"[:63] in holder.description
    assert holder.since is not None
    assert abs(datetime.now(UTC) - holder.since) < timedelta(minutes=1)


def test_holder_is_known_by_name_where_the_rights_hide_the_rest(plain: Database, role_name: str) -> None:
    told: list[Holder] = []
    other = open_database(role(plain, role_name, f"GRANT CONNECT ON DATABASE {plain.url.database} TO {role_name}"))
    with holding(plain), pytest.raises(DatabaseLocked, match="another migration"):
        other.run(lambda connection: other.lock(connection, "key", 0.1, told.append).__enter__())
    assert told[0].since is None
    assert told[0].pid
    assert "oppmigrate" in told[0].description


def test_lock_of_an_earlier_release_is_the_same_lock(plain: Database) -> None:
    """That one was the session's."""
    with closing(connect(plain)) as other:
        other.execute(f"SELECT pg_advisory_lock({lock_number('key')})")  # type: ignore[call-overload]
        with pytest.raises(DatabaseLocked, match="holds the migration lock since"):
            plain.run(lambda connection: plain.lock(connection, "key", 0.1).__enter__())
    with holding(plain):
        assert query(plain, f"SELECT pg_try_advisory_lock({lock_number('key')})") == [(False,)]


# ---- what it blocks


def test_holder_keeps_no_snapshot_and_indexes_are_made_concurrently(database: Database) -> None:
    query(database, "CREATE TABLE t (x integer)")

    def work(connection: Connection) -> None:
        database.prepare(connection)
        with database.lock(connection, "key", 0) as lock:
            lock.verify()
            (session,) = query(database, f"{SESSIONS} AND state = 'idle in transaction'")
            assert session[2:4] == (None, None)
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("SET statement_timeout = '10s'")
            connection.exec_driver_sql("CREATE INDEX CONCURRENTLY i ON t (x)")

    database.run(work)
    assert query(database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") == [(True,)]


def test_who_waits_keeps_no_snapshot_and_holds_up_no_index(database: Database) -> None:
    query(database, "CREATE TABLE t (x integer)")
    waits, gave_up = threading.Event(), threading.Event()

    def second(connection: Connection) -> None:
        with pytest.raises(DatabaseLocked):
            database.lock(connection, "key", 3, lambda _holder: waits.set()).__enter__()
        gave_up.set()

    def first(connection: Connection) -> None:
        with database.lock(connection, "key", 0):
            thread = threading.Thread(target=database.run, args=(second,))
            thread.start()
            assert waits.wait(10)
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("CREATE INDEX CONCURRENTLY i ON t (x)")
            assert not gave_up.is_set()
            thread.join()

    database.run(first)


@pytest.mark.parametrize("level", ["AUTOCOMMIT", "REPEATABLE READ", "SERIALIZABLE"])
def test_isolation_level_of_the_engine_does_not_matter(plain: Database, level: str) -> None:
    engine = create_engine(plain.url, isolation_level=level)
    with engine.connect() as connection, plain.lock(connection, "key", 0) as lock:
        lock.verify()
        with pytest.raises(DatabaseLocked):
            plain.run(lambda other: plain.lock(other, "key", 0).__enter__())
        assert query(plain, f"{SESSIONS} AND backend_xmin IS NOT NULL") == []
    engine.dispose()


@pytest.mark.parametrize(
    "pool",
    [{"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": 1}]
    + [{"poolclass": StaticPool}, {"poolclass": AssertionPool}],
    ids=["one", "static", "assertion"],
)
def test_pool_of_one_connection_is_enough_and_keeps_no_more(plain: Database, pool: dict[str, Any]) -> None:
    engine = create_engine(plain.url, **pool)
    with engine.connect() as connection, plain.lock(connection, "key", 0) as lock:
        lock.verify()
        assert len(query(plain, SESSIONS)) == 2
    assert query(plain, ADVISORY) == []
    assert len(query(plain, SESSIONS)) == 1
    engine.dispose()


def test_session_limits_of_the_role_do_not_end_the_lock(plain: Database) -> None:
    query(plain, f"ALTER DATABASE {plain.url.database} SET idle_in_transaction_session_timeout = '200ms'")

    def work(connection: Connection) -> None:
        with plain.lock(connection, "key", 0) as lock:
            time.sleep(0.6)
            lock.verify()

    plain.run(work)


def test_room_for_the_lock_is_waited_for(plain: Database, role_name: str) -> None:
    other = open_database(role(plain, role_name, f"ALTER ROLE {role_name} CONNECTION LIMIT 1"))
    more = threading.Timer(1, query, (plain, f"ALTER ROLE {role_name} CONNECTION LIMIT 2"))
    told: list[Holder] = []

    def work(connection: Connection) -> None:
        with pytest.raises(MigrateError, match="takes no connections now"):
            other.run(lambda _other: None)
        with pytest.raises(DBAPIError, match="too many connections"):
            other.lock(connection, "key", 0).__enter__()
        more.start()
        with other.lock(connection, "key", 20, told.append) as lock:
            lock.verify()

    other.run(work)
    assert "every connection" in told[0].description


# ---- what ends it


def test_lock_whose_session_was_ended_is_lost(database: Database) -> None:
    def work(connection: Connection) -> None:
        with database.lock(connection, "key", 0) as lock:
            lock.verify()
            query(database, f"SELECT pg_terminate_backend(pid) FROM ({ADVISORY}) AS holders")
            with pytest.raises(LockLost, match="lost in the middle") as caught:
                lock.verify()
            assert "run the command again" in str(caught.value.do)
            connection.exec_driver_sql("SELECT 1")

    database.run(work)
    database.run(lambda connection: database.lock(connection, "key", 0).__enter__())


def test_killed_holder_blocks_nobody(plain: Database) -> None:
    query(plain, "CREATE TABLE t (x integer)")
    assert_dead_holder_blocks_nobody(plain, "INSERT INTO t VALUES (1)")
    assert query(plain, "SELECT * FROM t") == []


def test_statement_of_a_killed_process_ends_soon(plain: Database) -> None:
    """Its locks on tables would be in the way of the next run."""
    if int(query(plain, "SHOW server_version_num")[0][0]) < 140000:
        pytest.skip("client_connection_check_interval is PostgreSQL 14's")
    query(plain, "CREATE TABLE t (x integer)")
    with held(plain, "LOCK TABLE t", "SELECT pg_sleep(50)") as process:
        time.sleep(0.5)
        process.kill()
        process.wait()
        with closing(connect(plain)) as other:
            other.execute("SET lock_timeout = '10s'")
            other.execute("SELECT * FROM t")


KILLED_IN_AUTOCOMMIT = """
import sys
from oppmigrate.databases import open_database

database = open_database(sys.argv[1])

def work(connection):
    database.prepare(connection)
    with database.lock(connection, "key", 0):
        connection.execution_options(isolation_level="AUTOCOMMIT")
        print(flush=True)
        connection.exec_driver_sql("UPDATE t SET x = x + 1 WHERE pg_sleep(4) IS NOT NULL")

database.run(work)
"""


def test_statement_that_outlives_its_killed_run_is_waited_for(database: Database) -> None:
    """PostgreSQL ends, and commits, what stands in no transaction, though its client is gone."""
    query(database, "CREATE TABLE t (x integer)")
    query(database, "INSERT INTO t VALUES (1)")
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", KILLED_IN_AUTOCOMMIT, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(1)
        process.kill()
        process.wait()
    told: list[Holder] = []

    def work(connection: Connection) -> int:
        with pytest.raises(DatabaseLocked, match="of a run that was killed, still at: UPDATE t SET x"):
            database.lock(connection, "key", 0).__enter__()
        with database.lock(connection, "key", 20, told.append):
            return int(connection.exec_driver_sql("SELECT x FROM t").scalar_one())

    assert database.run(work) == 2
    assert told[0].pid


# ---- what limits a statement meanwhile


def shown(connection: Connection, name: str) -> str:
    return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())


def test_limits_end_with_the_transaction(database: Database) -> None:
    database.table_lock_timeout_s, database.statement_timeout_s = 2, 7.5

    def work(connection: Connection) -> None:
        database.prepare(connection)
        for _ in range(2):
            with connection.begin():
                assert shown(connection, "lock_timeout") == "2s"
                assert shown(connection, "statement_timeout") == "7500ms"
        connection.execution_options(isolation_level="AUTOCOMMIT")
        assert shown(connection, "lock_timeout") == shown(connection, "statement_timeout") == "0"

    database.run(work)


def test_limits_leave_set_transaction_to_the_revision(database: Database) -> None:
    """It must come before the first query."""

    def work(connection: Connection) -> None:
        database.prepare(connection)
        with connection.begin():
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            assert shown(connection, "transaction_isolation") == "serializable"

    database.run(work)


def test_limits_are_set_in_a_transaction_that_is_open(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT 1")
        database.prepare(connection)
        assert shown(connection, "lock_timeout") == "5s"

    database.run(work)


def test_statements_are_not_prepared_while_migrating(plain: Database) -> None:
    """In a session that a proxy has given away they would be unknown."""
    engine = create_engine(plain.url)
    with engine.connect() as connection:
        plain.prepare(connection)
        for _ in range(8):
            connection.exec_driver_sql("SELECT 7")
        assert connection.exec_driver_sql("SELECT name FROM pg_prepared_statements").all() == []
        plain.release(connection)
        assert connection.connection.driver_connection.prepare_threshold == 5  # type: ignore[union-attr]
    engine.dispose()


# ---- what may be tried again


def error_of(database: Database, *statements: str) -> DBAPIError:
    def work(connection: Connection) -> None:
        database.prepare(connection)
        for statement in statements:
            connection.exec_driver_sql(statement)

    with pytest.raises(Exception) as caught:
        database.run(work)
    return caught.value  # type: ignore[return-value]


def test_only_contention_may_be_tried_again(database: Database) -> None:
    database.table_lock_timeout_s = 0.1
    query(database, "CREATE TABLE t (x integer)")
    with closing(connect(database)) as other:
        other.autocommit = False
        other.execute("LOCK TABLE t")
        assert database.is_lock_timeout(error_of(database, "SELECT * FROM t"))
        other.rollback()
    for state, expected in (("40001", True), ("40P01", True), ("57014", False), ("23505", False)):
        raised = error_of(database, f"DO $$BEGIN RAISE 'oh' USING ERRCODE = '{state}'; END$$")
        assert database.is_lock_timeout(raised) is expected
    assert not database.is_lock_timeout(error_of(database, "no sql"))
    explained = DatabaseLocked("another session holds a lock")
    explained.__cause__ = error_of(database, "DO $$BEGIN RAISE 'oh' USING ERRCODE = '55P03'; END$$")
    assert database.is_lock_timeout(explained)
    assert not database.is_lock_timeout(DatabaseLocked("of ours"))
