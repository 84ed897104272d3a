"""`upgrade` and `downgrade`: a plan carried out, tried again where a lock was in its way, and verified."""

import contextlib
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy.exc import SAWarning

from oppmigrate.config import Policy
from oppmigrate.databases import backoff_s
from oppmigrate.environment.hooks import Visit
from oppmigrate.environment.session import Environment
from oppmigrate.errors import EnvironmentFailed, MigrateError, UnsupportedDatabase
from oppmigrate.executor.failing import failure, stands
from oppmigrate.executor.remaining import named
from oppmigrate.executor.run import Progress, Run, Story, waiting
from oppmigrate.executor.session import Overtaken, Session
from oppmigrate.planner import State, common_heads, read_state, record_or_doubt
from oppmigrate.recorder import Journal
from oppmigrate.results import ApplyResult, Plan
from oppmigrate.safety import Noted


def apply(
    environment: Environment,
    state: State,
    plan: Plan,
    policy: Policy,
    *,
    progress: Progress | None = None,
    tell: Story | None = None,
    before: Callable[[Plan], Path | None] | None = None,
    drops_leftovers: bool = False,
) -> ApplyResult:
    """Carry out exactly the plan; where another process was quicker, what is left of it.

    A revision that could not get a lock on a table in time is rolled back and tried again, for `policy.lock_timeout_s`
    in all.

    Args:
        before: called once, under the lock, with what is going to be run; returns the backup that was taken.
        drops_leftovers: drop what a crash of the stock `alembic` has left in the database.

    Raises:
        MigrationFailed: a revision raised. The message says where the database stands now.
        DatabaseLocked: another run, or another session's lock on a table, was still there after the time to wait.
        EnvironmentFailed: `env.py` did not leave the database where the plan ends.
        KeyboardInterrupt: with a text that says where the database stands now.
    """
    refuse_in_connection(environment, state)
    started = time.perf_counter()
    run = Run(state, plan, progress, tell, before, _noted(environment, state, plan), drops_leftovers)
    try:
        _carry_out(environment, run, policy)
    except MigrateError as error:
        if (interrupt := _interrupt_behind(error)) is not None:
            _let_go(error)
            raise _explained(environment, run, interrupt) from None
        if not run.begun:
            run.discard_backup()
            raise
        raise failure(environment, run, error) from error
    except KeyboardInterrupt as interrupt:
        raise _explained(environment, run, interrupt) from None
    heads = _verified_heads(environment, run)
    done = replace(run.plan, end=heads, steps=tuple(dict.fromkeys(run.done)))
    return ApplyResult(done, heads, (time.perf_counter() - started) * 1000, run.backup)


def _interrupt_behind(error: BaseException) -> KeyboardInterrupt | None:
    """The interrupt that an error came of: cleaning up after one, a library meets what it left unfinished."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, KeyboardInterrupt):
        seen = seen.__cause__ or seen.__context__
    return seen


def _explained(environment: Environment, run: Run, interrupt: KeyboardInterrupt) -> KeyboardInterrupt:
    """With a text that says where the database stands, once anything was begun."""
    if not run.begun or interrupt.args:
        return interrupt
    _let_go(interrupt)
    with contextlib.suppress(MigrateError):
        state = read_state(environment)
        if set(state.heads) == set(run.plan.start) and state.half_done is None:
            run.discard_backup()  # it was called off, and the database is as it was
        return KeyboardInterrupt(stands(run, state.heads, state.half_done))
    return interrupt


def _let_go(error: BaseException | None) -> None:
    """Give up what the interrupted frames hold: a connection in the middle of it keeps its transaction open.

    A frame that is cleared still holds what its function closes over, so that the frames themselves have to go.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def refuse_in_connection(environment: Environment, state: State) -> None:
    """Raise UnsupportedDatabase for a database that would be gone when the command ends."""
    if environment.is_ours and state.database.is_in_connection:
        raise UnsupportedDatabase(
            f"{state.database.safe_url} is a database in memory, which is gone when the command ends",
            why="so there would be nothing to find applied",
            do="name a file in the database URL: sqlite:///./app.db",
        )


def _noted(environment: Environment, state: State, plan: Plan) -> dict[str, Noted]:
    """What each revision would do, where looking at the rows in the middle of one would be too late."""
    if state.database.rolls_back_ddl:
        return {}
    return {revision: each.noted for revision, each in record_or_doubt(environment, state, plan).items()}


def _carry_out(environment: Environment, run: Run, policy: Policy) -> None:
    """Run `env.py`, and again as long as a lock was in the way."""
    patient_until = time.monotonic() + policy.lock_timeout_s
    attempt = 0
    while True:
        run.ends.clear()
        run.ran.clear()
        run.running = None
        try:
            _run_once(environment, run, policy)
            return
        except Overtaken:
            continue
        except MigrateError as error:
            attempt += 1
            pause_s = backoff_s(attempt)
            if not _is_lock_timeout(run, error) or time.monotonic() + pause_s > patient_until:
                raise
            assert run.running is not None
            run.say(f"{run.running.revision} waits for a lock on a table ({error.why}): again in {pause_s:.1f} s")
            time.sleep(pause_s)


def _run_once(environment: Environment, run: Run, policy: Policy) -> None:
    sessions: dict[int, Session] = {}

    def work(heads: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        journal = Journal.beside(context, policy.journal_table)
        session = sessions[id(context)] = Session(run, visit, context, journal)
        return session.steps(heads)

    visit = Visit(
        work,
        writes=True,
        lock_timeout_s=policy.lock_timeout_s,
        on_wait=waiting(run.tell),
        transaction=policy.transaction,
        on_version_apply=lambda ctx, heads, **_: sessions[id(ctx)].applied(heads),
    )
    with warnings.catch_warnings():
        # a transaction that an interrupt, or the server, has ended is ended once more by Alembic
        warnings.filterwarnings("ignore", "transaction already deassociated", SAWarning)
        environment.run(visit, command=run.plan.direction, revision=run.plan.target)
    run.committed()


def _is_lock_timeout(run: Run, error: MigrateError) -> bool:
    """Was a statement of a revision refused because somebody else holds a lock, so that it may go through later?"""
    return run.running is not None and run.state.database.is_lock_timeout(error)


def _verified_heads(environment: Environment, run: Run) -> tuple[str, ...]:
    """Read the version table back: an `env.py` that swallowed an error or did nothing is never called success."""
    heads = read_state(environment).heads
    end = common_heads(run.state.graph, run.ends)
    if set(heads) != set(end):
        raise EnvironmentFailed(
            f"the database stands at {named(heads)}, where the plan ends at {named(end)}",
            why="env.py ended without an error, and without committing every step",
            do="look for a `try` or a missing commit in env.py; then run the command again",
            heads=list(heads),
        )
    return heads
