"""Steps as Alembic runs them, and the throw-away database to run them on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep

from oppmigrate.environment.hooks import Visit
from oppmigrate.environment.session import Environment
from oppmigrate.errors import RevisionFileBroken, UnsupportedDatabase
from oppmigrate.planner.state import State
from oppmigrate.results import Direction, Step
from oppmigrate.revisions import RevisionFile


@dataclass(frozen=True, slots=True)
class TriedStep:
    """A step that is run on a throw-away database, where no plan has to tell of it, nor a journal."""

    file: RevisionFile
    direction: Direction

    @property
    def revision(self) -> str:
        return self.file.revision

    @property
    def message(self) -> str:
        return self.file.message

    @property
    def path(self) -> Path:
        return self.file.path


def run_in_scratch(environment: Environment, state: State, visit: Visit, **command: Any) -> None:
    """Run `env.py` on an empty throw-away database of the same kind, which is gone afterwards."""
    if state.reachable and not environment.is_ours:
        visit.writes = visit.in_scratch = True
        environment.run(visit, **command)
        return
    if environment.offline_database is not None and not state.database.scratches_in_memory:
        raise UnsupportedDatabase("it would have to be run, and no database is asked")
    with state.database.scratch() as scratch:
        offline = not environment.is_ours
        scratch.run(lambda connection: environment.run_on(scratch, connection, visit, offline=offline, **command))


def noted_step(context: MigrationContext, step: TriedStep, note: Callable[[TriedStep], None]) -> RevisionStep:
    """`revision_step`, and `note` is told when it begins: what is raised then came of it."""
    runnable = revision_step(context, step)
    migrate = runnable.migration_fn

    def run(**kw: object) -> None:
        note(step)
        migrate(**kw)

    runnable.migration_fn = run
    return runnable


def revision_step(context: MigrationContext, step: Step | TriedStep) -> RevisionStep:
    """Alembic's runnable form of a step, its module loaded."""
    assert context.script is not None
    script = context.script.get_revision(step.revision)
    if not callable(getattr(script.module, step.direction, None)):
        raise RevisionFileBroken(
            f"revision {step.revision} cannot be {'applied' if step.direction == 'upgrade' else 'undone'}: "
            f"{step.path.name} has no {step.direction}()",
            why=f"Alembic runs the file's function of that name; nothing of this {step.direction} was run",
            do=f"write `def {step.direction}() -> None:` in {step.path}, with what it is to do (or `pass`)",
            revision=step.revision,
            path=str(step.path),
        )
    revision_map = context.script.revision_map
    if step.direction == "upgrade":
        return MigrationStep.upgrade_from_script(revision_map, script)
    return MigrationStep.downgrade_from_script(revision_map, script)
