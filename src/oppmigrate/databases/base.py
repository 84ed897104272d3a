"""What the engine asks of a database. Every method has a safe default: what a server cannot do is refused."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from oppmigrate.databases.collation_questions import CollationQuestions
from oppmigrate.databases.committing import Committing
from oppmigrate.databases.connecting import run_coroutine
from oppmigrate.databases.constraint_questions import ConstraintQuestions
from oppmigrate.databases.expressions import ExpressionQuestions
from oppmigrate.databases.facts import FactQuestions
from oppmigrate.databases.indexes import IndexQuestions
from oppmigrate.databases.leftovers import Leftover
from oppmigrate.databases.locking import Lock, OnWait
from oppmigrate.databases.reaching import until_reachable
from oppmigrate.databases.row_questions import RowQuestions
from oppmigrate.databases.sequence_questions import SequenceQuestions
from oppmigrate.databases.structure_questions import StructureQuestions
from oppmigrate.databases.table_changes import TableChange
from oppmigrate.databases.type_questions import TypeQuestions
from oppmigrate.errors import DatabaseMissing, DatabaseUnreachable, DriverMissing, MigrateError, UnsupportedDatabase

T = TypeVar("T")
Progress = Callable[[int, int], None]  # bytes done, bytes in all

SECRET_OPTIONS = frozenset({"password", "passwd", "sslpassword", "ssl_key_password"})
TIMEOUT_OPTIONS = frozenset({"timeout", "connect_timeout", "connection_timeout"})
MASK = "***"


class Database(
    RowQuestions,
    ExpressionQuestions,
    IndexQuestions,
    ConstraintQuestions,
    FactQuestions,
    TypeQuestions,
    CollationQuestions,
    SequenceQuestions,
    StructureQuestions,
    Committing,
):
    """One database of one kind of server, by its URL; nothing is connected to before a method needs it.

    A subclass with `backends`, in a module of this folder, is found by itself: see `opening`.
    """

    name: ClassVar[str] = "this kind of database"
    backends: ClassVar[frozenset[str]] = frozenset()  # SQLAlchemy's names for what the class serves
    drivers: ClassVar[tuple[str, ...]] = ()  # for a URL that names none, after the one SQLAlchemy would choose
    install: ClassVar[Mapping[str, str]] = {}  # driver -> what to give to `pip install`, where it is not the driver
    rolls_back_ddl: ClassVar[bool] = False
    one_transaction: ClassVar[bool] = False  # a whole upgrade in one transaction by default
    is_locked_by_transaction: ClassVar[bool] = False  # the migration lock is the transaction, and ends with it
    enforces_lengths: ClassVar[bool] = True  # refuses a text that is longer than its column
    rebuilds_tables: ClassVar[bool] = False  # needs Alembic's batch mode
    indexes_foreign_keys: ClassVar[bool] = False  # a key without an index gets one, which stays when the key goes
    restates_columns: ClassVar[bool] = False  # an ALTER of a column states all of it anew: type, NOT NULL and default
    copies_itself: ClassVar[bool] = False  # a backup is a copy of a file: quick, and needs no program
    scratches_in_memory: ClassVar[bool] = False  # `scratch` needs no server
    keeps_damaged: ClassVar[bool] = False  # `restore` keeps what it replaces aside where that cannot be backed up
    is_served: ClassVar[bool] = True  # by a server, which may start later than we do
    backup_suffix: ClassVar[str] = ".backup"
    script_command: ClassVar[str] = "the server's client"  # what runs an SQL script, and stops at its first error
    script_head: ClassVar[tuple[str, ...]] = ()  # statements before a script that rebuilds tables
    connect_timeout_s: ClassVar[int] = 5
    table_lock_timeout_s: float = 5  # how long one statement may wait for somebody else's lock
    statement_timeout_s: float | None = None  # how long one statement of a migration may take
    edits_schema: bool = False  # a table's stored definition may be changed, where that is safe, in place of a rebuild
    patience_s: float = 5  # how long looking may wait, where readers wait for a writer

    def __init__(self, url: URL) -> None:
        self.url = url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.safe_url!r})"

    # ---- what it is called

    @property
    def safe_url(self) -> str:
        """The URL with every password as ***."""
        secrets = {name: MASK for name in self.url.query if name in SECRET_OPTIONS}
        return self.url.update_query_dict(secrets).render_as_string(hide_password=True)

    @property
    def label(self) -> str:
        """A short name, for the names of files."""
        return self.url.database or self.url.get_backend_name()

    @property
    def is_async(self) -> bool:
        return bool(getattr(self.url.get_dialect(), "is_async", False))

    # ---- connections

    @property
    def is_in_connection(self) -> bool:
        """Does the database end with its connection?"""
        return False

    @property
    def is_made_by_connecting(self) -> bool:
        """Does connecting to a database that is not there make it?"""
        return False

    def connect_stand_in(self, dialect: Dialect, options: Mapping[str, Any]) -> Any:
        """A driver's connection to an empty database, in place of one that connecting would make.

        Args:
            dialect, options: those of the engine that connects.
        """
        raise self._cannot("do without its file")

    def run(self, work: Callable[[Connection], T]) -> T:
        """Open a connection, give it to `work`, close it; what `work` did not commit is rolled back.

        An async driver is used as it is, on an event loop of its own; in a thread of its own when the caller
        is inside a running one.

        Raises:
            DatabaseError: the subclass that fits, for what the driver answers and `explain` understands.
        """
        connected = False

        def entered(connection: Connection) -> T:
            nonlocal connected
            connected = True
            try:
                return work(connection)
            except Exception:
                _end_transaction(connection)
                raise

        try:
            return self._run_async(entered) if self.is_async else self._run_sync(entered)
        except MigrateError:
            raise
        except Exception as error:
            explained = self.explain(error) or (None if connected else self.explain_connecting(error))
            if explained is None:
                raise
            raise explained from error

    def _run_sync(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            return work(connection)

    def _run_async(self, work: Callable[[Connection], T]) -> T:
        from sqlalchemy.ext.asyncio import AsyncEngine

        async def main() -> T:
            async with AsyncExitStack() as stack:
                # some drivers' own limit ends with the TCP connection; the server has to answer as well
                async with asyncio.timeout(self.connect_limit_s()):
                    connection = await stack.enter_async_context(AsyncEngine(self.engine).connect())
                return await connection.run_sync(work)

        return run_coroutine(main)

    @cached_property
    def engine(self) -> Engine:
        """A sync engine, or the sync side of an async one; without a pool, so that closing a connection closes it."""
        engine = create_engine(self.url, poolclass=NullPool, connect_args=self.connect_arguments())
        self.set_up(engine)
        return engine

    def connect_arguments(self) -> dict[str, Any]:
        """What the driver gets beside the URL, such as the time it may take to connect."""
        return {}

    def connect_limit_s(self) -> float | None:
        """The longest that connecting may take in all; no limit of ours where the URL sets one."""
        return None if TIMEOUT_OPTIONS & self.url.query.keys() else self.connect_timeout_s + 1

    def set_up(self, engine: Engine) -> None:
        """Add what every connection of this engine needs."""

    def connect_options(self) -> dict[str, Any]:
        """The URL as the driver's own arguments: host, port, user, password and the rest."""
        arguments, options = self.engine.dialect.create_connect_args(self.url)
        return {"arguments": arguments, **options}

    def exists(self) -> bool:
        """Is the database there? Never makes it."""
        try:
            self.probe()
        except DatabaseMissing:
            return False
        return True

    def probe(self) -> None:
        """Connect once.

        Raises:
            DatabaseError: the subclass that says why it cannot be used.
        """
        self.run(lambda connection: connection.exec_driver_sql("SELECT 1").close())

    def wait_until_reachable(self, timeout_s: float, on_wait: Callable[[str], None] | None = None) -> None:
        """Connect, again and again while the server is starting; a file is there, or made when it is needed.

        Raises:
            DatabaseError: as `probe`: at once where waiting does not help (a wrong password, a missing driver), else
                after `timeout_s`.
        """
        if self.is_served:
            until_reachable(self.probe, self.comes_later, timeout_s, on_wait)

    def comes_later(self, error: MigrateError) -> bool:
        """Does what is wrong pass by itself? A container makes its database moments after its server has begun."""
        return self.is_served and isinstance(error, (DatabaseUnreachable, DatabaseMissing))

    # ---- migrating

    def prepare(self, connection: Connection) -> None:
        """Make a connection fit for migrating, before a transaction is begun on it."""

    def release(self, connection: Connection) -> None:
        """Undo `prepare`, for a connection that somebody else owns."""

    def lock(
        self, connection: Connection, key: str, timeout_s: float, on_wait: OnWait | None = None
    ) -> AbstractContextManager[Lock]:
        """Hold the lock that lets one migration run at a time.

        Args:
            connection: what will migrate.
            key: what is locked, in words of the caller; the same everywhere for the same database.
            timeout_s: seconds to wait; 0 tries once.
            on_wait: told who holds it: as soon as there is a wait, when the holder changes, and every few seconds.

        Raises:
            DatabaseLocked: somebody else still holds it after `timeout_s`; nothing was changed.
        """
        return nullcontext(Lock())

    def is_lock_timeout(self, error: BaseException) -> bool:
        """Was a statement given up for somebody else's lock, so that the whole revision may be tried again?"""
        return False

    def autocommit_block(
        self, connection: Connection, stock: Callable[[], AbstractContextManager[None]]
    ) -> AbstractContextManager[None]:
        """What `op.get_context().autocommit_block()` does on this server; `stock` is Alembic's own."""
        return stock()

    def after_commit(self, connection: Connection) -> None:
        """Run what an `autocommit_block` had to leave until the transaction is committed."""

    def check_integrity(self, connection: Connection) -> None:
        """Look, before the commit, for damage that the server itself does not look for.

        Raises:
            MigrationFailed: with the table and the number of rows.
        """

    # ---- trying out

    def scratch(self) -> AbstractContextManager["Database"]:
        """An empty database of the same kind to try things in, removed whatever happens."""
        raise self._cannot("make a scratch database")

    def change_table(
        self, connection: Connection, table: str, schema: str | None, *, is_allowed: Callable[[str], bool]
    ) -> TableChange:
        """The change of one table that `rebuilds_tables` asks for.

        Args:
            is_allowed: may the rule of this slug be broken? Asked before values are lost.
        """
        raise self._cannot("rebuild a table")

    def find_leftovers(self, connection: Connection) -> tuple[Leftover, ...]:
        """Half-made tables that a crash of a stock Alembic run left behind."""
        return ()

    def drop_leftovers(self, connection: Connection) -> tuple[Leftover, ...]:
        """Drop them, and say which.

        Raises:
            Refused: one of them holds rows that are nowhere else; nothing was dropped.
        """
        return ()

    def holds_rows(self, besides: Collection[str] = ()) -> bool:
        """Is there a row in any table? True also where that cannot be told.

        Args:
            besides: the names of tables that do not count.
        """
        return True

    # ---- the whole of it

    def check_backup(self) -> None:
        """Find out, without taking one, whether a backup can be taken.

        Raises:
            ProgramMissing: what takes it is not there.
            NotADatabase: the file is none.
            UnsupportedDatabase: it cannot.
        """
        raise self._cannot("take a backup")

    def backup(self, target: Path, *, progress: Progress | None = None) -> None:
        """Write a verified copy of everything to `target`, which must not exist; leaves nothing there on failure.

        Raises:
            BackupError: `target` exists, a program is missing, or the copy does not prove whole.
        """
        raise self._cannot("take a backup")

    def verify_backup(self, path: Path) -> None:
        """Raises:
        BackupUnreadable: the file is not a whole backup of this kind of database.
        """
        raise self._cannot("read a backup")

    def alone(self, key: str, timeout_s: float, work: Callable[[], T]) -> T:
        """Do the work while no migration of this database runs; raises as `lock`. The database is there."""

        def locked(connection: Connection) -> T:
            with self.lock(connection, key, timeout_s):
                return work()

        return self.run(locked)

    def restore(self, path: Path) -> str | None:
        """Put the backup in the place of what the database holds; a backup that does not verify changes nothing.

        Interrupted at any point, the database holds what it held before or what the backup holds. To be called from
        inside `alone`. Returns what a person should know of it.
        """
        raise self._cannot("restore a backup")

    def delete(self) -> tuple[str, ...]:
        """Remove everything the database holds and say, in words, what it was."""
        raise self._cannot("be emptied")

    def size_bytes(self) -> int:
        """What the database takes on the server's disk."""
        raise self._cannot("tell its size")

    # ---- errors

    def explain(self, error: Exception) -> MigrateError | None:
        """The error of a driver in our words, never with a password; None when it says nothing we know."""
        return None

    def explain_connecting(self, error: Exception) -> MigrateError | None:
        """In our words, whatever a driver raises before there is a connection."""
        if isinstance(error, ImportError):
            return driver_missing(self.url, self.install, why=str(error))
        if not isinstance(error, (DBAPIError, OSError, EOFError)):
            return None
        return self.unreachable(first_line(error) or f"no answer within {self.connect_timeout_s} s")

    def unreachable(self, why: str) -> MigrateError:
        """The error for a server that does not answer, or not as it should."""
        return DatabaseUnreachable(f"cannot connect to {self.safe_url}", why=why, url=self.safe_url)

    def _cannot(self, deed: str) -> UnsupportedDatabase:
        return UnsupportedDatabase(
            f"{self.name} ({self.safe_url}) cannot {deed}", why="oppmigrate does not know how to"
        )


