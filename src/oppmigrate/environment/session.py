"""Running a project's `env.py` in this process: its connection, its options, our work.

`context.configure()` and `context.run_migrations()` are what every `env.py` calls, so whoever stands in for these
two sees the connection and the options of any of them, whatever its shape, and may put another connection (that of
a scratch database) in the place of the project's own.
"""

import contextlib
import functools
import io
import logging
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, TypeVar

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from oppmigrate.blame import one_line, own_line
from oppmigrate.config import Settings
from oppmigrate.databases import Database, open_database
from oppmigrate.environment.flask import application_context
from oppmigrate.environment.rendering import render_item
from oppmigrate.environment.running import CONNECTION, DATABASE, database_of
from oppmigrate.errors import (
    ConfigurationError,
    DatabaseError,
    EnvironmentFailed,
    MigrateError,
    ModelsBroken,
    NotInitialised,
)

T = TypeVar("T")
# called by Alembic inside env.py's run_migrations(), with the recorded heads; yields the steps to run
Work = Callable[[tuple[str, ...], MigrationContext], Iterable[RevisionStep]]


@dataclass
class Visit:
    """One run of `env.py`: how it is to be done, and what was seen.

    Args:
        writes: make the connection fit for migrating and hold the migration lock meanwhile.
        purge: forget the recorded heads first.
    """

    work: Work
    writes: bool = False
    purge: bool = False
    lock_timeout_s: float = 0.0
    replacement: tuple[Database, Connection] | None = None
    contexts: list[MigrationContext] = field(default_factory=list)
    databases: list[Database] = field(default_factory=list)
    operations: Operations | None = None
    runs: int = 0


