"""Running a project's `env.py` in this process: its connection, its options, our work.

`context.configure()` and `context.run_migrations()` are what every `env.py` calls, so whoever stands in for these
two sees the connection and the options of any of them, whatever its shape, and may put another connection (that of
a scratch database) in the place of the project's own.
"""

import contextlib
import contextvars
import functools
import io
import sys
import traceback
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO, TypeVar

from alembic.command import current, downgrade, revision, stamp, upgrade
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from oppmigrate.blame import models_broken, one_line, own_line, remedy
from oppmigrate.config import Settings, hide_password, is_ours, sets_version_locations, sets_version_table
from oppmigrate.databases import Database, open_database, until_reachable
from oppmigrate.databases.looking import watch_connections
from oppmigrate.environment.flask import application_context
from oppmigrate.environment.hooks import Hooks, Visit
from oppmigrate.environment.opening import open_by_policy
from oppmigrate.environment.running import CONNECTION, DATABASE
from oppmigrate.errors import (
    ConfigurationError,
    DatabaseError,
    EnvironmentFailed,
    MigrateError,
    NotInitialised,
    UnsupportedDatabase,
)

T = TypeVar("T")
# where a database URL comes from, in words
SOURCES = {
    "environment": "DATABASE_URL in the environment or .env",
    "pyproject.toml": "[tool.oppman] in pyproject.toml",
}
# alembic.ini's sections that are not Alembic's
LOGGING = ("logger", "handler", "formatter", "post_write_hooks")
# the stock commands, of which an env.py may ask `config.cmd_opts.cmd` which one is run
STOCK_COMMANDS = {command.__name__: command for command in (current, downgrade, revision, stamp, upgrade)}


