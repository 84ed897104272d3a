"""Models against migrations: what `create` writes down and `check` reports."""

from collections.abc import Iterator
from typing import Any, Literal

from alembic.config import Config
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory

from oppmigrate.autogenerate import Draft
from oppmigrate.environment.session import Environment, Visit
from oppmigrate.planner import State, revision_step, run_in_scratch, step_of

ComparedWith = Literal["database", "scratch"]


def draft_revision(environment: Environment, state: State, message: str, **options: Any) -> tuple[Draft, ComparedWith]:
    """Compare the models with the migrations and draft the revision that would bring them together.

    The models are compared with the project's database where that is at the heads; otherwise with a scratch
    database that all revisions are run on, so that the answer is the same for a database that is behind,
    that does not exist yet, or that cannot be reached.

    Args:
        options: those of `Draft`.
    """
    config: Config = environment.config(autogenerate=True)
    script = environment.script(config)
    draft = Draft(config, script, message, **options)
    if state.is_at_heads:
        environment.run(Visit(_compare(draft)), autogenerate=True)
        return draft, "database"
    visit = Visit(_upgrade_and_compare(draft, state))
    run_in_scratch(environment, state, visit, autogenerate=True)
    return draft, "scratch"


def _compare(draft: Draft) -> Any:
    def work(heads: tuple[str, ...], context: MigrationContext) -> tuple[RevisionStep, ...]:
        draft.autogenerate(heads, context)
        return ()

    return work


def _upgrade_and_compare(draft: Draft, state: State) -> Any:
    def work(_heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        for file in state.graph.upgrade_path("heads", ()):
            yield revision_step(context, step_of(file, "upgrade"))
        # Alembic asks for more steps once the last one is applied: the scratch database stands at the heads
        draft.autogenerate(context.get_current_heads(), context)

    return work


def empty_draft(environment: Environment, message: str, **options: Any) -> Draft:
    """A revision with nothing in it, for what is written by hand. Asks neither models nor database."""
    config = environment.config()
    script: ScriptDirectory = environment.script(config)
    return Draft(config, script, message, **options)
