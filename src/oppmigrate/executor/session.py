"""One database that a run of `env.py` migrates: the steps on it, and what is written down of each."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import Connection

from oppmigrate.databases import Database, leftovers_in_the_way
from oppmigrate.environment.batching import rebuilding
from oppmigrate.environment.hooks import Visit
from oppmigrate.errors import MigrateError
from oppmigrate.executor.checkpoints import Checkpoints
from oppmigrate.executor.pieces import is_nothing_done
from oppmigrate.executor.remaining import finished_first, named, remaining
from oppmigrate.executor.run import Run
from oppmigrate.executor.version_table import refuse_long_ids
from oppmigrate.planner import revision_step
from oppmigrate.recorder import Journal, JournalEntry
from oppmigrate.results import Plan, Step
from oppmigrate.safety import guarding, preflight


class Overtaken(MigrateError):
    """Another process has moved the database between two of our transactions."""


@dataclass
class _Entry:
    """What the journal is told of the step that runs now. `id` is None until something of it is committed."""

    step: Step
    started: datetime
    clock: float
    id: int | None = None
    rows_moved: int | None = None

    @property
    def duration_ms(self) -> float:
        return (time.perf_counter() - self.clock) * 1000


@dataclass
class Session:
    """The steps of a run on one database."""

    run: Run
    visit: Visit
    context: MigrationContext
    journal: Journal
    half_done: JournalEntry | None = None
    entry: _Entry | None = None
    heads: tuple[str, ...] = ()
    _has_journal: bool = field(default=False)

    @property
    def connection(self) -> Connection:
        assert self.context.connection is not None
        return self.context.connection

    @property
    def database(self) -> Database:
        return self.visit.databases[-1]

    @property
    def commits_each_step(self) -> bool:
        """Is a step committed before the next one begins?"""
        context = self.context
        by_step = context._transaction_per_migration or not context.impl.transactional_ddl
        return by_step and not context._in_external_transaction

    def steps(self, heads: tuple[str, ...]) -> Iterator[RevisionStep]:
        """The plan's steps, given to Alembic under the lock, one at a time."""
        plan = self._plan_from(heads)
        self.run.ends.append(plan.end)
        # all of it is looked at before the first step changes anything
        runnables = [revision_step(self.context, step) for step in plan.steps]
        refuse_long_ids(self.database, self.context, (step.revision for step in plan.steps if _goes_up(step)))
        if plan.steps:
            self._show(plan)
            self._refuse_leftovers()
            self.run.prepare(plan)
            self._drop_leftovers()
        if plan.steps and not self.database.rolls_back_ddl:
            self._ensure_journal()
        for step, runnable in zip(plan.steps, runnables, strict=True):
            runnable.migration_fn = self._told(step, runnable.migration_fn)
            yield runnable
            if self.commits_each_step:
                self.run.committed()
        if not self.commits_each_step:
            self.database.check_integrity(self.connection)

    def _show(self, plan: Plan) -> None:
        """What is going to be done; of a single revision its own line says it."""
        if len(plan.steps) > 1:
            self.run.say(f"{plan.direction} {named(plan.start)} -> {named(plan.end)}: {len(plan.steps)} revisions")

    def _refuse_leftovers(self) -> None:
        if not self.run.drops_leftovers and (found := self.database.find_leftovers(self.connection)):
            raise leftovers_in_the_way(found)

    def _drop_leftovers(self) -> None:
        if dropped := self.database.drop_leftovers(self.connection) if self.run.drops_leftovers else ():
            self.run.say(f"dropped {', '.join(each.name for each in dropped)}")

    def _plan_from(self, heads: tuple[str, ...]) -> Plan:
        self.heads, self.run.journal = heads, self.journal
        plan = remaining(self.run, heads)
        self._has_journal = self.journal.exists(self.connection)
        self.half_done = self._find_half_done() if self._has_journal else None
        return plan if self.half_done is None else finished_first(self.run.state, plan, self.half_done)

    def _find_half_done(self) -> JournalEntry | None:
        """The step that an earlier run left half done; one of which nothing was done is as one not begun."""
        found = self.journal.unfinished(self.connection)
        if found is None or not is_nothing_done(found.progress, self.database, self.connection):
            return found
        self.journal.withdraw(self.connection, found.id)
        if self.commits_each_step and (transaction := self.connection.get_transaction()) is not None:
            transaction.commit()  # there may be no step that would
        return None

    # ---- one step

    def _told(self, step: Step, migrate: Callable[..., None]) -> Callable[..., None]:
        def run_told(**kw: object) -> None:
            run = self.run
            run.running, run.begun = step, True
            self.entry = _Entry(step, datetime.now(UTC), time.perf_counter())
            if run.progress:
                run.progress(step, "begin", 0.0)
            self._refuse_overtaken()
            self._run(step, migrate, **kw)
            run.ran.append((step, self.entry.duration_ms))

        return run_told

    def _run(self, step: Step, migrate: Callable[..., None], **kw: object) -> None:
        assert self.entry is not None
        saved = self._take_up(step)
        if saved is None and step.revision in self.run.noted:
            preflight(self.run.noted[step.revision], self.connection, self.database, step.revision)
        checkpoints = Checkpoints(
            self.database, self.connection, save=self._save_progress, verify=self._verify_lock, saved=saved
        )
        operations = self.visit.operations
        assert operations is not None
        with (
            checkpoints.watching(),
            rebuilding(operations, self.database, lambda rule: self.visit.is_allowed(rule)),
            guarding(operations, self.database, step.revision, step.path, lambda: checkpoints.is_replaying) as guard,
        ):
            self.visit.is_allowed = guard.allows
            migrate(**kw)
            self.entry.rows_moved = guard.rows_moved

    def _refuse_overtaken(self) -> None:
        """Where the transaction is the lock, others may have come in between two of them."""
        if self.database.is_locked_by_transaction and self.commits_each_step:
            heads = self.context.get_current_heads()
            if set(heads) != set(self.heads):
                raise Overtaken("another process has moved the database meanwhile")

    def _verify_lock(self) -> None:
        if self.visit.lock is not None:
            self.visit.lock.verify()

    # ---- the journal

    def _take_up(self, step: Step) -> str | None:
        """How far an earlier run of this step has come."""
        half_done, self.half_done = self.half_done, None
        if half_done is None:
            return None
        assert self.entry is not None and (half_done.revision, half_done.direction) == (step.revision, step.direction)
        self.entry.id = half_done.id
        self.run.say(
            f"going on with {step.revision}, which was interrupted at {half_done.started:%Y-%m-%d %H:%M:%S} UTC"
        )
        return half_done.progress

    def _save_progress(self, progress: str | None) -> None:
        entry = self.entry
        assert entry is not None
        if progress is None:
            if entry.id is not None:
                self.journal.withdraw(self.connection, entry.id)
            entry.id = None
            return
        if entry.id is None:
            self._ensure_journal()
            entry.id = self.journal.begin(self.connection, **self.run.entry_facts(entry.step))
        self.journal.save_progress(self.connection, entry.id, progress)

    def applied(self, heads: set[str]) -> None:
        """The version table has been brought to the step, in a transaction that is still open: the journal with it."""
        self.heads = tuple(heads)
        entry = self.entry
        if entry is None:  # nothing of ours ran, as with `stamp`
            return
        self._ensure_journal()
        facts: dict[str, Any] = {"duration_ms": entry.duration_ms, "rows_moved": entry.rows_moved}
        if entry.id is None:
            self.journal.record(self.connection, started=entry.started, **self.run.entry_facts(entry.step), **facts)
        else:
            self.journal.finish(self.connection, entry.id, outcome="done", **facts)
        self.entry = None
        if self.commits_each_step:
            self.database.check_integrity(self.connection)
        self._verify_lock()

    def _ensure_journal(self) -> None:
        if not self._has_journal:
            self.journal.ensure(self.connection)
            self._has_journal = True


def _goes_up(step: Step) -> bool:
    return step.direction == "upgrade"