class Environment:
    """A project's migration environment.

    Raises, from every method that runs `env.py`: EnvironmentFailed, ModelsBroken, and what the database answers.
    """

    def __init__(self, settings: Settings, *, verbose: bool = False) -> None:
        if not settings.is_initialised:
            raise _not_initialised(settings)
        self.settings = settings
        self._verbose = verbose
        self._version_locations: list[str] | None = None  # as env.py has set them, once it has run
        self.offline_database: Database | None = None  # what SQL is written for, in place of the project's own
        self.lock_timeout_s: float | None = None  # how long the command may wait for others, where it says so
        self.on_unreachable: Callable[[str], None] | None = None  # told what is the matter while the server starts
        self._has_waited = False
        self.restored: Path | None = None  # a folder with revision files that the project lacks

    def database(self) -> Database:
        """The database that the settings name; what is wrong with the URL is told with where it comes from."""
        if self.offline_database is not None:
            return self.offline_database
        database = open_configured(self.settings)
        if self.lock_timeout_s is not None:
            database.patience_s = min(database.patience_s, self.lock_timeout_s)
        if self._waits():
            database.wait_until_reachable(self.settings.policy.wait_for_database_s, self.on_unreachable)
        return database

    def _waits(self) -> bool:
        """Is this the first time that the database is asked for? Only then is it waited for."""
        first, self._has_waited = not self._has_waited, True
        return first and self.settings.policy.wait_for_database_s > 0

    @property
    def is_ours(self) -> bool:
        """Does `env.py` use `oppmigrate.environment`, so that it takes the connection that we give it?"""
        return is_ours(self._env_source)

    @property
    def sets_version_table(self) -> bool:
        """May `env.py` keep the heads in a table, or the files in folders, that the configuration does not name?"""
        return sets_version_table(self._env_source)

    @property
    def has_to_be_asked(self) -> bool:
        """Are the revision files where only a run of `env.py` can tell?"""
        return sets_version_locations(self._env_source) and self._version_locations is None

    @functools.cached_property
    def _env_source(self) -> str:
        env_file = Path(self.script().dir) / "env.py"
        if not env_file.is_file():
            raise _not_initialised(self.settings, env_file)
        return env_file.read_text(encoding="utf-8", errors="replace")

    def config(self, command: str = "current", **options: Any) -> Config:
        """A fresh Alembic configuration, with the options of a command line for an `env.py` that reads them.

        Args:
            command: the stock command that does what is about to be done.
        """
        settings = self.settings
        cmd_opts = Namespace(
            config=[str(settings.config_file)] if settings.config_file else None,
            name=settings.section,
            x=list(settings.x_arguments),
            raiseerr=True,
            quiet=True,
            cmd=(STOCK_COMMANDS[command], [], list(options)),
            **{"sql": False, "tag": None, **options},
        )
        config = Config(
            settings.config_file,
            toml_file=settings.toml_file,
            ini_section=settings.section,
            stdout=io.StringIO(),
            cmd_opts=cmd_opts,
        )
        if not config.file_config.has_section(settings.section):
            if settings.section != "alembic" or (settings.config_file and not settings.toml_file):
                raise _no_section(settings, config.file_config.sections())
            config.file_config.add_section(settings.section)
        if config.get_alembic_option("script_location") is None and settings.script_location:
            config.set_main_option("script_location", _escaped(str(settings.script_location)))
        if settings.database_url_source == "--database-url":
            config.set_main_option("sqlalchemy.url", _escaped(settings.database_url))
        return config

    def script(self, config: Config | None = None) -> ScriptDirectory:
        """Alembic's view of the folder with the revision files."""
        with self.explained():
            script = ScriptDirectory.from_config(config or self.config())
            script.dir = str(Path(script.dir).absolute())
            if self._version_locations is not None:
                script.version_locations = self._version_locations
            self._add_restored(script)
            return script

    def _add_restored(self, script: ScriptDirectory) -> None:
        own = script.version_locations or [str(Path(script.dir) / "versions")]
        if self.restored is not None and str(self.restored) not in own:
            script.version_locations = [*own, str(self.restored)]

    def run(self, visit: Visit, **command: Any) -> None:
        """Run `env.py` on the project's database; `visit.work` is called where Alembic would run the revisions."""
        if self.is_ours:
            database = self.database()
            database.run(lambda connection: self._visit(visit, command, connection=connection, database=database))
        else:
            _outside_event_loop(lambda: self._visit_when_reachable(visit, command))

    def _visit_when_reachable(self, visit: Visit, command: dict[str, Any]) -> None:
        """An `env.py` that connects by itself is run again while its server starts, before anything is begun."""

        def comes_later(error: DatabaseError) -> bool:
            return not visit.contexts and bool(visit.attempts) and visit.attempts[-1].comes_later(error)

        timeout_s = self.settings.policy.wait_for_database_s if self._waits() else 0.0
        until_reachable(lambda: self._visit(visit, command), comes_later, timeout_s, self.on_unreachable)

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

    def run_as_sql(self, visit: Visit, output: TextIO, *, starting_rev: tuple[str, ...], reachable: bool) -> None:
        """Run `env.py` for its SQL; it goes to `output`, one `write` a statement.

        Args:
            reachable: False takes env.py's offline branch, because its own database cannot be connected to.
        """
        start = starting_rev or "base"
        visit.offline_database = self.database() if self.is_ours else self.offline_database
        if self.is_ours or not reachable:
            opts = {"as_sql": True, "starting_rev": start, "output_buffer": output}
        else:
            visit.output, visit.starting_rev, opts = output, start, {}
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
        if visit.offline_database is not None:
            config.attributes[DATABASE] = visit.offline_database
        if connection is not None:
            config.attributes[CONNECTION] = connection
            config.attributes[DATABASE] = database
        with self.at_home(), self._explained(visit), ExitStack() as stack:
            visit.attempts = stack.enter_context(watch_connections(makes_files=not visit.only_looks))
            script = ScriptDirectory.from_config(config)
            stack.enter_context(application_context(Path(script.dir) / "env.py"))
            visit.add_locations = self._add_restored
            hooks = Hooks(config, script, self.settings, visit, self._verbose, **context_opts or {})
            stack.callback(hooks.close)
            stack.enter_context(hooks.context)
            script.run_env()
            locations = (Path(location).absolute() for location in script._version_locations)
            self._version_locations = [str(location) for location in locations if location != self.restored]
        if visit.failure is not None:  # env.py has swallowed it
            seen = visit.databases or visit.attempts
            raise self.explain(visit.failure, seen[-1] if seen else None) from visit.failure
        if not visit.runs:
            raise EnvironmentFailed(
                f"{self.settings.shown(Path(script.dir))}/env.py ran no migrations",
                why="it ended without a call of context.run_migrations()",
                do="call it for each database, inside `with context.begin_transaction():`",
            )

    @contextlib.contextmanager
    def at_home(self) -> Iterator[None]:
        """In the project's folder, with whatever its code prints going to stderr: stdout is ours alone."""
        project = str(self.settings.project)
        added = project not in sys.path
        if added:
            sys.path.insert(0, project)  # as `python -m alembic` has it, run there
        try:
            with contextlib.chdir(project), contextlib.redirect_stdout(sys.stderr):
                yield
        finally:
            if added:
                with contextlib.suppress(ValueError):
                    sys.path.remove(project)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """`at_home`, with what the project's code raises in our words."""
        with self.at_home(), self._explained(Visit(lambda _heads, _context: ())):
            yield

    @contextlib.contextmanager
    def _explained(self, visit: Visit) -> Iterator[None]:
        try:
            yield
        except MigrateError:
            raise
        except (Exception, SystemExit) as error:
            seen = visit.databases or visit.attempts
            raise self.explain(error, seen[-1] if seen else None) from error

    def explain(self, error: BaseException, database: Database | None = None) -> MigrateError:
        """What a foreign exception out of `env.py`, a model or a revision file means to the user."""
        if isinstance(error, MigrateError):
            return error
        if database is None and "_env_source" in vars(self) and self.is_ours:
            database = open_database(self.settings.database_url)
        if isinstance(error, Exception) and database is not None:
            known = database.explain(error) or (database.explain_connecting(error) if _was_connecting(error) else None)
            if known is not None:
                return known
        if isinstance(error, DBAPIError):
            statement = " ".join((error.statement or "").split())
            return DatabaseError(hide_password(str(error.orig).strip().split("\n")[0]), why=f"in: {statement}", do=None)
        if isinstance(error, CommandError):
            return EnvironmentFailed(
                hide_password(str(error)), do="python oppman.py migrate check, or look into alembic.ini and env.py"
            )
        project = self.settings.project
        line = own_line(error, project)
        where = line.shown(project) if line else "env.py"
        if line is None or line.path.name == "env.py" or self._is_in_environment(line.path):
            return EnvironmentFailed(f"{where.split(': ')[0]} raised {one_line(error)}", why=where, do=remedy(error))
        return models_broken(error, project)

    def _is_in_environment(self, path: Path) -> bool:
        location = self.settings.script_location
        return location is not None and path.is_relative_to(location)


