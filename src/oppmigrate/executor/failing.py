"""What is said, and written down, of a run that did not come to its end."""

import contextlib
from datetime import UTC, datetime

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from oppmigrate.blame import line_behind
from oppmigrate.environment.session import Environment
from oppmigrate.errors import (
    DatabaseError,
    DatabaseLocked,
    DatabaseReadOnly,
    EnvironmentFailed,
    MigrateError,
    MigrationFailed,
    Refused,
    RowsDoNotFit,
)
from oppmigrate.executor.pieces import steps_done
from oppmigrate.executor.remaining import named
from oppmigrate.executor.run import Run
from oppmigrate.planner import read_state
from oppmigrate.recorder import JournalEntry

# nothing is wrong with the revision, and nothing of it has been done
REFUSALS = (RowsDoNotFit, DatabaseLocked, DatabaseReadOnly, Refused)


def failure(environment: Environment, run: Run, error: MigrateError) -> MigrateError:
    """The error of a step, with the line of the revision file and where the database stands."""
    heads = read_state(environment).heads
    step = run.running
    if isinstance(error, REFUSALS) and run.state.database.rolls_back_ddl:
        run.discard_backup()
    half_done = _write_down(run, error)
    told = stands(run, heads, half_done)
    if step is None or set(heads) == set(run.plan.end):
        return EnvironmentFailed(error.what, why=error.why, do=f"{told}. {error.do or ''}".rstrip(), heads=list(heads))
    at = line_behind(error, step.path, environment.settings.project)
    remedy = f"mend {environment.settings.shown(step.path)}, then run the command again"
    if isinstance(error, MigrationFailed) and error.do:
        remedy = f"{error.do} ({environment.settings.shown(step.path)})"
    elif isinstance(error, DatabaseError | Refused) and error.do:
        remedy = error.do  # it is not the file's fault
    kind = type(error) if isinstance(error, MigrationFailed) else MigrationFailed
    facts = {**error.facts, "revision": step.revision, "heads": list(heads)}
    if run.backup:
        facts["backup"] = str(run.backup)
    what = f"revision {step.revision} ({step.message}), {step.direction}: {error.what}"
    if error.what.startswith(f"revision {step.revision} "):
        what = error.what  # it says so itself
    return kind(
        f"{what}{at}",
        why=error.why,
        do=f"{told}. {remedy[:1].upper()}{remedy[1:]}",
        **facts,
    )


def stands(run: Run, heads: tuple[str, ...], half_done: JournalEntry | None = None) -> str:
    """Where the database stands after a run that did not come to its end."""
    text = f"the database stands at {named(heads)}"
    if half_done is not None:
        done = steps_done(half_done.progress)
        text += f", and half way in the {half_done.direction} of {half_done.revision}: "
        text += f"{len(done)} statement{'s'[: len(done) != 1]} committed" + (f", the last: {done[-1]}" if done else "")
        text += "; the next run goes on from there"
    elif set(heads) == set(run.plan.start):
        text += ", as before: nothing was changed"
    if run.backup:
        text += f"; the backup from before is {run.backup}"
    return text


def _write_down(run: Run, error: MigrateError) -> JournalEntry | None:
    """Tell the journal of the failure; returns what stands half done. A run that changed nothing leaves no trace."""
    step, journal = run.running, run.journal
    if step is None or journal is None:
        return None

    def work(connection: Connection) -> JournalEntry | None:
        half_done = journal.unfinished(connection)
        if half_done is not None:
            journal.finish(connection, half_done.id, outcome="failed", error=error.what, duration_ms=None)
        elif run.done and journal.exists(connection):
            facts = run.entry_facts(step)
            now = datetime.now(UTC)
            journal.record(connection, **facts, started=now, duration_ms=0.0, outcome="failed", error=error.what)
        connection.commit()
        return half_done

    with contextlib.suppress(MigrateError, DBAPIError):  # the database may be what failed
        return run.state.database.run(work)
    return None
