"""From where the database stands to a target: the steps of a plan, with nothing of them looked at yet."""

from collections.abc import Collection, Iterable, Sequence

from oppmigrate.planner.state import State, refuse_missing, tips
from oppmigrate.results import Direction, Plan, Step
from oppmigrate.revisions import Graph, RevisionFile


def plan_upgrade(state: State, target: str) -> Plan:
    """The revisions from where the database stands to `target`.

    Raises:
        RevisionError: the target cannot be resolved, or the database stands at a revision with no file.
    """
    refuse_missing(state)
    files = state.graph.upgrade_path(target, state.heads)
    return _plan("upgrade", state, target, files)


def plan_downgrade(state: State, target: str) -> Plan:
    """The revisions from where the database stands back to `target`. Raises as `plan_upgrade`."""
    refuse_missing(state)
    files = state.graph.downgrade_path(target, state.heads)
    return _plan("downgrade", state, target, files)


def step_of(file: RevisionFile, direction: Direction) -> Step:
    """A step with its facts, its operations and SQL not looked at yet."""
    return Step(file.revision, direction, file.message, file.path, file.checksum, file.down_revisions)


def _plan(direction: Direction, state: State, target: str, files: Sequence[RevisionFile]) -> Plan:
    steps = tuple(step_of(file, direction) for file in files)
    return Plan(direction, target, state.heads, heads_after(state.graph, state.heads, steps), steps)


def heads_after(graph: Graph, heads: Collection[str], steps: Iterable[Step]) -> tuple[str, ...]:
    """The heads that the version table will hold after the steps."""
    applied = set(graph.applied(heads))
    for step in steps:
        (applied.add if step.direction == "upgrade" else applied.discard)(step.revision)
    return tips(graph, applied)
