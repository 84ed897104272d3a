"""The only module that changes a database: lock, steps, checks, record."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import inspect

from oppmigrate.blame import line_behind
from oppmigrate.databases import Database
from oppmigrate.environment.hooks import Visit
from oppmigrate.environment.session import Environment
from oppmigrate.errors import (
    DatabaseError,
    DatabaseLocked,
    EnvironmentFailed,
    MigrateError,
    MigrationFailed,
    RevisionError,
    UnsupportedDatabase,
)
from oppmigrate.planner import (
    State,
    common_heads,
    heads_after,
    plan_upgrade,
    read_state,
    refuse_missing,
    revision_step,
)
from oppmigrate.results import ApplyResult, Plan, StampResult, Step


class Progress(Protocol):
    """Told of each step as it begins and ends; the command line draws it."""

    def __call__(self, step: Step, event: Literal["begin", "end"], duration_ms: float) -> None: ...


@dataclass
class _Run:
    """One application of a plan, as far as it has come. `ends`: where each database that env.py migrates is to be."""

    state: State
    plan: Plan
    progress: Progress | None
    done: list[Step] = field(default_factory=list)
    begun: bool = False
    running: Step | None = None
    ends: list[tuple[str, ...]] = field(default_factory=list)


def apply(
    environment: Environment, state: State, plan: Plan, *, lock_timeout_s: float, progress: Progress | None = None
) -> ApplyResult:
    """Carry out exactly the plan; where another process was quicker, what is left of it.

    Raises:
        MigrationFailed: a revision raised. The message says where the database stands now.
        DatabaseLocked: another run still held the database after `lock_timeout_s`.
        EnvironmentFailed: `env.py` did not leave the database where the plan ends.
        KeyboardInterrupt: with a text that says where the database stands now.
    """
    _refuse_in_connection(environment, state)
    started = time.perf_counter()
    run = _Run(state, plan, progress)
    visit = Visit(lambda heads, context: _steps(visit, run, heads, context), True, lock_timeout_s=lock_timeout_s)
    try:
        environment.run(visit, command=plan.direction, revision=plan.target)
    except MigrateError as error:
        if not run.begun:
            raise
        raise _failure(environment, run, error) from error
    except KeyboardInterrupt as interrupt:
        if run.begun and not interrupt.args:
            with contextlib.suppress(MigrateError):
                interrupt.args = (_stands(run, read_state(environment).heads),)
        raise
    heads = _verified_heads(environment, run)
    done = replace(run.plan, end=heads, steps=tuple(dict.fromkeys(run.done)))
    return ApplyResult(done, heads, (time.perf_counter() - started) * 1000)


def stamp(environment: Environment, state: State, target: str, *, purge: bool, lock_timeout_s: float) -> StampResult:
    """Record `target` as applied, running nothing.

    Args:
        purge: forget every recorded head first, those with no file too.
    """

    def work(heads: tuple[str, ...], context: MigrationContext) -> list[Any]:
        assert context.script is not None
        steps = list(context.script._stamp_revs(target, heads))
        _refuse_long_ids(visit.databases[-1], context, (each for step in steps for each in step.to_revisions))
        return steps

    _refuse_in_connection(environment, state)

    visit = Visit(work, writes=True, purge=purge, lock_timeout_s=lock_timeout_s)
    environment.run(visit, command="stamp", revision=target)
    return StampResult(state.heads, read_state(environment).heads)


def restore(database: Database, backup: Path) -> None:
    """Put a backup in the place of the database; the backup is proved readable first."""
    database.restore(backup)


def delete(database: Database) -> tuple[str, ...]:
    """Remove everything that the database holds, and say what that was."""
    return database.delete()


def _steps(visit: Visit, run: _Run, heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
    """The plan's steps, given to Alembic under the lock, one at a time."""
    plan = run.plan if set(heads) == set(run.plan.start) else _replanned(run, heads)
    run.ends.append(plan.end)
    database = visit.databases[-1]
    assert context.connection is not None
    # all of it is looked at before the first step changes anything
    runnables = [revision_step(context, step) for step in plan.steps]
    _refuse_long_ids(database, context, (step.revision for step in plan.steps if step.direction == "upgrade"))
    for step, runnable in zip(plan.steps, runnables, strict=True):
        runnable.migration_fn = _told(run, step, runnable.migration_fn)
        yield runnable
        if not database.one_transaction:
            _end(run, step)
    if database.one_transaction:
        database.check_integrity(context.connection)


def _told(run: _Run, step: Step, migrate: Callable[..., None]) -> Callable[..., None]:
    def run_told(**kw: object) -> None:
        run.running, run.begun = step, True
        started = time.perf_counter()
        if run.progress:
            run.progress(step, "begin", 0.0)
        migrate(**kw)
        run.done.append(step)
        if run.progress:
            run.progress(step, "end", (time.perf_counter() - started) * 1000)

    return run_told