def open_configured(settings: Settings) -> Database:
    """The database that the settings name.

    Raises:
        ConfigurationError, UnsupportedDatabase: as `open_database`, and they say where the URL comes from.
        DriverMissing: the driver is not installed.
    """
    try:
        return open_by_policy(settings.database_url, settings.policy)
    except (ConfigurationError, UnsupportedDatabase) as error:
        source = f"the URL comes from {SOURCES.get(settings.database_url_source, settings.database_url_source)}"
        error.why = f"{error.why}; {source}" if error.why else source
        raise


def _not_initialised(settings: Settings, env_file: Path | None = None) -> NotInitialised:
    env_file = env_file or settings.env_file
    named_by = settings.config_file or settings.toml_file
    if env_file is None or named_by is None:
        return NotInitialised(
            f"migrations are not set up in {settings.project}",
            why="there is no alembic.ini and no env.py",
            do="python oppman.py migrate init",
        )
    return NotInitialised(
        f"{settings.shown(env_file)} does not exist",
        why=f"{settings.shown(named_by)} names {settings.shown(env_file.parent)} as the folder of the migrations",
        do=f"bring it back (git checkout -- {settings.shown(env_file.parent)}), or correct script_location there; "
        "to write it anew: python oppman.py migrate init",
        file=str(env_file),
    )


def _no_section(settings: Settings, sections: list[str]) -> ConfigurationError:
    others = [name for name in sections if not name.startswith(LOGGING)]
    return ConfigurationError(
        f"{settings.config_file} has no section [{settings.section}]",
        why=f"it has {', '.join(f'[{name}]' for name in others)}" if others else "it has none",
        do="name another with -n SECTION"
        if settings.section != "alembic"
        else "write the line [alembic] above the settings, or name another section with -n SECTION",
        section=settings.section,
    )


def _escaped(value: str) -> str:
    """A value for configparser, to which a percent sign means interpolation."""
    return value.replace("%", "%%")


def _was_connecting(error: BaseException) -> bool:
    """Was it raised by a driver that was to connect?"""
    frames = traceback.extract_tb(error.__traceback__)
    return any(
        frame.name == "import_dbapi"
        or (frame.name == "connect" and Path(frame.filename).match("sqlalchemy/engine/default.py"))
        for frame in frames
    )


def _outside_event_loop(call: Callable[[], T]) -> T:
    """Run it where no event loop runs: an async `env.py` calls asyncio.run(), which refuses to nest."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:
        return call()
    from concurrent.futures import ThreadPoolExecutor

    context = contextvars.copy_context()
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(context.run, call).result()
