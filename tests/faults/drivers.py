"""The drivers of the three servers, with a hook around all that they are asked to do, and what can go wrong in each."""

import contextlib
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from faults import states

WAIT_S = 10
POLL_S = 0.005


@dataclass(frozen=True)
class Call:
    """What a driver is asked to do: `COMMIT`, `ROLLBACK` or a statement."""

    connection: Any
    statement: str
    carry_out: Callable[[], Any]
    parameters: Any = None


Passed = Callable[["Driver", Call], Any]


class Driver:
    """One driver."""

    def hook_in(self, passed: Passed, *, max_pages: int | None) -> None:
        """Let every call of this process go through `passed`."""
        raise NotImplementedError

    def begin(self, call: Call) -> None:
        """Let the server begin the statement, and do not wait for its end."""
        raise NotImplementedError

    def refuse(self, call: Call, *, busy: bool = False) -> None:
        """Raise what the server answers when it cannot carry out the statement: disk full, or a lock not to be had."""
        raise NotImplementedError

    def error(self) -> Exception:
        """What the driver raises when the answer of the server is lost."""
        raise NotImplementedError

    def cut(self, connection: Any, *, beside: bool = False) -> None:
        """Let the server end the connection's session, and wait until it has.

        Args:
            beside: not this connection's, but all others to the database.
        """
        raise NotImplementedError

    def notice(self, connection: Any) -> None:
        """Raise what the driver raises on a connection that was cut."""
        raise NotImplementedError

    def read_state(self, connection: Any) -> dict[str, Any]:
        """The database's state as this connection sees it, as JSON has it."""
        raise NotImplementedError


def drivers() -> Iterator[Driver]:
    """The drivers that are loaded."""
    yield SQLiteDriver()
    if "psycopg" in sys.modules:
        yield PsycopgDriver()
    if "pymysql" in sys.modules:
        yield PyMySQLDriver()


