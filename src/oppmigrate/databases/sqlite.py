"""SQLite: a file, whose DDL can be rolled back once Python's driver is kept from committing it."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlalchemy import URL, Connection, Dialect, event, inspect
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases import sqlite_errors, sqlite_files, sqlite_leftovers
from oppmigrate.databases.base import Database, Progress, T, any_row
from oppmigrate.databases.locking import SAVED, Holder, Lock, OnWait, Patience, autocommits
from oppmigrate.databases.rows import TableName, ask, quoted_table
from oppmigrate.databases.sqlite_deferring import Deferred
from oppmigrate.databases.sqlite_holder import find_holder
from oppmigrate.databases.table_changes import Leftover, TableChange
from oppmigrate.errors import DatabaseError, MigrateError, MigrationFailed, Refused, UnsupportedDatabase

TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
LOCK = "oppmigrate.lock"  # while the caller of `lock` has it: a `_FileLock`
LEGACY_TRANSACTIONS = -1  # sqlite3.LEGACY_TRANSACTION_CONTROL, Python 3.12+
# SQLite's own waiting, and its work on a statement, hear no Ctrl-C: they are left so often for Python to hear one
TRY_S = 0.2
STEPS_BETWEEN_LOOKS = 100_000  # about a millisecond of SQLite's virtual machine


@dataclass(frozen=True, slots=True)
class _FileLock:
    """What a connection keeps while the caller of `lock` has it."""

    on_wait: OnWait | None
    deferred: Deferred


class SQLite(Database):
    """A SQLite file, or a database in memory."""

    name = "SQLite"
    backends = frozenset({"sqlite"})
    drivers = ("pysqlite", "aiosqlite")
    rolls_back_ddl = True
    one_transaction = True
    is_locked_by_transaction = True
    enforces_lengths = False
    rebuilds_tables = True
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
        driver = _driver(connection)
        is_inside = _is_in_transaction(connection)
        enforced = bool(_pragma(driver, "foreign_keys"))
        if enforced and is_inside:
            raise Refused(
                f"{self.safe_url}: the connection has an open transaction in which foreign keys are enforced",
                why="rebuilding a table in it would delete the rows that refer to the table",
                do="commit, or roll back, before migrating on this connection",
            )
        saved = {"foreign_keys": enforced, "busy_timeout": _pragma(driver, "busy_timeout")}
        connection.info[SAVED] = saved
        if not is_inside:  # changing the mode would commit what is open
            saved["mode"] = _leave_transactions_to_us(driver)
            _pragma(driver, "foreign_keys = OFF")
        if LOCK not in connection.info:
            _pragma(driver, f"busy_timeout = {int(self.table_lock_timeout_s * 1000)}")
        saved["violations"] = _violations(driver)
        _watch_for_interrupts(driver)
        event.listen(connection.dialect, "handle_error", _as_interrupt)
        event.listen(connection, "begin", self._begin)
        if connection.in_transaction():  # SQLAlchemy has begun, SQLite perhaps not
            self._begin(connection)

    def release(self, connection: Connection) -> None:
        saved = connection.info.pop(SAVED, None)
        if saved is None or connection.closed or connection.invalidated:
            return
        event.remove(connection, "begin", self._begin)
        event.remove(connection.dialect, "handle_error", _as_interrupt)
        driver = _driver(connection)
        _set_progress_handler(driver, None)
        for attribute, value in saved.get("mode", {}).items():
            setattr(driver, attribute, value)
        _pragma(driver, f"busy_timeout = {saved['busy_timeout']}")
        _pragma(driver, f"foreign_keys = {'ON' if saved['foreign_keys'] else 'OFF'}")

    def _begin(self, connection: Connection) -> None:
        """Begin for writing: a later step from reading to writing could fail at once, without waiting."""
        if _is_in_transaction(connection) or autocommits(connection):
            return
        driver = _driver(connection)
        lock: _FileLock | None = connection.info.get(LOCK)
        wait_ms = _pragma(driver, "busy_timeout")
        try:
            on_wait = lock.on_wait if lock else None
            _begin_immediate(driver, Patience(wait_ms / 1000, on_wait), lambda: find_holder(self.path))
        except Exception as error:
            holder = find_holder(self.path)
            raise sqlite_errors.explain(self.path, error, wait_ms / 1000, holder) or error from error
        finally:
            _pragma(driver, f"busy_timeout = {wait_ms}")

    @contextmanager
    def lock(self, connection: Connection, key: str, timeout_s: float, on_wait: OnWait | None = None) -> Iterator[Lock]:
        """SQLite's own write lock is the migration lock; this sets how long BEGIN IMMEDIATE waits for it.

        Meanwhile, what SQLite runs only outside of a transaction waits for the commit: see `sqlite_deferring`.
        """
        driver, info = _driver(connection), connection.info
        before = _pragma(driver, "busy_timeout")
        _pragma(driver, f"busy_timeout = {int(timeout_s * 1000)}")
        lock = info[LOCK] = _FileLock(on_wait, Deferred(connection))
        lock.deferred.listen()
        try:
            yield Lock()
        finally:
            lock.deferred.stop()
            info.pop(LOCK, None)
            lock.deferred.run(lambda *statement: self._run_deferred(driver, *statement))
            with suppress(sqlite3.ProgrammingError):  # the driver's connection is closed
                _pragma(driver, f"busy_timeout = {before}")

    def autocommit_block(
        self, connection: Connection, stock: Callable[[], AbstractContextManager[None]]
    ) -> AbstractContextManager[None]:
        """The block stays in the open transaction: Alembic's own would commit half of the upgrade, and let others in.

        Nothing needs it here: what SQLite refuses in a transaction is run after the commit anyway.
        """
        return nullcontext() if LOCK in connection.info else stock()

    def after_commit(self, connection: Connection) -> None:
        lock: _FileLock | None = connection.info.get(LOCK)
        if lock and not _is_in_transaction(connection):
            driver = _driver(connection)
            lock.deferred.run(lambda *statement: self._run_deferred(driver, *statement))

    def _run_deferred(self, driver: Any, statement: str, parameters: Any) -> None:
        try:
            _execute(driver, statement, parameters)
        except sqlite3.Error as error:
            raise DatabaseError(
                f"the migration is committed, and after it this failed: {statement}",
                why=f"SQLite says: {error}",
                do="run that statement by hand; SQLite takes it only outside of a transaction, so it came last",
            ) from error

    def check_integrity(self, connection: Connection) -> None:
        before: Counter[str] = connection.info.get(SAVED, {}).get("violations", Counter())
        broken = _violations(_driver(connection)) - before
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

    def change_table(
        self, connection: Connection, table: str, schema: str | None, *, is_allowed: Callable[[str], bool]
    ) -> TableChange:
        from oppmigrate.databases.sqlite_rebuild import SQLiteTableChange

        return SQLiteTableChange(connection, table, schema, is_allowed=is_allowed)

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
        yield SQLite(URL.create(self.url.drivername))

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


def _driver(connection: Connection) -> Any:
    """The driver's connection: SQLAlchemy would begin a transaction before a statement of its own."""
    return connection.connection.dbapi_connection


