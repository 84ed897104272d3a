"""A database of the fault suite's own on each kind of server: put back, read, and looked over for damage."""

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from sqlalchemy import make_url

from faults import states
from faults.states import State

SETTLE_S = 20
# a dump only reads, by another process, before anything is changed: it would cost a third of each run
NO_DUMP = {"OPPMAN_BACKUP": "never"}
POLL_S = 0.005


class Place:
    """One database.

    Args:
        url: of an empty database.
        folder: where its files are, its own alone.
        kept: where what is saved is kept.
    """

    server: ClassVar[str]
    rolls_back: ClassVar[bool] = True  # a revision is there or it is not, unless it has an autocommit_block
    is_file: ClassVar[bool] = False
    one_transaction: ClassVar[bool] = False  # a whole upgrade is there or it is not

    def __init__(self, url: str, folder: Path, kept: Path) -> None:
        self.url = url
        self.folder = folder
        self.kept = kept

    @property
    def environment(self) -> dict[str, str]:
        """What a run needs to find it."""
        return {"DATABASE_URL": self.url, "FAULTS_SERVER": self.url, "FAULTS_FOLDER": str(self.folder)}

    def execute(self, statements: str) -> None:
        """Run a script of statements."""
        raise NotImplementedError

    def save(self, name: str) -> None:
        """Keep what the database holds, the engine's own tables included."""
        raise NotImplementedError

    def restore(self, name: str) -> None:
        """Make the database what it was when it was saved."""
        raise NotImplementedError

    def read(self) -> State:
        raise NotImplementedError

    def settle(self) -> None:
        """Wait until the server has ended the sessions of a process that is gone."""

    def unlock(self) -> None:
        """Give back the right to write, where a fault took it away."""

    def complaints(self, *, killed: bool = False) -> Iterator[str]:
        """What is damaged or left over though `read` does not show it.

        Args:
            killed: the process had no time to put anything away; what hinders nobody may lie there.
        """
        yield from ()

    def close(self) -> None:
        """Give up what is open."""


