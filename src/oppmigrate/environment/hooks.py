"""The two methods that every `env.py` calls, made ours: `context.configure()` and `context.run_migrations()`."""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal, TextIO

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import MissingGreenlet

from oppmigrate.config import Settings, absolute_url
from oppmigrate.databases import Database, Lock, OnWait, open_database
from oppmigrate.databases.looking import is_stand_in
from oppmigrate.environment.batching import never, rebuilding
from oppmigrate.environment.comparing import compare_server_default
from oppmigrate.environment.hiding import HiddenTable
from oppmigrate.environment.locks import Locks
from oppmigrate.environment.opening import open_by_policy
from oppmigrate.environment.rendering import after_the_projects_own
from oppmigrate.environment.running import DATABASE
from oppmigrate.errors import ConfigurationError, EnvironmentFailed

# called by Alembic inside env.py's run_migrations(), with the recorded heads; yields the steps to run
Work = Callable[[tuple[str, ...], MigrationContext], Iterable[RevisionStep]]


@dataclass
class Visit:
    """One run of `env.py`: how it is to be done, and what was seen.

    Args:
        writes: make the connection fit for migrating and hold the migration lock meanwhile.
        lock_timeout_s, on_wait: how long to wait for another run, and who is told of the wait.
        purge: forget the recorded heads first.
        transaction: how much is one transaction; None is the server's own best.
        on_version_apply: Alembic's callback, called after env.py's own.
        in_scratch: work on an empty throw-away database in place of each one that env.py connects to.
        output: work on no database; the SQL goes here, one `write` a statement.
        starting_rev: where the database stands, for `output`.
        is_allowed: may the rule of this slug be broken by the revision that runs? See `rebuilding`.
        offline_database: what SQL is written for, in place of each database that env.py names.
        template_args: what the project's script.py.mako is given; env.py may add to it.
        add_locations: adds to the folders of revision files, once env.py has chosen its own.
    """

    work: Work
    writes: bool = False
    purge: bool = False
    lock_timeout_s: float = 0.0
    on_wait: OnWait | None = None
    transaction: Literal["upgrade", "revision"] | None = None
    on_version_apply: Callable[..., None] | None = None
    in_scratch: bool = False
    output: TextIO | None = None
    starting_rev: tuple[str, ...] | str | None = None
    offline_database: Database | None = None
    template_args: dict[str, Any] = field(default_factory=dict)
    add_locations: Callable[[ScriptDirectory], None] | None = None
    is_allowed: Callable[[str], bool] = never
    replacement: tuple[Database, Connection] | None = None
    contexts: list[MigrationContext] = field(default_factory=list)
    databases: list[Database] = field(default_factory=list)
    attempts: list[Database] = field(default_factory=list)
    found: bool = False
    operations: Operations | None = None
    lock: Lock | None = None  # of the database that is being migrated
    runs: int = 0
    failure: Exception | None = None  # of the last run of migrations

    @property
    def only_looks(self) -> bool:
        """Is env.py's own database left as it is?"""
        return self.in_scratch or self.output is not None or not self.writes


