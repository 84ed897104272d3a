"""What every side of the manager starts from: the settings, `env.py`, and where the database stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from oppmigrate.config import Settings, load_settings
from oppmigrate.errors import DatabaseError, EnvironmentFailed, ModelsBroken, NotInitialised, RevisionFileMissing

if TYPE_CHECKING:
    from oppmigrate.databases import Database
    from oppmigrate.environment.session import Environment
    from oppmigrate.planner import State


class ProjectManager:
    """One project; the heavy imports wait until a method needs them."""

    def __init__(self, settings: Settings | Path | str, *, verbose: bool = False) -> None:
        self.settings = settings if isinstance(settings, Settings) else load_settings(Path(settings))
        self._verbose = verbose
        self.on_unreachable: Callable[[str], None] | None = None  # told why, while the database's server starts

    def _environment(self, lock_timeout_s: float | None = None) -> Environment:
        from oppmigrate.environment.session import Environment

        environment = Environment(self.settings, verbose=self._verbose)
        environment.lock_timeout_s = lock_timeout_s
        environment.on_unreachable = self.on_unreachable
        return environment

    def _state(self, environment: Environment) -> State:
        from oppmigrate.planner import read_state

        state: State = read_state(environment)
        return state

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
