"""What each step of a plan does: its operations in words, its SQL for this database, and what is at stake."""

from collections.abc import Mapping
from dataclasses import replace

from oppmigrate.data.reading import data_step
from oppmigrate.environment.session import Environment
from oppmigrate.planner.backup_need import backup_need
from oppmigrate.planner.paths import step_of
from oppmigrate.planner.recording import Recording
from oppmigrate.planner.stakes import count_at_stake
from oppmigrate.planner.state import State, tips
from oppmigrate.planner.survey import assessed, record_or_doubt
from oppmigrate.planner.writing import Written, write_sql
from oppmigrate.results import Change, Plan, Step
from oppmigrate.revisions import RevisionFile

ASKS = "it asks the database as it goes: where there are rows it may do more than is shown"


def with_details(environment: Environment, state: State, plan: Plan, *, backup: bool | None = None) -> Plan:
    """The plan with all that can be known of it beforehand. Changes nothing.

    Each step's operations in words, its tables, its SQL for this database; how many rows are at stake where something
    is dropped; whether a backup would be taken first. The SQL comes from Alembic's offline mode; where a step needs an
    answer of a database to go on (a table rebuild, a data step), from running the plan in a scratch database.

    Args:
        backup: what the command line says, over the policy.
    """
    recordings = record_or_doubt(environment, state, plan)
    assessment = assessed(state.database, plan, recordings)
    need = backup_need(state, plan, environment.settings.policy, backup, lambda: assessment)
    written = write_sql(environment, state, plan, recordings)
    detailed = with_sql(assessment.plan, recordings, written)
    return with_data_steps(replace(count_at_stake(state, detailed, recordings), backup=need), written)


def details_of(environment: Environment, state: State, file: RevisionFile) -> tuple[Step, Step]:
    """One revision's upgrade and downgrade in words and as SQL, wherever the database stands."""
    below = state.graph.applied((file.revision,)) - {file.revision}
    before, after = tips(state.graph, below), (file.revision,)
    up = Plan("upgrade", file.revision, before, after, (step_of(file, "upgrade"),))
    down = Plan("downgrade", file.revision, after, before, (step_of(file, "downgrade"),))
    return _detailed(environment, state, up), _detailed(environment, state, down)


def _detailed(environment: Environment, state: State, plan: Plan) -> Step:
    recordings = record_or_doubt(environment, state, plan)
    written = write_sql(environment, state, plan, recordings)
    detailed = with_sql(assessed(state.database, plan, recordings).plan, recordings, written)
    return with_data_steps(detailed, written).steps[0]


def with_sql(plan: Plan, recordings: Mapping[str, Recording], written: Written) -> Plan:
    """The plan with the SQL that was written, and what is to be known of it."""

    def detailed(step: Step) -> Step:
        recording = recordings.get(step.revision)
        is_told = recording is None or recording.is_whole or step.revision in written.heard
        note = None if is_told else ASKS
        if step.revision in written.failures:
            note = f"its SQL depends on the rows that it finds ({written.failures[step.revision]})"
        return replace(step, sql=written.sql.get(step.revision, ()), sql_note=note)

    return replace(plan, steps=tuple(detailed(step) for step in plan.steps))


def with_data_steps(plan: Plan, written: Written) -> Plan:
    """The plan with the tables of its data steps, of which recording one finds the first only."""

    def detailed(step: Step) -> Step:
        more = [name for name in written.tables.get(step.revision, ()) if name not in step.tables]
        changes = (Change(name, data_step(name)) for name in more)
        return replace(step, changes=(*step.changes, *changes), tables=(*step.tables, *more))

    return replace(plan, steps=tuple(detailed(step) for step in plan.steps))