def _end(run: _Run, step: Step) -> None:
    """The step is committed: what fails from here on is not its fault."""
    assert run.running == step
    run.running = None


def _replanned(run: _Run, heads: tuple[str, ...]) -> Plan:
    """The database is not where the plan begins: an upgrade does what is left.

    Another process moved it between the plan and the lock, or env.py migrates several that stand apart.
    """
    if run.plan.direction == "downgrade":
        raise DatabaseLocked(
            f"the database stands at {_named(heads)}, and the downgrade was planned from {_named(run.plan.start)}",
            why="another process moved it meanwhile, or env.py migrates several databases that stand apart",
            do="look at where it stands (python oppman.py migrate current), then run the command again",
        )
    state = replace(run.state, heads=tuple(sorted(heads)), exists=True)
    refuse_missing(state)
    applied = state.graph.applied(heads)
    if not state.graph.applied(run.plan.start) <= applied:
        return plan_upgrade(state, run.plan.target)
    steps = tuple(step for step in run.plan.steps if step.revision not in applied)
    return replace(run.plan, start=state.heads, end=heads_after(state.graph, heads, steps), steps=steps)


def _verified_heads(environment: Environment, run: _Run) -> tuple[str, ...]:
    """Read the version table back: an `env.py` that swallowed an error or did nothing is never called success."""
    heads = read_state(environment).heads
    end = common_heads(run.state.graph, run.ends)
    if set(heads) != set(end):
        raise EnvironmentFailed(
            f"the database stands at {_named(heads)}, where the plan ends at {_named(end)}",
            why="env.py ended without an error, and without committing every step",
            do="look for a `try` or a missing commit in env.py; then run the command again",
            heads=list(heads),
        )
    return heads


def _failure(environment: Environment, run: _Run, error: MigrateError) -> MigrateError:
    """The error of a step, with the line of the revision file and where the database stands."""
    heads = read_state(environment).heads
    step, stands = run.running, _stands(run, heads)
    if step is None or set(heads) == set(run.plan.end):
        return EnvironmentFailed(
            error.what, why=error.why, do=f"{stands}. {error.do or ''}".rstrip(), heads=list(heads)
        )
    at = line_behind(error, step.path, environment.settings.project)
    remedy = f"mend {environment.settings.shown(step.path)}, then run the command again"
    if isinstance(error, DatabaseError) and error.do:
        remedy = error.do  # it is not the file's fault
    return MigrationFailed(
        f"revision {step.revision} ({step.message}), {step.direction}: {error.what}{at}",
        why=error.why,
        do=f"{stands}. {remedy[:1].upper()}{remedy[1:]}",
        revision=step.revision,
        heads=list(heads),
    )


def _stands(run: _Run, heads: tuple[str, ...]) -> str:
    """Where the database stands after a run that did not come to its end."""
    database = run.state.database
    stands = f"the database stands at {_named(heads)}"
    if set(heads) == set(run.plan.start):
        stands += ", as before: nothing was changed" if database.rolls_back_ddl else ", as before"
    if run.running is not None and not database.rolls_back_ddl:
        stands += f"; {database.name} commits each CREATE, ALTER and DROP by itself, so what ran of "
        stands += f"{run.running.revision} stays"
    return stands


def _refuse_in_connection(environment: Environment, state: State) -> None:
    if environment.is_ours and state.database.is_in_connection:
        raise UnsupportedDatabase(
            f"{state.database.safe_url} is a database in memory, which is gone when the command ends",
            why="so there would be nothing to find applied",
            do="name a file in the database URL: sqlite:///./app.db",
        )


def _refuse_long_ids(database: Database, context: MigrationContext, revisions: Iterable[str]) -> None:
    """An id that the version table cannot hold would fail after its revision has run."""
    if not database.enforces_lengths:
        return
    assert context.connection is not None
    limit = _longest_id(context)
    for revision in revisions:
        if limit is not None and len(revision) > limit:
            raise RevisionError(
                f"the id of revision {revision} is too long to be recorded",
                why=f"it has {len(revision)} characters, and {context.version_table}.version_num holds {limit}",
                do="give the revision a shorter id (also in the `down_revision` of its children); nothing was changed",
                revision=revision,
            )


def _longest_id(context: MigrationContext) -> int | None:
    """How many characters the version table holds, as it is, or as it would be made."""
    column: Any = context._version.c.version_num
    assert context.connection is not None
    inspector = inspect(context.connection)
    if inspector.has_table(context.version_table, schema=context.version_table_schema):
        columns = inspector.get_columns(context.version_table, schema=context.version_table_schema)
        return next((getattr(each["type"], "length", None) for each in columns if each["name"] == column.name), None)
    length: int | None = getattr(column.type, "length", None)
    return length


def _named(heads: tuple[str, ...]) -> str:
    return ", ".join(heads) or "base"