class Hooks:
    """`from alembic import context`, with our methods in it.

    The instance's methods are replaced: a subclass would not do, since Alembic publishes the attributes of
    `EnvironmentContext` itself as those of the module `alembic.context`.
    """

    def __init__(
        self, config: Config, script: ScriptDirectory, settings: Settings, visit: Visit, verbose: bool, **opts: Any
    ) -> None:
        opts = {"fn": visit.work, "purge": visit.purge, "template_args": visit.template_args, **opts}
        context = EnvironmentContext(config, script, **opts)
        self._configure = context.configure
        context.configure = self._configure_fit  # type: ignore[assignment, method-assign]
        context.run_migrations = self._run_migrations  # type: ignore[method-assign]
        self.context = context
        self.config = config
        self._script = script
        self._settings = settings
        self._visit = visit
        self._verbose = verbose
        self._opened = ExitStack()
        self._locks = Locks(visit.lock_timeout_s, visit.on_wait)
        self._in_transaction_block = False

    def close(self) -> None:
        """Give up what a run that never came to its end has opened."""
        self._opened.close()
        self._locks.close()

    def _configure_fit(self, connection: Connection | None = None, url: Any = None, **options: Any) -> None:
        visit = self._visit
        if not self._verbose:
            # env.py has set its logging up by now; the story of the run is told by us
            logging.getLogger("alembic").setLevel(logging.WARNING)
        if visit.replacement is not None:
            connection, url = visit.replacement[1], None
            self.context.context_opts["as_sql"] = False
            options = {**options, "literal_binds": False, "dialect_opts": None}
        elif visit.offline_database is not None:
            connection, url = None, visit.offline_database.url
            options = {**options, "literal_binds": True, "dialect_opts": {"paramstyle": "named"}, "dialect_name": None}
        if connection is not None:
            database = visit.replacement[0] if visit.replacement else self._database(connection)
            visit.databases.append(database)
            visit.found = visit.found or not is_stand_in(connection)
            if visit.output is not None:
                connection, url, options = None, database.url, self._without_connection(options)
            else:
                connection, options = self._fit(database, connection, options)
            if visit.output is not None:
                options.setdefault("transactional_ddl", database.rolls_back_ddl)
        elif url is not None:
            visit.databases.append(visit.offline_database or self._database_at(url))
            options.setdefault("transactional_ddl", visit.databases[-1].rolls_back_ddl)
        if options.get("compare_server_default") is True:
            options["compare_server_default"] = compare_server_default
        options["render_item"] = after_the_projects_own(options.get("render_item"))
        if connection is not None:
            options.update(self._without_journal(connection, options))
        self._configure(connection=connection, url=url, **options)
        visit.contexts.append(self.context.get_context())
        if connection is not None and not visit.only_looks and visit.replacement is None:
            self._fit_context(self.context.get_context(), database, connection)

    def _run_migrations(self, **kw: Any) -> None:
        self._visit.runs += 1
        if self._visit.add_locations is not None:
            self._visit.add_locations(self._script)
        with self._opened, Operations.context(self.context.get_context()) as operations:
            self._visit.operations = operations
            self._visit.failure = None
            try:
                with self._rebuilding(operations):
                    self.context.get_context().run_migrations(**kw)
            except Exception as error:
                self._visit.failure = error
                raise
            finally:
                if not self._in_transaction_block:
                    self._release(self.context.get_context().connection)

    def _release(self, connection: Connection | None) -> None:
        if connection is not None:
            self._locks.release(connection)

    def _fit_context(self, context: MigrationContext, database: Database, connection: Connection) -> None:
        """Hold the lock until the commit, and let the server say what an `autocommit_block` is."""
        begin, autocommit = context.begin_transaction, context.autocommit_block

        @contextlib.contextmanager
        def begin_transaction(_per_migration: bool = False) -> Iterator[Any]:
            self._in_transaction_block = self._in_transaction_block or not _per_migration
            try:
                with begin(_per_migration) as transaction:
                    yield transaction
                database.after_commit(connection)
            finally:
                if not _per_migration:
                    self._in_transaction_block = False
                    self._locks.release(connection)

        @contextlib.contextmanager
        def autocommit_block() -> Iterator[None]:
            with database.autocommit_block(connection, autocommit):
                yield

        context.begin_transaction = begin_transaction  # type: ignore[method-assign]
        context.autocommit_block = autocommit_block  # type: ignore[method-assign]

    def _rebuilding(self, operations: Operations) -> contextlib.AbstractContextManager[None]:
        if not self._visit.databases:
            return contextlib.nullcontext()

        def is_allowed(rule: str) -> bool:  # asked later: each revision has its own
            return self._visit.is_allowed(rule)

        return rebuilding(operations, self._visit.databases[-1], is_allowed, merges=False)

    # ---- the database

    def _database(self, connection: Connection) -> Database:
        given: Database | None = self.config.attributes.get(DATABASE)
        return given or self._database_at(connection.engine.url.render_as_string(hide_password=False))

    def _database_at(self, url: Any) -> Database:
        """The database of an address of env.py's, which it takes for granted to run in the project's folder."""
        text = url if isinstance(url, str) else url.render_as_string(hide_password=False)
        database = open_by_policy(absolute_url(text, self._settings.project), self._settings.policy)
        if self._visit.in_scratch:
            database.edits_schema = False  # as in every scratch database
        if self._settings.database_url_source == "--database-url":
            self._check_address(database)
        return database

    def _check_address(self, database: Database) -> None:
        asked = open_database(self._settings.database_url)
        parts = ("host", "port", "database", "username")
        if any(getattr(asked.url, part) != getattr(database.url, part) for part in parts):
            raise ConfigurationError(
                f"env.py connects to {database.safe_url}, not to {asked.safe_url}",
                why="it decides the address by itself and does not read `sqlalchemy.url`, which --database-url sets",
                do="give the address the way that env.py reads it (an environment variable, -x key=value)",
            )

    # ---- the options

    def _without_journal(self, connection: Connection, options: dict[str, Any]) -> dict[str, Any]:
        """The filters of a comparison, for which there is no journal."""
        name, schema = self._settings.policy.journal_table, options.get("version_table_schema")
        hidden = HiddenTable(name, schema, connection.dialect.default_schema_name)
        return {
            "include_name": hidden.name_filter(options.get("include_name")),
            "include_object": hidden.object_filter(options.get("include_object")),
        }

    def _without_connection(self, options: dict[str, Any]) -> dict[str, Any]:
        """As env.py's offline branch would have it, without going there: some write files of their own in it."""
        opts = self.context.context_opts
        opts.update(as_sql=True, starting_rev=self._visit.starting_rev, output_buffer=self._visit.output)
        return {**options, "output_buffer": None, "literal_binds": True, "dialect_opts": {"paramstyle": "named"}}

    def _fit(
        self, database: Database, connection: Connection, options: dict[str, Any]
    ) -> tuple[Connection, dict[str, Any]]:
        """Make connection and options fit for migrating: transactions that hold the DDL, and the lock."""
        visit = self._visit
        if visit.in_scratch:
            connection = self._opened.enter_context(_scratch_connection(database))
            return connection, {**options, "transactional_ddl": False, "transaction_per_migration": False}
        if not visit.writes:
            self.context.context_opts.setdefault("dont_mutate", True)
            return connection, options
        if is_stand_in(connection):
            raise EnvironmentFailed(
                f"env.py kept a connection from before {database.safe_url} was made",
                why="it is one to an empty database in memory, so that looking makes no file",
                do="run the command in a process of its own",
            )
        database.prepare(connection)
        if visit.replacement is None:
            if not database.is_in_connection:
                # a pool of the application's is not to go on with the session as we have set it
                connection.connection.invalidate(soft=True)
            key = options.get("version_table_schema") or ""
            visit.lock = self._locks.hold(database, connection, key)
        return connection, {
            **options,
            "transactional_ddl": options.get("transactional_ddl", database.rolls_back_ddl),
            "transaction_per_migration": options.get("transaction_per_migration", False) or self._is_by_step(database),
            "on_version_apply": (*_as_tuple(options.get("on_version_apply")), *_as_tuple(visit.on_version_apply)),
        }

    def _is_by_step(self, database: Database) -> bool:
        """Is each revision a transaction of its own?"""
        if self._visit.transaction is None:
            return not database.one_transaction
        return self._visit.transaction == "revision"


def _as_tuple(given: Any) -> tuple[Any, ...]:
    """What Alembic takes as one or as several."""
    return () if given is None else (given,) if callable(given) else tuple(given)


@contextlib.contextmanager
def _scratch_connection(database: Database) -> Iterator[Connection]:
    """A connection to an empty throw-away database, opened where env.py's own was: sync, or on its event loop."""
    with database.scratch() as scratch:
        connection = scratch.engine.connect()
        try:
            scratch.prepare(connection)
            yield connection
        finally:
            try:
                connection.close()
            except MissingGreenlet:  # an async env.py gave up, and its event loop is gone
                connection.invalidate()