class SQLiteDriver(Driver):
    """Python's sqlite3. Its cache is kept so small that changes reach the file long before the COMMIT."""

    def hook_in(self, passed: Passed, *, max_pages: int | None) -> None:
        driver = self

        class Cursor(sqlite3.Cursor):
            def execute(self, statement: str, parameters: Any = (), /) -> Any:
                call = Call(self.connection, statement, lambda: super(Cursor, self).execute(statement, parameters))
                return passed(driver, call)

            def executemany(self, statement: str, parameters: Any, /) -> Any:
                call = Call(self.connection, statement, lambda: super(Cursor, self).executemany(statement, parameters))
                return passed(driver, call)

            def executescript(self, script: str, /) -> Any:
                call = Call(self.connection, script, lambda: super(Cursor, self).executescript(script))
                return passed(driver, call)

        class Connection(sqlite3.Connection):
            def cursor(self, factory: Any = Cursor) -> Any:
                return super().cursor(factory)

            def commit(self) -> None:
                passed(driver, Call(self, "COMMIT", super().commit))

            def rollback(self) -> None:
                passed(driver, Call(self, "ROLLBACK", super().rollback))

            def backup(self, target: Any, **options: Any) -> None:
                passed(driver, Call(self, "BACKUP", lambda: super(Connection, self).backup(target, **options)))

        connect = sqlite3.connect

        def hooked(*arguments: Any, **options: Any) -> Any:
            connection = connect(*arguments, **{"factory": Connection, **options})
            raw = sqlite3.Connection.cursor(connection, sqlite3.Cursor)
            with contextlib.suppress(sqlite3.Error):  # of a file that is no database, or locked: the run is to meet it
                raw.execute("PRAGMA cache_size = 5")
                if max_pages is not None:
                    raw.execute(f"PRAGMA max_page_count = {max_pages}")
            raw.close()
            return connection

        sqlite3.connect = sqlite3.dbapi2.connect = hooked

    def begin(self, call: Call) -> None:
        """SQLite works in this process: it dies at the first step of its virtual machine that looks at interrupts."""
        call.connection.set_progress_handler(lambda: os.kill(os.getpid(), signal.SIGKILL), 1)
        call.carry_out()

    def refuse(self, call: Call, *, busy: bool = False) -> None:
        error = sqlite3.OperationalError("database is locked" if busy else "database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY if busy else sqlite3.SQLITE_FULL
        error.sqlite_errorname = "SQLITE_BUSY" if busy else "SQLITE_FULL"
        raise error

    def error(self) -> Exception:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        error.sqlite_errorname = "SQLITE_IOERR"
        return error

    def read_state(self, connection: Any) -> dict[str, Any]:
        return states.read_sqlite(lambda statement: connection.execute(statement).fetchall()).to_json()


class PsycopgDriver(Driver):
    """psycopg 3."""

    def hook_in(self, passed: Passed, *, max_pages: int | None) -> None:
        import psycopg

        driver = self
        execute, executemany = psycopg.Cursor.execute, psycopg.Cursor.executemany
        commit, rollback = psycopg.Connection.commit, psycopg.Connection.rollback
        self._execute = execute

        def hooked_execute(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
            text = query if isinstance(query, str) else query.as_string(cursor)
            carry_out = lambda: execute(cursor, query, params, **options)  # noqa: E731
            return passed(driver, Call(cursor.connection, text, carry_out, params))

        def hooked_executemany(cursor: Any, query: Any, params: Any, **options: Any) -> Any:
            carry_out = lambda: executemany(cursor, query, params, **options)  # noqa: E731
            return passed(driver, Call(cursor.connection, str(query), carry_out))

        psycopg.Cursor.execute = hooked_execute
        psycopg.Cursor.executemany = hooked_executemany
        psycopg.Connection.commit = lambda own: passed(driver, Call(own, "COMMIT", lambda: commit(own)))
        psycopg.Connection.rollback = lambda own: passed(driver, Call(own, "ROLLBACK", lambda: rollback(own)))

    def begin(self, call: Call) -> None:
        import psycopg

        statement = call.statement
        if call.parameters:
            statement = psycopg.ClientCursor(call.connection).mogrify(statement, call.parameters)
        server = call.connection.pgconn
        if server.transaction_status == psycopg.pq.TransactionStatus.IDLE and not call.connection.autocommit:
            statement = f"BEGIN; {statement}"
        server.send_query(statement.encode())
        while server.flush():
            pass

    def refuse(self, call: Call, *, busy: bool = False) -> None:
        said, code = ("canceling statement due to lock timeout", "55P03") if busy else ("disk full", "53100")
        cursor = call.connection.cursor()
        self._execute(cursor, f"DO $$ BEGIN RAISE EXCEPTION '{said}' USING ERRCODE = '{code}'; END $$")

    def error(self) -> Exception:
        import psycopg

        return psycopg.OperationalError("could not receive data from server: Connection reset by peer")

    def cut(self, connection: Any, *, beside: bool = False) -> None:
        import psycopg

        if connection.closed:
            return
        others = "datname = current_database() AND pid NOT IN (%s, pg_backend_pid())"
        ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE "
        with psycopg.connect(os.environ["FAULTS_SERVER"], autocommit=True) as other:
            # the suite's own connection says what it is
            ended += f"{others} AND application_name <> 'faults'" if beside else "pid = %s"
            self._execute(other.cursor(), ended, (connection.info.backend_pid,))

    def notice(self, connection: Any) -> None:
        self._execute(connection.cursor(), "SELECT 1")

    def read_state(self, connection: Any) -> dict[str, Any]:
        return states.read_postgresql(
            lambda statement: self._execute(connection.cursor(), statement).fetchall()
        ).to_json()


class PyMySQLDriver(Driver):
    """pymysql."""

    def hook_in(self, passed: Passed, *, max_pages: int | None) -> None:
        from pymysql.connections import Connection

        driver = self
        self._query = query = Connection.query
        commit, rollback, send_mode = Connection.commit, Connection.rollback, Connection._send_autocommit_mode

        def hooked_query(own: Any, statement: Any, unbuffered: bool = False) -> Any:
            text = statement if isinstance(statement, str) else bytes(statement).decode("utf-8", "surrogateescape")
            return passed(driver, Call(own, text, lambda: query(own, statement, unbuffered)))

        Connection.query = hooked_query
        Connection.commit = lambda own: passed(driver, Call(own, "COMMIT", lambda: commit(own)))
        Connection.rollback = lambda own: passed(driver, Call(own, "ROLLBACK", lambda: rollback(own)))
        Connection._send_autocommit_mode = lambda own: passed(
            driver, Call(own, "SET AUTOCOMMIT", lambda: send_mode(own))
        )

    def begin(self, call: Call) -> None:
        from pymysql.constants import COMMAND

        statement = "COMMIT" if call.statement == "SET AUTOCOMMIT" else call.statement
        call.connection._execute_command(COMMAND.COM_QUERY, statement.encode("utf-8", "surrogateescape"))

    def refuse(self, call: Call, *, busy: bool = False) -> None:
        number, said = (1205, "Lock wait timeout exceeded") if busy else (1021, "Disk full")
        statement = f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = '{said}'"
        self._query(call.connection, statement)

    def error(self) -> Exception:
        import pymysql

        return pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

    def cut(self, connection: Any, *, beside: bool = False) -> None:
        if not connection.open:
            return
        number = connection.thread_id()
        other = states.connect_mysql(os.environ["FAULTS_SERVER"])
        self._ask(other, f"KILL CONNECTION {number}")
        until = time.monotonic() + WAIT_S
        while self._ask(other, f"SELECT 1 FROM information_schema.processlist WHERE id = {number}"):
            assert time.monotonic() < until, "the session does not end"
            time.sleep(POLL_S)
        other.close()

    def notice(self, connection: Any) -> None:
        self._query(connection, "SELECT 1")

    def read_state(self, connection: Any) -> dict[str, Any]:
        return states.read_mysql(lambda statement: self._ask(connection, statement)).to_json()

    def _ask(self, connection: Any, statement: str) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())
