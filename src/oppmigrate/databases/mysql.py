"""MariaDB and MySQL, whose DDL commits by itself."""

import hashlib
import math
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases import (
    mysql_dump,
    mysql_errors,
    mysql_expressions,
    mysql_indexes,
    mysql_rows,
    mysql_statements,
)
from oppmigrate.databases.base import Database, Progress, any_row, driver_errors
from oppmigrate.databases.expressions import Namer, StoredCheck, StoredComputed
from oppmigrate.databases.facts import TableFacts
from oppmigrate.databases.indexes import IndexDefinition, IndexPart
from oppmigrate.databases.locking import SAVED, Lock, OnWait, Patience, by_itself
from oppmigrate.databases.mysql_collations import MySQLCollations
from oppmigrate.databases.mysql_lock import hold, lock_name
from oppmigrate.databases.mysql_objects import StoredObject, quoted, read_objects, refuse_dependents
from oppmigrate.databases.mysql_sequences import MySQLSequences
from oppmigrate.databases.mysql_swap import swap
from oppmigrate.databases.rows import Misfits, TableName, TypeChange, ask
from oppmigrate.databases.scratch import PREFIX, fence_off, removed_after
from oppmigrate.errors import AccessDenied, BackupError, ConfigurationError, MigrateError

ALWAYS_THERE = "information_schema"
SYSTEM = frozenset({"information_schema", "mysql", "performance_schema", "sys"})
LOCK_WAIT = "lock_wait_timeout"
LONG_WAIT_S = 3600  # the servers' own defaults are a day and a year
TIMEOUT_ARGUMENTS = {"mysqlconnector": "connection_timeout", "pyodbc": None}

SIZE = (
    "SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = DATABASE()"
)
TABLES = (
    "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"
)
CHARACTER_SET = """
SELECT default_character_set_name, default_collation_name FROM information_schema.schemata
WHERE schema_name = DATABASE()
"""


