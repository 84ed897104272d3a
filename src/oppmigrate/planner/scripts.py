"""A plan as one SQL script, which the server's own client runs."""

from collections.abc import Iterator, Mapping

from oppmigrate.databases import Database
from oppmigrate.environment.session import Environment
from oppmigrate.errors import NotScriptable, UnsupportedDatabase
from oppmigrate.planner.details import with_sql
from oppmigrate.planner.recording import Recording
from oppmigrate.planner.state import State
from oppmigrate.planner.survey import assessed, record_or_doubt
from oppmigrate.planner.writing import Written, write_sql
from oppmigrate.results import Plan, Script


def write_script(environment: Environment, state: State, plan: Plan) -> Script:
    """Write the script that brings a database from where the plan starts to its end, `alembic_version` with it.

    Raises:
        NotScriptable: a revision's SQL cannot be told without the rows that it finds.
        UnsupportedDatabase: `env.py` migrates several.
        EnvironmentFailed, ModelsBroken: `env.py` raises where it is run for SQL.
    """
    if len(state.databases) > 1:
        raise UnsupportedDatabase(
            f"env.py migrates {len(state.databases)} databases, and a script is for one",
            why=", ".join(dict.fromkeys(each.safe_url for each in state.databases)),
            do="stock Alembic writes those of this env.py: alembic upgrade head --sql",
        )
    recordings = record_or_doubt(environment, state, plan)
    written = write_sql(environment, state, plan, recordings, for_script=True)
    if written.error is not None:
        raise written.error
    _refuse_untold(plan, written)
    warnings = tuple(_warnings(plan, recordings, written))
    statements = _with_gaps_filled(state.database, plan, recordings, written)
    detailed = with_sql(assessed(state.database, plan, recordings).plan, recordings, written)
    text = "\n\n".join(["\n".join(_head(state.database, plan, warnings)), *statements]) + "\n"
    return Script(detailed, state.database.url.get_backend_name(), text, warnings)


def _refuse_untold(plan: Plan, written: Written) -> None:
    for step in plan.steps:
        if step.revision in written.failures:
            raise NotScriptable(
                f"revision {step.revision} ({step.message}) cannot be written as SQL",
                why=f"what it runs depends on what it finds in the database ({written.failures[step.revision]})",
                do=f"carry it out: python oppman.py migrate {step.direction} {step.revision}; "
                "scripts for what comes before and after it: FROM:TO --sql",
                revision=step.revision,
            )


def _warnings(plan: Plan, recordings: Mapping[str, Recording], written: Written) -> Iterator[str]:
    """What a person has to know before running the script."""
    for step in plan.steps:
        recording = recordings.get(step.revision)
        if step.revision in written.heard:
            continue
        if recording is None or not recording.is_whole:
            yield (
                f"revision {step.revision} ({step.message}) asks the database in Python as it goes. Its statements "
                "below are those for an EMPTY database: with rows there are others. Carry it out with: "
                f"python oppman.py migrate {step.direction} {step.revision}"
            )
        elif step.revision in written.gaps:
            yield (
                f"revision {step.revision} ({step.message}) rebuilds tables, and below they are built as the "
                "revisions define them: a column, an index or a trigger that somebody added by hand would be lost"
            )


def _with_gaps_filled(
    database: Database, plan: Plan, recordings: Mapping[str, Recording], written: Written
) -> list[str]:
    assert written.script is not None
    statements = list(written.script)
    for step in reversed(plan.steps):
        if step.revision not in written.gaps:
            continue
        place, own = written.gaps[step.revision], written.sql[step.revision]
        recording = recordings.get(step.revision)
        if recording is not None and recording.autocommits and database.rolls_back_ddl:
            own = ("COMMIT;", *own, "BEGIN;")
        statements[place:place] = own
    rebuilds = written.gaps or any(each.batches for each in recordings.values())
    return [*(database.script_head if rebuilds else ()), *statements] if plan.steps else []


def _head(database: Database, plan: Plan, warnings: tuple[str, ...]) -> Iterator[str]:
    start, end = (", ".join(heads) or "base" for heads in (plan.start, plan.end))
    yield f"-- {plan.direction} from {start} to {end}, for {database.name}"
    yield f"-- to run it: {database.script_command}" if plan.steps else "-- there is nothing to do"
    for warning in warnings:
        yield f"--\n-- WARNING: {warning}"