def _end_transaction(connection: Connection) -> None:
    """Roll back in the driver: SQLAlchemy takes a transaction for ended whose COMMIT has failed, and closes over it.

    Where the connection is lost, the transaction is too: SQLAlchemy would try once more, and log a traceback.
    """
    if connection.closed or connection.invalidated:
        return
    try:
        connection.connection.rollback()
    except connection.dialect.loaded_dbapi.Error:
        connection.invalidate()


def driver_missing(url: URL, install: Mapping[str, str], *, why: str | None = None) -> DriverMissing:
    """The error for a driver that cannot be imported."""
    driver = url.drivername.partition("+")[2] or next(iter(install), url.drivername)
    return DriverMissing(
        f"the driver `{driver}` for {url.get_backend_name()} is not installed",
        why=why,
        do=f"pip install {install.get(driver, driver)}",
        driver=driver,
    )


def original(error: BaseException) -> BaseException:
    """The driver's own error inside SQLAlchemy's."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig
    return error


def driver_errors(error: BaseException) -> Iterator[BaseException]:
    """The drivers' own errors that this one is, or was raised from."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, DBAPIError):
            yield original(cause)
        cause = cause.__cause__


def first_line(error: BaseException) -> str:
    """The first line of what the driver said."""
    return next(iter(str(original(error)).strip().splitlines()), "")


def any_row(connection: Connection, tables: Iterable[str]) -> bool:
    """Is there a row in one of the tables, whose names are quoted already?"""
    return any(
        connection.exec_driver_sql(f"SELECT 1 FROM {name} LIMIT 1".replace("%", "%%")).first() is not None
        for name in tables
    )


@contextmanager
def _no_lock() -> Iterator[None]:
    yield