class SQLitePlace(Place):
    """SQLite as it is by default: a whole upgrade in one transaction, with a rollback journal."""

    server = "sqlite"
    is_file = True
    one_transaction = True
    journal_mode: ClassVar[str] = "delete"

    @property
    def path(self) -> Path:
        return Path(str(make_url(self.url).database))

    def execute(self, statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(statements)

    def save(self, name: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(self.path, self._saved(name))

    def restore(self, name: str) -> None:
        self.remove()
        shutil.copyfile(self._saved(name), self.path)
        if self.journal_mode != "delete":
            with closing(sqlite3.connect(self.path)) as connection:
                connection.execute(f"PRAGMA journal_mode = {self.journal_mode}")

    def unlock(self) -> None:
        self.folder.chmod(0o755)
        for path in self.folder.iterdir():
            path.chmod(0o644)

    def remove(self) -> None:
        self.unlock()
        for path in self.folder.iterdir():
            path.unlink()

    def read(self) -> State:
        with closing(sqlite3.connect(self.path)) as connection:
            return states.read_sqlite(lambda statement: connection.execute(statement).fetchall())

    def complaints(self, *, killed: bool = False) -> Iterator[str]:
        with closing(sqlite3.connect(self.path)) as connection:
            for pragma in ("integrity_check", "foreign_key_check"):
                found = [row for row in connection.execute(f"PRAGMA {pragma}") if row != ("ok",)]
                if found:
                    yield f"{pragma}: {found}"
        own = {self.path.name, f"{self.path.name}-wal", f"{self.path.name}-shm"}
        own |= {f"{self.path.name}-journal"} if killed else set()  # one whose changes never reached the database
        for path in self.folder.iterdir():
            if path.name not in own:
                yield f"left over: {path.name}"

    def _saved(self, name: str) -> Path:
        return self.kept / f"{name}.saved"


class WALPlace(SQLitePlace):
    """SQLite with a write-ahead log."""

    journal_mode = "wal"


class RevisionsPlace(SQLitePlace):
    """SQLite with a transaction for each revision."""

    one_transaction = False

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "OPPMAN_TRANSACTION": "revision"}


class PostgreSQLPlace(Place):
    server = "postgresql"

    def __init__(self, url: str, folder: Path, kept: Path) -> None:
        super().__init__(url, folder, kept)
        self._saved: dict[str, bytes] = {}
        self._connection = psycopg.connect(self.dsn, autocommit=True, prepare_threshold=None, application_name="faults")

    @property
    def dsn(self) -> str:
        return make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "FAULTS_SERVER": self.dsn, **NO_DUMP}

    def execute(self, statements: str) -> None:
        self._send(statements.encode())

    def save(self, name: str) -> None:
        command = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", "--dbname", self.dsn]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        # a line that begins with a backslash is for psql
        self._saved[name] = "\n".join(line for line in text.split("\n") if not line.startswith("\\")).encode()

    def restore(self, name: str) -> None:
        empty = b"BEGIN; DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
        self._send(b"SET client_min_messages = error", empty + self._saved[name] + b"; COMMIT", b"RESET ALL")

    def _send(self, *scripts: bytes) -> None:
        """By the simple protocol, which takes several statements at once."""
        for script in scripts:
            result = self._connection.pgconn.exec_(script)
            assert result.status in (psycopg.pq.ExecStatus.COMMAND_OK, psycopg.pq.ExecStatus.TUPLES_OK), (
                result.error_message.decode()
            )

    def _query(self, statement: str) -> list[Any]:
        return self._connection.execute(statement).fetchall()

    def read(self) -> State:
        return states.read_postgresql(self._query)

    def settle(self) -> None:
        wait_until(lambda: not self._others(), self._others)

    def _others(self) -> list[Any]:
        return self._query(
            "SELECT pid, state, query FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

    def complaints(self, *, killed: bool = False) -> Iterator[str]:
        own = "database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()"
        for row in self._query(f"SELECT locktype, mode, pid FROM pg_locks WHERE {own}"):
            yield f"lock left over: {row}"
        yield from (f"scratch left over: {row[0]}" for row in self._query(f"SELECT nspname {OTHER_SCHEMAS}"))

    def close(self) -> None:
        self._connection.close()


OTHER_SCHEMAS = "FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema')"


class MySQLPlace(Place):
    server = "mysql"
    rolls_back = False

    def __init__(self, url: str, folder: Path, kept: Path) -> None:
        super().__init__(url, folder, kept)
        self._saved: dict[str, dict[str, list[str]]] = {}
        self._connection = states.connect_mysql(url)

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "FAULTS_SERVER": self.url, **NO_DUMP}

    def execute(self, statements: str) -> None:
        self._query(statements)

    def save(self, name: str) -> None:
        self._saved[name] = {table: self._dump(table) for table in self._tables()}

    def restore(self, name: str) -> None:
        """Make anew the tables that are not what they were; a table costs the server some disk writes."""
        wanted, script = self._saved[name], ["SET foreign_key_checks = 0"]
        for table in self._tables():
            if table not in wanted or self._dump(table) != wanted[table]:
                script.append(f"DROP TABLE `{table}`")
        dropped = {statement.split("`")[1] for statement in script[1:]}
        for table in wanted.keys() - (set(self._tables()) - dropped):
            script += wanted[table]
        self._query(";\n".join([*script, "SET foreign_key_checks = 1"]))

    def _tables(self) -> list[str]:
        return [row[0] for row in self._query("SHOW TABLES")]

    def _dump(self, table: str) -> list[str]:
        create = states.NEXT_NUMBER.sub("", self._query(f"SHOW CREATE TABLE `{table}`")[0][1])
        rows = self._query(f"SELECT * FROM `{table}`")
        values = ", ".join(f"({', '.join(map(self._connection.escape, row))})" for row in rows)
        triggers = [
            f"CREATE TRIGGER `{name}` {time} {event} ON `{table}` FOR EACH ROW {body}"
            for on, name, time, event, body in self._query(states.MYSQL_TRIGGERS)
            if on == table
        ]
        return [create, *([f"INSERT INTO `{table}` VALUES {values}"] if rows else []), *triggers]

    def _query(self, statement: str) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            rows = list(cursor.fetchall())
            while cursor.nextset():
                pass
            return rows

    def read(self) -> State:
        return states.read_mysql(self._query)

    def settle(self) -> None:
        wait_until(lambda: not self._others(), self._others)

    def _others(self) -> list[Any]:
        return self._query(
            "SELECT id, command, info FROM information_schema.processlist"
            " WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        )

    def close(self) -> None:
        self._connection.close()


PLACES: dict[str, type[Place]] = {
    "sqlite": SQLitePlace,
    "sqlite-wal": WALPlace,
    "sqlite-revision": RevisionsPlace,
    "postgresql": PostgreSQLPlace,
    "mysql": MySQLPlace,
}


def wait_until(is_so: Any, what: Any) -> None:
    deadline = time.monotonic() + SETTLE_S
    while not is_so():
        assert time.monotonic() < deadline, f"still there after {SETTLE_S} s: {what()}"
        time.sleep(POLL_S)