class Environment:
    """A project's migration environment.

    Raises, from every method that runs `env.py`: EnvironmentFailed, ModelsBroken, and what the database answers.
    """

    def __init__(self, settings: Settings, *, verbose: bool = False) -> None:
        if not settings.is_initialised:
            raise NotInitialised(
                f"migrations are not set up in {settings.project}",
                why="there is no alembic.ini and no env.py",
                do="python oppman.py migrate init",
            )
        self.settings = settings
        self._verbose = verbose

    @property
    def is_ours(self) -> bool:
        """Does `env.py` use `oppmigrate.environment`, so that it takes the connection that we give it?"""
        return "oppmigrate.environment" in self._env_source

    @property
    def sets_version_table(self) -> bool:
        """May `env.py` keep the heads in a table, or the files in folders, that the configuration does not name?"""
        return "version_table" in self._env_source or "version_locations" in self._env_source

    @functools.cached_property
    def _env_source(self) -> str:
        env_file = Path(self.script().dir) / "env.py"
        if not env_file.is_file():
            raise NotInitialised(
                f"{self.settings.shown(env_file)} does not exist",
                why="the configuration names this folder as the migration environment",
                do="python oppman.py migrate init",
            )
        return env_file.read_text(encoding="utf-8", errors="replace")

    def config(self, **command: Any) -> Config:
        """A fresh Alembic configuration, with the options of a command line for an `env.py` that reads them."""
        settings = self.settings
        options = {"x": list(settings.x_arguments), "config": settings.config_file, "name": settings.section}
        config = Config(
            settings.config_file,
            toml_file=settings.toml_file,
            ini_section=settings.section,
            stdout=io.StringIO(),
            cmd_opts=Namespace(**{**options, "sql": False, "tag": None, "raiseerr": True, "quiet": True, **command}),
        )
        if not config.file_config.has_section(settings.section):
            if settings.section != "alembic":
                raise ConfigurationError(
                    f"{settings.config_file} has no section [{settings.section}]",
                    do=f"name one of: {', '.join(config.file_config.sections()) or 'none there'}",
                )
            config.file_config.add_section(settings.section)
        if config.get_alembic_option("script_location") is None and settings.script_location:
            config.set_main_option("script_location", _escaped(str(settings.script_location)))
        if settings.database_url_source == "--database-url":
            config.set_main_option("sqlalchemy.url", _escaped(settings.database_url))
        return config

    def script(self, config: Config | None = None) -> ScriptDirectory:
        """Alembic's view of the folder with the revision files."""
        with self._at_home():
            return ScriptDirectory.from_config(config or self.config())

    def run(self, visit: Visit, **command: Any) -> None:
        """Run `env.py` on the project's database; `visit.work` is called where Alembic would run the revisions."""
        if self.is_ours:
            database = open_database(self.settings.database_url)
            database.run(lambda connection: self._visit(visit, command, connection=connection, database=database))
        else:
            _outside_event_loop(lambda: self._visit(visit, command))

    def run_on(
        self, database: Database, connection: Connection, visit: Visit, *, offline: bool, **command: Any
    ) -> None:
        """Run `env.py` with another connection in place of its own, that of a scratch database.

        Args:
            offline: go by env.py's offline branch, because its own database cannot be connected to.
        """
        visit.writes, visit.replacement = True, (database, connection)
        given: dict[str, Any] = {"connection": connection, "database": database} if self.is_ours else {}
        opts = {} if self.is_ours else {"as_sql": offline}
        self._visit(visit, command, **given, context_opts=opts)

    def run_as_sql(self, visit: Visit, output: TextIO, *, starting_rev: tuple[str, ...]) -> None:
        """Run `env.py` offline; the SQL goes to `output`, one `write` a statement."""
        opts = {"as_sql": True, "starting_rev": starting_rev or "base", "output_buffer": output}
        _outside_event_loop(lambda: self._visit(visit, {"sql": True}, context_opts=opts))

    def _visit(
        self,
        visit: Visit,
        command: dict[str, Any],
        *,
        connection: Connection | None = None,
        database: Database | None = None,
        context_opts: dict[str, Any] | None = None,
    ) -> None:
        config = self.config(**command)
        if connection is not None:
            config.attributes[CONNECTION] = connection
            config.attributes[DATABASE] = database
        with self._at_home(), self._explained(visit), ExitStack() as stack:
            script = ScriptDirectory.from_config(config)
            stack.enter_context(application_context(Path(script.dir) / "env.py"))
            hooked = _Hooked(config, script, self.settings, visit, self._verbose, **context_opts or {})
            stack.enter_context(hooked.context)
            script.run_env()
        if not visit.runs:
            raise EnvironmentFailed(
                f"{self.settings.shown(Path(script.dir))}/env.py ran no migrations",
                why="it ended without a call of context.run_migrations()",
                do="call it for each database, inside `with context.begin_transaction():`",
            )

    @contextlib.contextmanager
    def _at_home(self) -> Iterator[None]:
        """In the project's folder, with whatever its code prints going to stderr: stdout is ours alone."""
        with contextlib.chdir(self.settings.project), contextlib.redirect_stdout(sys.stderr):
            yield

    @contextlib.contextmanager
    def _explained(self, visit: Visit) -> Iterator[None]:
        try:
            yield
        except MigrateError:
            raise
        except (Exception, SystemExit) as error:
            raise self.explain(error, visit.databases[-1] if visit.databases else None) from error

    def explain(self, error: BaseException, database: Database | None = None) -> MigrateError:
        """What a foreign exception out of `env.py`, a model or a revision file means to the user."""
        if isinstance(error, MigrateError):
            return error
        known = None
        if isinstance(error, Exception):
            known = (database or open_database(self.settings.database_url)).explain(error)
        if known is not None:
            return known
        if isinstance(error, DBAPIError):
            statement = " ".join((error.statement or "").split())
            return DatabaseError(str(error.orig).strip().split("\n")[0], why=f"in: {statement}", do=None)
        if isinstance(error, CommandError):
            return EnvironmentFailed(
                str(error), do="python oppman.py migrate check, or look into alembic.ini and env.py"
            )
        project = self.settings.project
        line = own_line(error, project)
        where = line.shown(project) if line else "env.py"
        if line is None or line.path.name == "env.py" or (line and self._is_in_environment(line.path)):
            return EnvironmentFailed(
                f"{where.split(': ')[0]} raised {one_line(error)}",
                why=where,
                do="mend that line, then run the command again",
            )
        return ModelsBroken(
            f"importing the models failed: {one_line(error)}",
            why=where,
            do="mend that line, then run the command again",
            file=str(line.path),
            line=line.number,
        )

    def _is_in_environment(self, path: Path) -> bool:
        location = self.settings.script_location
        return location is not None and path.is_relative_to(location)


