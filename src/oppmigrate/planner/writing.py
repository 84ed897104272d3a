"""The SQL of a plan's steps: from Alembic's offline mode, else from running them in a scratch database."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep

from oppmigrate.environment.hooks import Visit
from oppmigrate.environment.session import Environment
from oppmigrate.errors import MigrateError, RevisionFileBroken
from oppmigrate.planner.hearing import Hearing
from oppmigrate.planner.output import Output
from oppmigrate.planner.recording import Recording, tell_nobody
from oppmigrate.planner.running import TriedStep, revision_step, run_in_scratch
from oppmigrate.planner.state import State
from oppmigrate.results import Plan


@dataclass
class Written:
    """What was written.

    Args:
        script: everything that Alembic writes, in order, but for the steps in `gaps`; None where it cannot be had.
        gaps: the place in `script` of each step that Alembic cannot write without a database, by its revision.
        sql: each step's own statements, by its revision.
        heard: of the steps in `gaps`, those that ask a database only how their tables are made.
        tables: those that the data steps of a step read, by its revision.
        failures: why the SQL of a step cannot be told at all.
        error: why there is no script.
    """

    script: list[str] | None = None
    gaps: dict[str, int] = field(default_factory=dict)
    sql: dict[str, tuple[str, ...]] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    tables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    error: MigrateError | None = None


def write_sql(
    environment: Environment, state: State, plan: Plan, recordings: Mapping[str, Recording], *, for_script: bool = False
) -> Written:
    """Write every step's SQL for this database; a step that asks it something is run in an empty scratch database.

    Args:
        for_script: what `env.py` does on `on_version_apply` belongs to it, as stock Alembic has it.

    Raises:
        RevisionFileBroken: a file has no such function.
    """
    written = Written()
    try:
        _write_offline(environment, state, plan, recordings, written, for_script)
    except RevisionFileBroken:
        raise
    except MigrateError as error:
        written = Written(gaps={step.revision: 0 for step in plan.steps}, error=error)
    if written.gaps:
        _fill_gaps(environment, state, plan, written)
    return written


def _write_offline(
    environment: Environment,
    state: State,
    plan: Plan,
    recordings: Mapping[str, Recording],
    written: Written,
    for_script: bool,
) -> None:
    output = Output()

    def work(_heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        output.softened = version_table(context)
        if not for_script:
            tell_nobody(context)
        for step in plan.steps:
            recording = recordings.get(step.revision)
            is_whole = recording is None or recording.is_whole
            yield _written_step(revision_step(context, step), output, written, is_whole)

    visit = Visit(work)
    environment.run_as_sql(visit, output, starting_rev=plan.start, reachable=state.reachable)
    written.script = output.statements


def version_table(context: MigrationContext) -> str:
    """The version table's name as a statement has it."""
    return context.impl.dialect.identifier_preparer.format_table(context._version)


def _written_step(step: RevisionStep, output: Output, written: Written, is_whole: bool) -> RevisionStep:
    """The step, which on running writes its SQL, or leaves a gap."""
    migrate, revision = step.migration_fn, step.revision.revision

    @functools.wraps(migrate)  # Alembic says its name in the script
    def write(**kw: Any) -> None:
        before = len(output.statements)
        try:
            if is_whole:
                migrate(**kw)
        except Exception:  # of any kind: the file's own code, and Alembic's, without a database to ask
            del output.statements[before:]
        else:
            if is_whole:
                written.sql[revision] = (*written.sql.get(revision, ()), *output.statements[before:])
                return
        written.gaps[revision] = before

    step.migration_fn = write
    return step


def _fill_gaps(environment: Environment, state: State, plan: Plan, written: Written) -> None:
    def work(_heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        tell_nobody(context)
        before = state.graph.applied(plan.start)
        for file in state.graph.upgrade_path("heads", ()):
            if file.revision in before:
                yield revision_step(context, TriedStep(file, "upgrade"))
        for step in plan.steps:
            yield _heard_step(revision_step(context, step), visit, written)

    visit = Visit(work)
    try:
        run_in_scratch(environment, state, visit)
    except MigrateError as error:
        for revision in written.gaps.keys() - written.sql.keys():
            written.failures[revision] = error.what


def _heard_step(step: RevisionStep, visit: Visit, written: Written) -> RevisionStep:
    """The step, which on running in the scratch database gives its SQL, where that is wanted."""
    migrate, revision = step.migration_fn, step.revision.revision

    def hear(**kw: Any) -> None:
        if revision not in written.gaps:
            migrate(**kw)
            return
        assert visit.operations is not None and visit.operations.migration_context.connection is not None
        hearing = Hearing()
        with hearing.listening(visit.operations, visit.operations.migration_context.connection):
            migrate(**kw)
        written.sql[revision] = (*written.sql.get(revision, ()), *hearing.output.statements)
        written.tables[revision] = tuple(dict.fromkeys(hearing.tables))
        if hearing.is_whole:
            written.heard.add(revision)

    step.migration_fn = hear
    return step
