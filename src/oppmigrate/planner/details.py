"""What each step of a plan does: its operations in words, and its SQL for this database."""

import re
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from typing import Any

from alembic.operations.ops import MigrateOperation
from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import Connection, event

from oppmigrate.autogenerate import describe_all, record_operations
from oppmigrate.environment.hooks import Visit
from oppmigrate.environment.session import Environment
from oppmigrate.errors import MigrateError
from oppmigrate.planner.paths import step_of
from oppmigrate.planner.running import revision_step, run_in_scratch
from oppmigrate.planner.state import State, tips
from oppmigrate.results import Change, Plan, Step
from oppmigrate.revisions import RevisionFile

# what batch mode asks the database while it works; not part of what a revision does
_QUESTION = re.compile(r"\s*(SELECT|PRAGMA|SHOW|EXPLAIN)\b", re.IGNORECASE)

# what is found out about each step of a plan, by its revision: fields of `Step`
Details = dict[str, dict[str, Any]]


def details_of(environment: Environment, state: State, file: RevisionFile) -> tuple[Step, Step]:
    """One revision's upgrade and downgrade with their details, wherever the database stands."""
    below = state.graph.applied((file.revision,)) - {file.revision}
    before, after = tips(state.graph, below), (file.revision,)
    up = Plan("upgrade", file.revision, before, after, (step_of(file, "upgrade"),))
    down = Plan("downgrade", file.revision, after, before, (step_of(file, "downgrade"),))
    return with_details(environment, state, up).steps[0], with_details(environment, state, down).steps[0]


def with_details(environment: Environment, state: State, plan: Plan) -> Plan:
    """The plan with every step's operations in words and its SQL for this database. Changes nothing.

    The SQL comes from Alembic's offline mode; where a step needs an answer of a database to go on (a table
    rebuild, a data step), from running the plan in a scratch database.
    """
    try:
        details = _details_offline(environment, plan, state.reachable)
    except MigrateError as reason:
        details = _details_by_replay(environment, state, plan, reason)
    return replace(plan, steps=tuple(replace(step, **details[step.revision]) for step in plan.steps))


def _details_offline(environment: Environment, plan: Plan, reachable: bool) -> Details:
    found: Details = {}
    output = _Statements()

    def work(_heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        for step in plan.steps:
            yield recorded_step(visit, revision_step(context, step), found, output)

    visit = Visit(work)
    environment.run_as_sql(visit, output, starting_rev=plan.start, reachable=reachable)
    return found


def _details_by_replay(environment: Environment, state: State, plan: Plan, reason: MigrateError) -> Details:
    found: Details = {}
    output = _Statements()

    def work(_heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        before = state.graph.applied(plan.start)
        for file in state.graph.upgrade_path("heads", ()):
            if file.revision in before:
                yield revision_step(context, step_of(file, "upgrade"))
        assert context.connection is not None
        with output.listening(context.connection):
            for step in plan.steps:
                yield recorded_step(visit, revision_step(context, step), found, output)

    visit = Visit(work)
    try:
        run_in_scratch(environment, state, visit)
    except MigrateError:
        note = f"its SQL depends on the rows that it finds ({reason.what})"
        return {step.revision: {"sql_note": note} for step in plan.steps}
    return found


def recorded_step(visit: Visit, step: RevisionStep, found: Details, output: "_Statements") -> RevisionStep:
    """The step, which on running adds its operations in words and its SQL to `found`, for each database it runs on."""
    run, revision = step.migration_fn, step.revision.revision

    def run_recorded(**kw: Any) -> None:
        assert visit.operations is not None
        operations: list[MigrateOperation] = []
        before = len(output.statements)
        with record_operations(visit.operations, operations):
            run(**kw)
        changes: tuple[Change, ...] = describe_all(operations)
        seen = found.setdefault(revision, {"changes": (), "sql": ()})
        seen["changes"] += changes
        seen["sql"] += tuple(output.statements[before:])

    step.migration_fn = run_recorded
    return step


class _Statements(StringIO):
    """Collects SQL, a statement an item: from Alembic's offline output, or from a live connection."""

    def __init__(self) -> None:
        super().__init__()
        self.statements: list[str] = []

    def write(self, text: str, /) -> int:
        """Alembic writes one statement, or one comment, a call."""
        if text.strip():
            self.statements.append(text.strip())
        return len(text)

    def listening(self, connection: Connection) -> "_Listening":
        return _Listening(self, connection)


class _Listening:
    """Collects what is executed on a connection while it is entered."""

    def __init__(self, statements: _Statements, connection: Connection) -> None:
        self._statements = statements
        self._connection = connection

    def __enter__(self) -> None:
        event.listen(self._connection, "before_cursor_execute", self._heard)

    def __exit__(self, *_error: object) -> None:
        event.remove(self._connection, "before_cursor_execute", self._heard)

    def _heard(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not _QUESTION.match(statement):
            shown = f"  -- with {parameters!r}" if parameters else ""
            self._statements.statements.append(f"{statement.strip()};{shown}")