class _Hooked:
    """`from alembic import context`, with the two methods that every `env.py` calls made ours.

    The instance's methods are replaced: a subclass would not do, since Alembic publishes the attributes of
    `EnvironmentContext` itself as those of the module `alembic.context`.
    """

    def __init__(
        self, config: Config, script: ScriptDirectory, settings: Settings, visit: Visit, verbose: bool, **opts: Any
    ) -> None:
        context = EnvironmentContext(config, script, fn=visit.work, purge=visit.purge, **opts)
        self._configure = context.configure
        context.configure = self._configure_fit  # type: ignore[assignment, method-assign]
        context.run_migrations = self._run_migrations  # type: ignore[method-assign]
        self.context = context
        self.config = config
        self._settings = settings
        self._visit = visit
        self._verbose = verbose
        self._lock = ExitStack()

    def _configure_fit(self, connection: Connection | None = None, url: Any = None, **options: Any) -> None:
        visit = self._visit
        if not self._verbose:
            # env.py has set its logging up by now; the story of the run is told by us
            logging.getLogger("alembic").setLevel(logging.WARNING)
        if visit.replacement is not None:
            connection, url = visit.replacement[1], None
            self.context.context_opts["as_sql"] = False
            options = {**options, "literal_binds": False, "dialect_opts": None}
        if connection is not None:
            database = visit.replacement[0] if visit.replacement else self._database(connection)
            visit.databases.append(database)
            options = self._fit(database, connection, options)
        options["render_item"] = _rendering(options.get("render_item"))
        self._configure(connection=connection, url=url, **options)
        visit.contexts.append(self.context.get_context())

    def _run_migrations(self, **kw: Any) -> None:
        self._visit.runs += 1
        with self._lock, Operations.context(self.context.get_context()) as operations:
            self._visit.operations = operations
            self.context.get_context().run_migrations(**kw)

    def _database(self, connection: Connection) -> Database:
        given: Database | None = self.config.attributes.get(DATABASE)
        database = given or database_of(connection)
        if self._settings.database_url_source == "--database-url" and given is None:
            self._check_address(database)
        return database

    def _check_address(self, database: Database) -> None:
        asked = open_database(self._settings.database_url)
        parts = ("host", "port", "database", "username")
        if any(getattr(asked.url, part) != getattr(database.url, part) for part in parts):
            raise EnvironmentFailed(
                f"env.py connects to {database.safe_url}, not to {asked.safe_url}",
                why="it decides the address by itself and does not read `sqlalchemy.url`, which --database-url sets",
                do="give the address the way that env.py reads it (an environment variable, -x key=value)",
            )

    def _fit(self, database: Database, connection: Connection, options: dict[str, Any]) -> dict[str, Any]:
        """Make connection and options fit for migrating: transactions that hold the DDL, and the lock."""
        if not self._visit.writes:
            self.context.context_opts.setdefault("dont_mutate", True)
            return options
        database.prepare(connection)
        if self._visit.replacement is None:
            key = options.get("version_table_schema") or ""
            self._lock.enter_context(database.lock(connection, key, self._visit.lock_timeout_s))
        return {
            **options,
            "transactional_ddl": options.get("transactional_ddl", database.rolls_back_ddl),
            "transaction_per_migration": options.get("transaction_per_migration", False)
            or not database.one_transaction,
        }


def _rendering(theirs: Any) -> Any:
    """The project's own way of writing types first, then ours, then Alembic's."""
    if theirs is None or theirs is render_item:
        return render_item

    def render(type_: str, item: Any, autogen_context: Any) -> Any:
        text = theirs(type_, item, autogen_context)
        return text if text is not False else render_item(type_, item, autogen_context)

    return render


def _escaped(value: str) -> str:
    """A value for configparser, to which a percent sign means interpolation."""
    return value.replace("%", "%%")


def _outside_event_loop(call: Callable[[], T]) -> T:
    """Run it where no event loop runs: an async `env.py` calls asyncio.run(), which refuses to nest."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:
        return call()
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(call).result()
