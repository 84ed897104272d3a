"""SQLite: a file, whose DDL can be rolled back once Python's driver is kept from committing it."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlalchemy import URL, Connection, Dialect, event, inspect
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases import sqlite_errors, sqlite_files, sqlite_leftovers
from oppmigrate.databases.base import Database, Progress, T, any_row
from oppmigrate.databases.expressions import Namer, StoredCheck, StoredComputed
from oppmigrate.databases.facts import TableFacts
from oppmigrate.databases.indexes import IndexDefinition, IndexPart
from oppmigrate.databases.leftovers import Leftover
from oppmigrate.databases.locking import SAVED, Lock, OnWait, Patience, autocommits
from oppmigrate.databases.rows import TableName, ask, quoted_table
from oppmigrate.databases.sqlite_deferring import Deferred
from oppmigrate.databases.sqlite_definitions import SQLiteDefinitions
from oppmigrate.databases.sqlite_driver import (
    as_interrupt,
    begin_immediate,
    driver_of,
    execute,
    is_in_transaction,
    leave_transactions_to_us,
    pragma,
    set_progress_handler,
    violations,
    watch_for_interrupts,
)
from oppmigrate.databases.sqlite_holder import find_holder
from oppmigrate.databases.table_changes import TableChange
from oppmigrate.errors import DatabaseError, MigrateError, MigrationFailed, Refused, UnsupportedDatabase

TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
LOCK = "oppmigrate.lock"  # while the caller of `lock` has it: a `_FileLock`


@dataclass(frozen=True, slots=True)
class _FileLock:
    """What a connection keeps while the caller of `lock` has it."""

    on_wait: OnWait | None
    deferred: Deferred


class SQLite(SQLiteDefinitions, Database):
    """A SQLite file, or a database in memory."""

    name = "SQLite"
    backends = frozenset({"sqlite"})
    drivers = ("pysqlite", "aiosqlite")
    rolls_back_ddl = True
    one_transaction = True
    is_locked_by_transaction = True
    enforces_lengths = False
    rebuilds_tables = True
    edits_schema = True
    copies_itself = True
    scratches_in_memory = True
    keeps_damaged = True
    is_served = False
    backup_suffix = ".db"
    script_command = "sqlite3 -bail DATABASE < SCRIPT"
    script_head = ("PRAGMA foreign_keys=OFF;",)

    # ---- the file

    @property
    def path(self) -> Path | None:
        """The file, through symbolic links; None for a database in memory."""
        name = self.url.database or ""
        if name in ("", ":memory:") or self.url.query.get("mode") == "memory":
            return None
        if name.startswith("file:"):
            if "mode=memory" in name.partition("?")[2]:
                return None
            name = unquote(name.removeprefix("file:").partition("?")[0])
            name = name.removeprefix("//localhost") if name.startswith("//localhost/") else name
            if name in ("", ":memory:"):
                return None
        return Path(name).resolve()

    @property
    def label(self) -> str:
        return self.path.stem if self.path else "memory"

    def exists(self) -> bool:
        """Is the file there? A folder in its place, or a file of another kind, exists: `probe` says what is wrong."""
        return self.path is not None and self.path.exists()

    @property
    def is_in_connection(self) -> bool:
        return self.path is None

    @property
    def is_made_by_connecting(self) -> bool:
        return self.path is not None

    def connect_stand_in(self, dialect: Dialect, options: Mapping[str, Any]) -> Any:
        return dialect.connect(":memory:", **options)

    def connect_arguments(self) -> dict[str, Any]:
        return {} if "timeout" in self.url.query else {"timeout": self.patience_s}

    def probe(self) -> None:
        if self.path is not None:
            sqlite_errors.require(self.path)
        self.run(lambda connection: connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").close())

    def size_bytes(self) -> int:
        places = [place for place in self._files("measured") if place.exists()]
        return sum(place.stat().st_size for place in places if not place.name.endswith("-shm"))

    def _run_async(self, work: Callable[[Connection], T]) -> T:
        # aiosqlite, when it cannot open the file, leaves a thread that writes a traceback of its own
        options = self.connect_options()
        sqlite3.connect(*options.pop("arguments"), **options).close()
        return super()._run_async(work)

    # ---- migrating

    def prepare(self, connection: Connection) -> None:
        """As `Database.prepare`: explicit BEGIN IMMEDIATE, foreign keys unenforced, a wait for locks.

        A table is rebuilt by dropping the old one, which deletes every ON DELETE CASCADE child row while foreign keys
        are enforced; only the pragma outside of a transaction stops that. Source: SQLite, "Making Other Kinds Of Table
        Schema Changes", step 1.

        Raises:
            Refused: a transaction is open and foreign keys are enforced in it.
        """
        if SAVED in connection.info:
            return
        driver = driver_of(connection)
        is_inside = is_in_transaction(connection)
        enforced = bool(pragma(driver, "foreign_keys"))
        if enforced and is_inside:
            raise Refused(
                f"{self.safe_url}: the connection has an open transaction in which foreign keys are enforced",
                why="rebuilding a table in it would delete the rows that refer to the table",
                do="commit, or roll back, before migrating on this connection",
            )
        saved = {"foreign_keys": enforced, "busy_timeout": pragma(driver, "busy_timeout")}
        connection.info[SAVED] = saved
        if not is_inside:  # changing the mode would commit what is open
            saved["mode"] = leave_transactions_to_us(driver)
            pragma(driver, "foreign_keys = OFF")
        if LOCK not in connection.info:
            pragma(driver, f"busy_timeout = {int(self.table_lock_timeout_s * 1000)}")
        saved["violations"] = violations(driver)
        watch_for_interrupts(driver)
        event.listen(connection.dialect, "handle_error", as_interrupt)
        event.listen(connection, "begin", self._begin)
        if connection.in_transaction():  # SQLAlchemy has begun, SQLite perhaps not
            self._begin(connection)

    def release(self, connection: Connection) -> None:
        saved = connection.info.pop(SAVED, None)
        if saved is None or connection.closed or connection.invalidated:
            return
        event.remove(connection, "begin", self._begin)
        event.remove(connection.dialect, "handle_error", as_interrupt)
        driver = driver_of(connection)
        set_progress_handler(driver, None)
        for attribute, value in saved.get("mode", {}).items():
            setattr(driver, attribute, value)
        pragma(driver, f"busy_timeout = {saved['busy_timeout']}")
        pragma(driver, f"foreign_keys = {'ON' if saved['foreign_keys'] else 'OFF'}")

    def _begin(self, connection: Connection) -> None:
        """Begin for writing: a later step from reading to writing could fail at once, without waiting."""
        if is_in_transaction(connection) or autocommits(connection):
            return
        driver = driver_of(connection)
        lock: _FileLock | None = connection.info.get(LOCK)
        wait_ms = pragma(driver, "busy_timeout")
        try:
            on_wait = lock.on_wait if lock else None
            begin_immediate(driver, Patience(wait_ms / 1000, on_wait), lambda: find_holder(self.path))
        except Exception as error:
            holder = find_holder(self.path)
            raise sqlite_errors.explain(self.path, error, wait_ms / 1000, holder) or error from error
        finally:
            pragma(driver, f"busy_timeout = {wait_ms}")

    @contextmanager
    def lock(self, connection: Connection, key: str, timeout_s: float, on_wait: OnWait | None = None) -> Iterator[Lock]:
        """SQLite's own write lock is the migration lock; this sets how long BEGIN IMMEDIATE waits for it.

        Meanwhile, what SQLite runs only outside of a transaction waits for the commit: see `sqlite_deferring`.
        """
        driver, info = driver_of(connection), connection.info
        before = pragma(driver, "busy_timeout")
        pragma(driver, f"busy_timeout = {int(timeout_s * 1000)}")
        lock = info[LOCK] = _FileLock(on_wait, Deferred(connection))
        lock.deferred.listen()
        try:
            yield Lock()
        finally:
            lock.deferred.stop()
            info.pop(LOCK, None)
            lock.deferred.run(lambda *statement: self._run_deferred(driver, *statement))
            with suppress(sqlite3.ProgrammingError):  # the driver's connection is closed
                pragma(driver, f"busy_timeout = {before}")

    def autocommit_block(
        self, connection: Connection, stock: Callable[[], AbstractContextManager[None]]
    ) -> AbstractContextManager[None]:
        """The block stays in the open transaction: Alembic's own would commit half of the upgrade, and let others in.

        Nothing needs it here: what SQLite refuses in a transaction is run after the commit anyway.
        """
        return nullcontext() if LOCK in connection.info else stock()

    def after_commit(self, connection: Connection) -> None:
        lock: _FileLock | None = connection.info.get(LOCK)
        if lock and not is_in_transaction(connection):
            driver = driver_of(connection)
            lock.deferred.run(lambda *statement: self._run_deferred(driver, *statement))

    def _run_deferred(self, driver: Any, statement: str, parameters: Any) -> None:
        try:
            execute(driver, statement, parameters)
        except sqlite3.Error as error:
            raise DatabaseError(
                f"the migration is committed, and after it this failed: {statement}",
                why=f"SQLite says: {error}",
                do="run that statement by hand; SQLite takes it only outside of a transaction, so it came last",
            ) from error

    def check_integrity(self, connection: Connection) -> None:
        before: Counter[str] = connection.info.get(SAVED, {}).get("violations", Counter())
        broken = violations(driver_of(connection)) - before
        if not broken:
            return
        tables = ", ".join(f"{count:,} in `{table}`" for table, count in sorted(broken.items()))
        raise MigrationFailed(
            f"rows would refer to rows that are not there: {tables}",
            why="SQLite's foreign_key_check finds them after the migration, and did not before it",
            do="delete or correct those rows in the revision, before the foreign key is added or the rows it needs go",
            tables=dict(broken),
        )

    # ---- looking at rows

    def number_rows_sql(self, table: str, column: str) -> str:
        return f"UPDATE {table} SET {column} = rowid"

    def count_rows(self, connection: Connection, table: TableName, limit: int) -> int | None:
        """As `Database.count_rows`, whatever the limit: a table is counted by its smallest index."""
        name = quoted_table(connection, table)
        exists = inspect(connection).has_table(table.name, schema=table.schema)
        return int(ask(connection, f"SELECT count(*) FROM {name}")[0][0]) if exists else None

    def others_may_have_changed(self, connection: Connection, table: TableName) -> bool:
        """Nobody can: BEGIN IMMEDIATE holds the write lock."""
        return autocommits(connection)

    def is_about_the_statement(self, error: DBAPIError) -> bool:
        return isinstance(error.orig, sqlite3.Error) and sqlite_errors.result_code(error.orig) == sqlite3.SQLITE_ERROR

    def read_checks(
        self, connection: Connection, table: TableName, reflected: Sequence[Mapping[str, Any]], namer: Namer
    ) -> tuple[StoredCheck, ...] | None:
        from oppmigrate.databases.sqlite_expressions import read_checks

        return read_checks(connection, table, namer)

    def read_computed(
        self, connection: Connection, table: TableName, reflected: Mapping[str, StoredComputed]
    ) -> Mapping[str, StoredComputed]:
        from oppmigrate.databases.sqlite_expressions import read_computed

        return read_computed(connection, table, reflected)

    def canonical(self, connection: Connection, table: TableName, expression: str) -> str | None:
        from oppmigrate.databases.sqlite_expressions import canonical

        return canonical(expression)

    def read_indexes(self, connection: Connection, table: TableName) -> tuple[IndexDefinition, ...]:
        from oppmigrate.databases.sqlite_indexes import read_indexes

        return read_indexes(connection, table)

    def read_facts(self, connection: Connection, schema: str | None) -> Mapping[str, TableFacts] | None:
        from oppmigrate.databases.sqlite_facts import read_facts

        return read_facts(connection, schema)

    def index_arguments(self, definition: IndexDefinition, plain: Collection[IndexPart]) -> Mapping[str, Any]:
        from oppmigrate.databases.sqlite_indexes import index_arguments

        return index_arguments(definition)

    def change_table(
        self, connection: Connection, table: str, schema: str | None, *, is_allowed: Callable[[str], bool]
    ) -> TableChange:
        from oppmigrate.databases.sqlite_rebuild import SQLiteTableChange

        return SQLiteTableChange(connection, table, schema, is_allowed=is_allowed, edits=self.edits_schema)

    def find_leftovers(self, connection: Connection) -> tuple[Leftover, ...]:
        return sqlite_leftovers.find_leftovers(connection)

    def drop_leftovers(self, connection: Connection) -> tuple[Leftover, ...]:
        return sqlite_leftovers.drop_leftovers(connection)

    def holds_rows(self, besides: Collection[str] = ()) -> bool:
        def work(connection: Connection) -> bool:
            names = [str(name) for name in connection.exec_driver_sql(TABLES).scalars() if name not in besides]
            return any_row(connection, ('"' + name.replace('"', '""') + '"' for name in names))

        return self.run(work)

    @contextmanager
    def scratch(self) -> Iterator[Database]:
        """A database in memory: each `run` of it opens a new, empty one."""
        scratch = SQLite(URL.create(self.url.drivername))
        scratch.edits_schema = False  # what runs there is shown as SQL, and an edit is safe for the rows it has seen
        yield scratch

    # ---- the whole of it

    def check_backup(self) -> None:
        self._files("backed up")
        sqlite_errors.require(self._file)
        if not sqlite_files.begins_as_one(self._file):
            raise sqlite_errors.not_a_database(str(self._file))

    def backup(self, target: Path, *, progress: Progress | None = None) -> None:
        self._files("backed up")
        sqlite_errors.require(self._file)
        sqlite_files.backup(self._file, target, progress)

    def verify_backup(self, path: Path) -> None:
        sqlite_files.verify(path)

    def alone(self, key: str, timeout_s: float, work: Callable[[], T]) -> T:
        """As `Database.alone`. Nothing to hold: `restore` and `delete` have the file to themselves, or give up."""
        return work()

    def restore(self, path: Path) -> str | None:
        """As `Database.restore`. A file in the way that is no database is kept beside, as `*.unreadable-<time>`."""
        self._files("restored")
        sqlite_files.verify(path)
        sqlite_files.restore(path, self._file)
        return None

    def delete(self) -> tuple[str, ...]:
        self._files("deleted")
        sqlite_errors.require(self._file)
        return sqlite_files.delete(self._file)

    @property
    def _file(self) -> Path:
        assert self.path is not None
        return self.path

    def _files(self, deed: str) -> tuple[Path, ...]:
        """The database's files, there or not."""
        if self.path is None:
            raise UnsupportedDatabase(
                f"a database in memory cannot be {deed}", why=f"{self.safe_url} ends with its connection"
            )
        return (self.path, *sqlite_files.companions(self.path))

    def explain(self, error: Exception) -> MigrateError | None:
        return sqlite_errors.explain(self.path, error) or super().explain(error)
