"""`stamp`: recording where a database stands, running nothing."""

from typing import Any

from alembic.runtime.migration import MigrationContext

from oppmigrate.config import Policy
from oppmigrate.environment.hooks import Visit
from oppmigrate.environment.session import Environment
from oppmigrate.executor.applying import refuse_in_connection
from oppmigrate.executor.run import Story, waiting
from oppmigrate.executor.version_table import refuse_long_ids
from oppmigrate.planner import State, read_state
from oppmigrate.recorder import Journal
from oppmigrate.results import StampResult


def stamp(
    environment: Environment, state: State, target: str, policy: Policy, *, purge: bool, tell: Story | None = None
) -> StampResult:
    """Record `target` as applied, running nothing. What stood half done is settled by it.

    Args:
        purge: forget every recorded head first, those with no file too.
        tell: told whom it waits for.
    """

    def work(heads: tuple[str, ...], context: MigrationContext) -> list[Any]:
        assert context.script is not None and context.connection is not None
        steps = list(context.script._stamp_revs(target, heads))
        refuse_long_ids(visit.databases[-1], context, (each for step in steps for each in step.to_revisions))
        Journal.beside(context, policy.journal_table).forget_unfinished(context.connection)
        return steps

    refuse_in_connection(environment, state)
    visit = Visit(work, writes=True, purge=purge, lock_timeout_s=policy.lock_timeout_s, on_wait=waiting(tell))
    environment.run(visit, command="stamp", revision=target)
    return StampResult(state.heads, read_state(environment).heads)
