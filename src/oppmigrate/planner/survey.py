"""What a plan does, told from its revisions' functions alone: in words, and whether rows or values are at stake."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from oppmigrate.autogenerate import describe
from oppmigrate.autogenerate.effects import Effect, effect_of, tables_of
from oppmigrate.databases import Database
from oppmigrate.environment.session import Environment
from oppmigrate.errors import MigrateError, RevisionFileBroken
from oppmigrate.planner.recording import Recording, record_plan
from oppmigrate.planner.state import State
from oppmigrate.results import Plan, Step

UNKNOWN = "what it does to rows cannot be told without running it"


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a plan means for what the database holds.

    Args:
        plan: with its steps' changes in words, tables, `transactional` and `data_steps`; without their SQL.
        changes: why rows are changed, or something that was there goes; a line each, the worst first.
        losses: why values may be gone afterwards that no downgrade brings back.
    """

    plan: Plan
    changes: tuple[str, ...]
    losses: tuple[str, ...]


def assess(environment: Environment, state: State, plan: Plan) -> Assessment:
    """Say what a plan would do, running and asking nothing; where that cannot be told, the worst is taken for true.

    Raises:
        RevisionFileBroken: a file has no such function.
    """
    return assessed(state.database, plan, record_or_doubt(environment, state, plan))


def record_or_doubt(environment: Environment, state: State, plan: Plan) -> Mapping[str, Recording]:
    """The recordings; none where `env.py` cannot be run for SQL."""
    try:
        return record_plan(environment, state, plan)
    except RevisionFileBroken:
        raise
    except MigrateError:
        return {}


def assessed(database: Database, plan: Plan, recordings: Mapping[str, Recording]) -> Assessment:
    """The assessment of recorded steps; of a step with no recording anything is possible."""
    unknown = Recording(is_whole=False)
    steps: list[Step] = []
    changes: list[str] = []
    losses: list[str] = []
    for step in plan.steps:
        recording = recordings.get(step.revision, unknown)
        steps.append(_described(database, step, recording))
        for text, effect in _effects(recording):
            line = f"revision {step.revision}: {text}"
            if effect.changes_rows or effect.drops or effect.converts or (effect.rewrites and database.rebuilds_tables):
                changes.append(line)
            if effect.loses_data or effect.converts:
                losses.append(line)
    worst_first = dict.fromkeys((*losses, *changes))
    return Assessment(replace(plan, steps=tuple(steps)), tuple(worst_first), tuple(losses))


def _effects(recording: Recording) -> Iterator[tuple[str, Effect]]:
    for operation in recording.operations:
        yield describe(operation).text, effect_of(operation)
    if not recording.is_whole:
        yield UNKNOWN, Effect(changes_rows=True, loses_data=True)


def _described(database: Database, step: Step, recording: Recording) -> Step:
    effects = [effect_of(operation) for operation in recording.operations]
    defines = not recording.is_whole or any(each.defines for each in effects)
    named = (table for operation in recording.operations for table in tables_of(operation))
    return replace(
        step,
        changes=tuple(describe(operation) for operation in recording.operations),
        transactional=not recording.autocommits and (database.rolls_back_ddl or not defines),
        tables=tuple(dict.fromkeys((*named, *(table for each in effects for table in each.tables)))),
        data_steps=not recording.is_whole or any(each.changes_rows for each in effects),
    )