def _is_in_transaction(connection: Connection) -> bool:
    """Has SQLite itself begun one?"""
    driver: Any = connection.connection.driver_connection
    return bool(driver.in_transaction)


def _leave_transactions_to_us(driver: Any) -> dict[str, Any]:
    """Keep the driver from beginning and ending transactions; returns the attributes as they were."""
    before = {"isolation_level": driver.isolation_level}
    if getattr(driver, "autocommit", LEGACY_TRANSACTIONS) != LEGACY_TRANSACTIONS:
        before["autocommit"] = driver.autocommit
        driver.autocommit = LEGACY_TRANSACTIONS
    driver.isolation_level = None
    return before


def _begin_immediate(driver: Any, patience: Patience, find: Callable[[], Holder]) -> None:
    _pragma(driver, f"busy_timeout = {int(min(patience.timeout_s, TRY_S) * 1000)}")
    while True:
        try:
            _execute(driver, "BEGIN IMMEDIATE")
            return
        except sqlite3.Error as error:
            if sqlite_errors.result_code(error) != sqlite3.SQLITE_BUSY or not patience.left_s:
                raise
        patience.tell(find)
        time.sleep(TRY_S / 10)  # some of SQLite's refusals come without its waiting


def _watch_for_interrupts(driver: Any) -> None:
    """Let a Ctrl-C end a long statement; an async driver's thread hears none, so it looks after its caller."""
    task = asyncio.current_task() if hasattr(driver, "run_async") else None
    _set_progress_handler(driver, task.cancelling if task else _let_signals_in)


def _let_signals_in() -> int:
    """Python handles signals where a function of its own begins; what they raise makes SQLite give up."""
    return 0


def _set_progress_handler(driver: Any, handler: Callable[[], int] | None) -> None:
    if hasattr(driver, "run_async"):
        driver.run_async(lambda own: own.set_progress_handler(handler, STEPS_BETWEEN_LOOKS))
    else:
        driver.set_progress_handler(handler, STEPS_BETWEEN_LOOKS)


def _as_interrupt(context: ExceptionContext) -> BaseException | None:
    """What the Ctrl-C raised is lost inside of SQLite, which says `interrupted`."""
    error = context.original_exception
    if isinstance(error, sqlite3.Error) and sqlite_errors.result_code(error) == sqlite3.SQLITE_INTERRUPT:
        return KeyboardInterrupt()
    return None


def _execute(driver: Any, statement: str, parameters: Any = ()) -> list[Any]:
    cursor = driver.cursor()
    try:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def _pragma(driver: Any, pragma: str) -> Any:
    rows = _execute(driver, f"PRAGMA {pragma}")
    return rows[0][0] if rows else None


def _violations(driver: Any) -> "Counter[str]":
    """Rows whose foreign key points nowhere, a count for each table."""
    return Counter(row[0] for row in _execute(driver, "PRAGMA foreign_key_check"))
