"""What of a plan is left to be done, from where the database is found under the lock."""

from dataclasses import replace

from oppmigrate.errors import DatabaseLocked, RevisionFileMissing
from oppmigrate.executor.run import Run
from oppmigrate.planner import State, heads_after, plan_upgrade, refuse_missing, step_of
from oppmigrate.recorder import JournalEntry
from oppmigrate.results import Plan, Step


def remaining(run: Run, heads: tuple[str, ...]) -> Plan:
    """The plan, less what this run has done before it had to begin anew, and less what another process has done.

    Raises:
        DatabaseLocked: a downgrade finds the database where it was not planned from.
    """
    plan, graph = run.plan, run.state.graph
    if set(heads) == set(plan.start):
        return plan
    for done in range(1, len(plan.steps) + 1):
        if set(heads) == set(heads_after(graph, plan.start, plan.steps[:done])):
            return replace(plan, start=tuple(sorted(heads)), steps=plan.steps[done:])
    if plan.direction == "downgrade":
        raise DatabaseLocked(
            f"the database stands at {named(heads)}, and the downgrade was planned from {named(plan.start)}",
            why="another process moved it meanwhile, or env.py migrates several databases that stand apart",
            do="look at where it stands (python oppman.py migrate current), then run the command again",
        )
    return _rest_of_upgrade(run, heads)


def _rest_of_upgrade(run: Run, heads: tuple[str, ...]) -> Plan:
    state = replace(run.state, heads=tuple(sorted(heads)), exists=True)
    refuse_missing(state)
    applied = state.graph.applied(heads)
    if not state.graph.applied(run.plan.start) <= applied:
        return plan_upgrade(state, run.plan.target)
    steps = tuple(step for step in run.plan.steps if step.revision not in applied)
    return replace(run.plan, start=state.heads, end=heads_after(state.graph, heads, steps), steps=steps)


def finished_first(state: State, plan: Plan, half_done: JournalEntry) -> Plan:
    """The plan with a step before it that ends what an earlier run left half done, in whichever direction that went.

    Raises:
        RevisionFileMissing: there is no file of that revision any more.
    """
    graph, revision = state.graph, half_done.revision
    if plan.steps and (plan.steps[0].revision, plan.steps[0].direction) == (revision, half_done.direction):
        return plan
    if revision not in graph.revisions:
        raise RevisionFileMissing(
            f"revision {revision} stands half done in the database, and no file defines it",
            why=f"its {half_done.direction} was interrupted at {half_done.started:%Y-%m-%d %H:%M:%S} UTC",
            do=f"bring the file back; the journal holds it: python oppman.py migrate show {revision} --from-journal",
            revisions=[revision],
        )
    first = step_of(graph.revisions[revision], half_done.direction)
    if plan.direction == "upgrade":
        return _then_up(state, plan, first)
    rest = tuple(step for step in plan.steps if step.revision != revision)
    if first.direction == "upgrade" and revision not in graph.applied(plan.end):
        rest = (step_of(graph.revisions[revision], "downgrade"), *rest)
    if first.direction == "downgrade" and revision in graph.applied(plan.end):
        rest = (*rest, step_of(graph.revisions[revision], "upgrade"))
    return replace(plan, steps=(first, *rest))


def _then_up(state: State, plan: Plan, first: Step) -> Plan:
    heads = heads_after(state.graph, plan.start, [first])
    rest = plan_upgrade(replace(state, heads=heads, exists=True), plan.target)
    return replace(plan, end=rest.end, steps=(first, *rest.steps))


def named(heads: tuple[str, ...]) -> str:
    """Heads as people read them."""
    return ", ".join(heads) or "base"
