"""What every side of the manager starts from: the settings, `env.py`, and where the database stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from oppmigrate import results
from oppmigrate.config import Settings, load_settings
from oppmigrate.errors import (
    DatabaseError,
    EnvironmentFailed,
    MigrateError,
    MigrationFailed,
    MissingParent,
    ModelsBroken,
    NotInitialised,
    RevisionFileMissing,
)

if TYPE_CHECKING:
    from oppmigrate.databases import Database
    from oppmigrate.environment.session import Environment
    from oppmigrate.planner import State


SHOW = "python oppman.py migrate show {} --from-journal"


class ProjectManager:
    """One project; the heavy imports wait until a method needs them."""

    def __init__(self, settings: Settings | Path | str, *, verbose: bool = False) -> None:
        self.settings = settings if isinstance(settings, Settings) else load_settings(Path(settings))
        self._verbose = verbose
        self.on_unreachable: Callable[[str], None] | None = None  # told why, while the database's server starts
        self._restored: Path | None = None  # a folder with files that the project lacks

    def _environment(self, lock_timeout_s: float | None = None) -> Environment:
        from oppmigrate.environment.session import Environment

        environment = Environment(self.settings, verbose=self._verbose)
        environment.lock_timeout_s = lock_timeout_s
        environment.on_unreachable = self.on_unreachable
        environment.restored = self._restored
        return environment

    @contextmanager
    def _files_from_journal(self, wanted: bool) -> Iterator[None]:
        """Meanwhile, what the project lacks counts as its own files; nothing else where it is not `wanted`."""
        from oppmigrate.journals import restored_files

        if not wanted:
            yield
            return
        with restored_files(self._environment()) as folder:
            self._restored = folder
            try:
                yield
            except MigrationFailed as error:
                revision = error.facts.get("revision", "")
                brought = f"the file that `{SHOW.format(revision)} > FILE` brings back"
                error.do = (error.do or "").replace(str(folder / f"{revision}.py"), brought)
                raise
            finally:
                self._restored = None

    def edited(self) -> tuple[results.EditedRevision, ...]:
        """The applied revisions whose files mean something else than what was applied; nothing without a journal."""
        environment = self._environment()
        return self._edited(environment, self._state(environment))

    def _edited(self, environment: Environment, state: State, *revisions: str) -> tuple[results.EditedRevision, ...]:
        """The edited ones among the revisions, by default among all that are applied."""
        from oppmigrate.journals import edited_revisions

        applied = state.graph.applied(state.heads)
        wanted = applied.intersection(revisions) if revisions else applied
        found: tuple[results.EditedRevision, ...] = edited_revisions(environment, state.graph, wanted)
        return found

    def _state(self, environment: Environment) -> State:
        from oppmigrate.planner import read_state

        try:
            state: State = read_state(environment)
        except MissingParent as error:
            missing, folder = error.facts["missing"], Path(error.facts["path"]).parent
            self._offer_stored(environment, missing, error, into=folder / f"{missing}.py")
            raise
        return state

    def _offer_stored(
        self, environment: Environment, revision: str, error: MigrateError, *, into: Path | None = None
    ) -> None:
        """Say that the journal holds the file of a revision that the project does not know, where it does."""
        from oppmigrate.journals import stored_among

        with suppress(MigrateError):  # the error at hand is the one to tell
            if stored_among(environment, (revision,)):
                bring = f"{SHOW.format(revision)}{f' > {self.settings.shown(into)}' if into else ''}"
                error.do = f"the journal has kept its file: {bring}"

    def _reachable_state(self, environment: Environment) -> State:
        """The state for `create`, which does without the project's database where that cannot be reached."""
        from oppmigrate.planner import state_without_database

        try:
            return self._state(environment)
        except DatabaseError:
            state = state_without_database(environment)
            if not state.database.backends:
                raise  # not even its kind is known
            return state

    def _state_if_reachable(self, environment: Environment) -> tuple[State, str | None]:
        """The state; where the database cannot be asked, the files' side of it and the reason."""
        from oppmigrate.planner import refuse_missing, state_without_database

        try:
            state = self._state(environment)
        except (DatabaseError, EnvironmentFailed, ModelsBroken) as error:
            return state_without_database(environment), error.what
        try:
            refuse_missing(state)
        except RevisionFileMissing as error:
            return state, error.what
        return state, None

    def _database(self) -> Database:
        """The project's database: as an adopted `env.py` decides it, else as the settings do."""
        from oppmigrate.environment.session import open_configured
        from oppmigrate.planner import locate_database

        try:
            environment = self._environment()
        except NotInitialised:
            return open_configured(self.settings)
        return locate_database(environment)

    def _heads(self, database: Database) -> tuple[str, ...]:
        """The recorded heads of the project's database, wherever it keeps them."""
        from oppmigrate.recorder import read_heads

        try:
            environment = self._environment()
            if not environment.is_ours or environment.sets_version_table:
                return self._state(environment).heads
        except NotInitialised:
            pass
        return database.run(read_heads)
