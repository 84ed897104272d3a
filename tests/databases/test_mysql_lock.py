"""The migration lock of MariaDB and MySQL: who holds it, what ends it, and what limits a statement meanwhile."""

import threading
from contextlib import closing

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from mysql_rows import connect, is_mariadb, query
from oppmigrate.databases import Database
from oppmigrate.errors import LockLost
from server_checks import assert_dead_holder_blocks_nobody, assert_waiting_tells_of_the_holder


def variable(connection: Connection, name: str) -> float:
    return float(connection.exec_driver_sql(f"SELECT @@SESSION.{name}").scalar_one())


def test_waiting_tells_of_the_holder(database: Database) -> None:
    holder = assert_waiting_tells_of_the_holder(database)
    assert holder.description.startswith(f"connection {holder.pid} (")
    assert str(database.url.username) in holder.description


def test_lock_that_a_revision_released_is_lost(database: Database) -> None:
    def work(connection: Connection) -> None:
        with database.lock(connection, "key", 0) as lock:
            lock.verify()
            assert connection.exec_driver_sql("SELECT RELEASE_ALL_LOCKS()").scalar() == 1
            with pytest.raises(LockLost, match="lost in the middle"):
                lock.verify()

    database.run(work)


def test_lock_whose_session_was_killed_is_lost(database: Database) -> None:
    def work(connection: Connection) -> None:
        with database.lock(connection, "key", 0) as lock:
            query(database, f"KILL {connection.exec_driver_sql('SELECT CONNECTION_ID()').scalar_one()}")
            with pytest.raises(LockLost, match="lost in the middle"):
                lock.verify()

    database.run(work)
    database.run(lambda connection: database.lock(connection, "key", 5).__enter__())


def test_killed_holder_blocks_nobody(plain: Database) -> None:
    query(plain, "CREATE TABLE t (x INT)")
    assert_dead_holder_blocks_nobody(plain, "INSERT INTO t VALUES (1)")
    assert query(plain, "SELECT * FROM t") == []


def test_limits_are_taken_back(database: Database) -> None:
    database.table_lock_timeout_s, database.statement_timeout_s = 0.2, 7.5
    names = ("lock_wait_timeout", "max_statement_time") if is_mariadb(database) else ("lock_wait_timeout",)

    def work(connection: Connection) -> None:
        before = [variable(connection, name) for name in names]
        database.prepare(connection)
        assert [variable(connection, name) for name in names] == [1, 7.5][: len(names)]
        database.release(connection)
        assert [variable(connection, name) for name in names] == before

    database.run(work)


def test_only_contention_may_be_tried_again(database: Database) -> None:
    database.table_lock_timeout_s = 1
    query(database, "CREATE TABLE t (x INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")

    def failing(connection: Connection, statement: str) -> BaseException:
        database.prepare(connection)
        with pytest.raises(DBAPIError) as caught:
            connection.exec_driver_sql(statement)
        return caught.value

    with closing(connect(database)) as other, other.cursor() as cursor:
        other.begin()
        cursor.execute("SELECT * FROM t")
        assert database.is_lock_timeout(
            database.run(lambda connection: failing(connection, "ALTER TABLE t ADD COLUMN y INT"))
        )
        other.rollback()
    assert not database.is_lock_timeout(
        database.run(lambda connection: failing(connection, "INSERT INTO t VALUES (1)"))
    )


def test_deadlock_may_be_tried_again(plain: Database) -> None:
    query(plain, "CREATE TABLE t (x INT PRIMARY KEY, y INT)", "INSERT INTO t VALUES (1, 0), (2, 0)")
    both = threading.Barrier(2)
    errors: list[BaseException] = []

    def work(connection: Connection, first: int) -> None:
        connection.exec_driver_sql(f"UPDATE t SET y = 1 WHERE x = {first}")
        both.wait(10)
        try:
            connection.exec_driver_sql(f"UPDATE t SET y = 1 WHERE x = {3 - first}")
        except DBAPIError as error:
            errors.append(error)

    threads = [threading.Thread(target=plain.run, args=(lambda c, n=n: work(c, n),)) for n in (1, 2)]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [plain.is_lock_timeout(error) for error in errors] == [True]