class MySQL(MySQLCollations, MySQLSequences, Database):
    """A database of a MariaDB or MySQL server."""

    name = "MariaDB/MySQL"
    backends = frozenset({"mysql", "mariadb"})
    drivers = ("pymysql", "mysqldb", "aiomysql", "asyncmy")
    install = {"pymysql": "'oppmigrate[mysql]'", "mysqldb": "mysqlclient", "mysqlconnector": "mysql-connector-python"}
    indexes_foreign_keys = True
    restates_columns = True
    backup_suffix = ".sql"
    script_command = "mariadb DATABASE < SCRIPT"

    def __init__(self, url: URL) -> None:
        if not url.database:
            raise ConfigurationError(
                "the database URL names no database",
                do=f"write it after the last slash: {url.get_backend_name()}://user@host:3306/NAME",
            )
        super().__init__(url)

    # ---- connections

    def connect_arguments(self) -> dict[str, Any]:
        driver = self.url.get_driver_name()
        name = TIMEOUT_ARGUMENTS.get(driver, "connect_timeout")
        wanted: dict[str, Any] = {name: self.connect_timeout_s} if name else {}
        if driver == "pymysql" and _read_timeout_can_be_lifted():
            wanted["read_timeout"] = self.connect_timeout_s
        return {name: value for name, value in wanted.items() if name not in self.url.query}

    def set_up(self, engine: Engine) -> None:
        def lift(driver: Any, _record: Any) -> None:
            driver._read_timeout = None

        # pymysql's connect_timeout ends with the TCP connection; its read_timeout is for the whole session
        if "read_timeout" in self.connect_arguments():
            event.listen(engine, "connect", lift, insert=True)

    def size_bytes(self) -> int:
        return int(self.run(lambda connection: connection.exec_driver_sql(SIZE).scalar_one()))

    # ---- migrating

    def prepare(self, connection: Connection) -> None:
        """As `Database.prepare`: DDL waits for a day, or a year, while others read the table, unless it is told.

        innodb_lock_wait_timeout stays as it is: a statement that waits for a row makes nobody wait behind it. MySQL has
        no time limit for statements that write, so `statement_timeout_s` is for MariaDB.
        """
        if SAVED in connection.info:
            return
        with by_itself(connection):
            wanted = self._limits(connection)
            names = ", ".join(f"@@SESSION.{name}" for name in wanted)
            before = dict(zip(wanted, connection.exec_driver_sql(f"SELECT {names}").one(), strict=True))
            if before[LOCK_WAIT] < LONG_WAIT_S:
                del wanted[LOCK_WAIT]
            connection.info[SAVED] = {name: before[name] for name in wanted}
            _set_session(connection, wanted)

    def _limits(self, connection: Connection) -> dict[str, float]:
        limits: dict[str, float] = {LOCK_WAIT: max(math.ceil(self.table_lock_timeout_s), 1)}
        if self.statement_timeout_s is not None and getattr(connection.dialect, "is_mariadb", False):
            limits["max_statement_time"] = self.statement_timeout_s
        return limits

    def release(self, connection: Connection) -> None:
        if connection.closed or connection.invalidated:
            return
        before = connection.info.pop(SAVED, None)
        if before:
            with by_itself(connection):
                _set_session(connection, before)

    def lock(
        self, connection: Connection, key: str, timeout_s: float, on_wait: OnWait | None = None
    ) -> AbstractContextManager[Lock]:
        """As `Database.lock`, by GET_LOCK in the connection's own session: see `mysql_lock`."""
        return hold(connection, lock_name(f"{self.url.database}\n{key}"), Patience(timeout_s, on_wait))

    def is_lock_timeout(self, error: BaseException) -> bool:
        """As `Database.is_lock_timeout`: lock_wait_timeout, innodb_lock_wait_timeout, a deadlock."""
        return any(mysql_errors.number_of(each)[0] in mysql_errors.LOCKED for each in driver_errors(error))

    # ---- statements that are committed at once

    def commits_by_itself(self, statement: str) -> bool:
        return mysql_statements.commits_by_itself(statement)

    def read_mark(self, connection: Connection, statement: str) -> str | None:
        return mysql_statements.read_mark(connection, statement)

    def settle(self, connection: Connection, statement: str, mark: str | None) -> bool | None:
        return mysql_statements.read_mark(connection, statement) != mark

    def is_untouched(self, connection: Connection, statement: str, mark: str | None) -> bool:
        return mysql_statements.is_untouched(connection, statement, mark)

    # ---- looking at rows

    def count_rows(self, connection: Connection, table: TableName, limit: int) -> int | None:
        return mysql_rows.count_rows(connection, table, limit)

    def others_may_have_changed(self, connection: Connection, table: TableName) -> bool:
        return mysql_rows.others_may_have_changed(connection)

    def may_be_null(self, connection: Connection, table: TableName, column: str) -> bool:
        return mysql_rows.may_be_null(connection, table, column)

    def is_about_the_statement(self, error: DBAPIError) -> bool:
        return mysql_rows.is_about_the_statement(error)

    def misfits(self, connection: Connection, change: TypeChange) -> AbstractContextManager[Misfits | None]:
        return mysql_rows.misfits(connection, change)

    def as_text(self, sql: str) -> str:
        return f"CAST({sql} AS CHAR)"

    def as_type(self, sql: str, type_sql: str) -> str:
        """As it is: CAST knows few types here, and values are compared as numbers where one of them is a number."""
        return sql

    def read_checks(
        self, connection: Connection, table: TableName, reflected: Sequence[Mapping[str, Any]], namer: Namer
    ) -> tuple[StoredCheck, ...] | None:
        of_table = super().read_checks(connection, table, reflected, namer) or ()
        return (*of_table, *mysql_expressions.column_checks(connection, table))

    def read_computed(
        self, connection: Connection, table: TableName, reflected: Mapping[str, StoredComputed]
    ) -> Mapping[str, StoredComputed]:
        return mysql_expressions.read_computed(connection, table)

    def make_plain(self, connection: Connection, table: TableName, column: str) -> tuple[str, ...]:
        return tuple(mysql_expressions.make_plain(connection, table, column))

    def canonical(self, connection: Connection, table: TableName, expression: str) -> str | None:
        try:
            with self.trial(connection):
                return mysql_expressions.canonical(connection, table, expression)
        except DBAPIError as error:
            if not self.is_about_the_statement(error):
                raise
            return None

    def read_indexes(self, connection: Connection, table: TableName) -> tuple[IndexDefinition, ...]:
        return mysql_indexes.read_indexes(connection, table)

    def json_columns(self, connection: Connection, table: TableName) -> frozenset[str]:
        return mysql_expressions.json_columns(connection, table)

    def drops_index_if_there(self, connection: Connection) -> bool:
        return bool(getattr(connection.dialect, "is_mariadb", False))

    def read_facts(self, connection: Connection, schema: str | None) -> Mapping[str, TableFacts] | None:
        from oppmigrate.databases.mysql_facts import read_facts

        return read_facts(connection, schema)

    def index_arguments(self, definition: IndexDefinition, plain: Collection[IndexPart]) -> Mapping[str, Any]:
        return mysql_indexes.index_arguments(definition, plain)

    def renumbers_zero(self, connection: Connection) -> bool:
        return "NO_AUTO_VALUE_ON_ZERO" not in str(ask(connection, "SELECT @@SESSION.sql_mode")[0][0])

    def replace_primary_key(self, table: TableName, old: Sequence[str], new: Sequence[str]) -> tuple[str, str] | None:
        return mysql_indexes.replace_primary_key(table, old, new)

    def holds_rows(self, besides: Collection[str] = ()) -> bool:
        def work(connection: Connection) -> bool:
            names = [name for name in connection.exec_driver_sql(TABLES).scalars() if name not in besides]
            return any_row(connection, map(quoted, names))

        return self.run(work)

    # ---- scratch

    @contextmanager
    def scratch(self) -> Iterator[Database]:
        """As `Database.scratch`; statements that name another database are refused: they would change real data."""
        name = PREFIX + secrets.token_hex(6)
        home = MySQL(self.url.set(database=ALWAYS_THERE))
        try:
            home.run_alone(f"CREATE DATABASE {quoted(name)}{self._characters()}")
        except AccessDenied as error:
            raise self._no_scratch(home, error) from error
        with removed_after(home.run_alone, f"DROP DATABASE IF EXISTS {quoted(name)}", name):
            names = home.run(lambda connection: connection.exec_driver_sql("SHOW DATABASES").scalars().all())
            real = [other for other in names if other not in SYSTEM and not other.startswith(PREFIX)]
            yield _ScratchDatabase(self.url.set(database=name), real)

    def _characters(self) -> str:
        """The character set of this database, where there is one."""
        if not self.exists():
            return ""
        characters, collation = self.run(lambda connection: connection.exec_driver_sql(CHARACTER_SET).one())
        return f" CHARACTER SET {characters} COLLATE {collation}"

    def _no_scratch(self, home: "MySQL", error: AccessDenied) -> AccessDenied:
        account = str(home.run(lambda connection: connection.exec_driver_sql("SELECT CURRENT_USER()").scalar_one()))
        user, _, host = account.rpartition("@")
        return AccessDenied(
            f"'{user}'@'{host}' may not make a scratch database on {mysql_errors.address(self.url)}",
            why=f"the models are compared with an empty database brought to the latest revision; {error.why}",
            do=f"as an administrator: GRANT ALL ON `{PREFIX.replace('_', chr(92) + '_')}%`.* TO '{user}'@'{host}'",
            user=self.url.username,
        )

    def run_alone(self, statement: str) -> None:
        """Run one statement that commits by itself."""
        self.run(lambda connection: connection.exec_driver_sql(statement).close())

    # ---- the whole of it

    def check_backup(self) -> None:
        mysql_dump.find_dump(self._is_mariadb())

    def backup(self, target: Path, *, progress: Progress | None = None) -> None:
        mysql_dump.backup(self.url, self.connect_options(), target, is_mariadb=self._is_mariadb())

    def verify_backup(self, path: Path) -> None:
        mysql_dump.verify(path)

    def restore(self, path: Path) -> str | None:
        """As `Database.restore`: loaded into a database beside this one first, whose tables then change places.

        Where the rights do not allow a database beside, the backup is loaded in the place of what is deleted first;
        a failure in the middle of that leaves a part, and the note that is returned says so.
        """
        mysql_dump.verify(path)
        is_mariadb = self._is_mariadb()
        mysql_dump.find_client(is_mariadb)
        self.run(refuse_dependents)
        beside = PREFIX + "restore_" + hashlib.sha256(str(self.url.database).encode()).hexdigest()[:12]
        home = MySQL(self.url.set(database=ALWAYS_THERE))
        removal = f"DROP DATABASE IF EXISTS {quoted(beside)}"
        try:
            home.run_alone(removal)  # of a restore that was killed; whoever restores holds the lock
            home.run_alone(f"CREATE DATABASE {quoted(beside)}{self._characters()}")
        except AccessDenied as error:
            return self._restore_in_place(path, is_mariadb, beside, error)
        with removed_after(home.run_alone, removal, beside):
            self._load(
                beside,
                path,
                is_mariadb,
                failed=f"the backup {path} cannot be loaded; `{self.url.database}` holds what it held before",
                do="see to what the server says, and run it again",
            )
            self.run(lambda connection: self._swap(connection, beside, path))
        return None

    def _load(self, database: str, path: Path, is_mariadb: bool, *, failed: str, do: str) -> None:
        url = self.url.set(database=database)
        mysql_dump.load(url, self.connect_options(), path, is_mariadb=is_mariadb, failed=failed, do=do)

    def _swap(self, connection: Connection, beside: str, path: Path) -> None:
        connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {int(self.table_lock_timeout_s)}")
        finish = swap(connection, str(self.url.database), beside)
        try:
            finish()
        except DBAPIError as error:
            raise BackupError(
                f"`{self.url.database}` holds the tables of the backup, and not yet all that belongs to them: "
                "views, triggers, routines, events, foreign keys",
                why=str(error.orig),
                do=f"see to what the server says, then run it again: oppman restore {path}",
                path=str(path),
            ) from error

    def _restore_in_place(self, path: Path, is_mariadb: bool, beside: str, denied: AccessDenied) -> str:
        name = str(self.url.database)
        self.delete()
        self._load(
            name,
            path,
            is_mariadb,
            failed=f"`{name}` holds only a part of the backup {path}",
            do=f"see to what the server says, then load it again: oppman restore {path}",
        )
        return (
            f"the user may not make the database `{beside}`, so `{name}` was emptied before the backup was loaded: "
            f"had that been interrupted, a part would be there ({denied.why})"
        )

    def delete(self) -> tuple[str, ...]:
        """As `Database.delete`; every statement commits by itself.

        Raises:
            Refused: a table of another database refers to one of these; nothing was removed.
        """

        def work(connection: Connection) -> tuple[StoredObject, ...]:
            refuse_dependents(connection)
            stored = read_objects(connection)
            connection.exec_driver_sql(
                f"SET SESSION lock_wait_timeout = {max(math.ceil(self.table_lock_timeout_s), 1)}"
            )
            connection.exec_driver_sql("SET SESSION foreign_key_checks = 0")
            for item in stored:
                connection.exec_driver_sql(item.drop.replace("%", "%%"))
            return stored

        return tuple(str(item) for item in self.run(work))

    def _is_mariadb(self) -> bool:
        return self.run(lambda connection: bool(getattr(connection.dialect, "is_mariadb", False)))

    # ---- errors

    def explain(self, error: Exception) -> MigrateError | None:
        return mysql_errors.explain(self.url, error) or super().explain(error)

    def unreachable(self, why: str) -> MigrateError:
        return mysql_errors.unreachable(self.url, why)


class _ScratchDatabase(MySQL):
    """A scratch database, on a server where one statement reaches every database."""

    def __init__(self, url: URL, real: list[str]) -> None:
        super().__init__(url)
        self.real = tuple(real)

    def set_up(self, engine: Engine) -> None:
        super().set_up(engine)
        fence_off(
            engine,
            self.real,
            what="the scratch database",
            do="leave the database's name out of the revision: the database URL chooses it",
        )


def _set_session(connection: Connection, values: Mapping[str, float]) -> None:
    if values:
        connection.exec_driver_sql("SET " + ", ".join(f"SESSION {name} = {value}" for name, value in values.items()))


def _read_timeout_can_be_lifted() -> bool:
    """Does this pymysql keep its read timeout where `set_up` lifts it?"""
    from pymysql.connections import Connection as Driver

    return "_read_timeout" in Driver.__init__.__code__.co_names
