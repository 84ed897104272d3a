"""Graph + recorded heads + target -> one frozen `Plan`, which everything that shows or runs revisions reads."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from typing import Any

from alembic.operations.ops import MigrateOperation
from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from sqlalchemy import URL, Connection, event

from oppmigrate.autogenerate import describe_all, record_operations
from oppmigrate.databases import Database
from oppmigrate.environment.hooks import Visit
from oppmigrate.environment.session import Environment
from oppmigrate.errors import (
    DatabaseError,
    EnvironmentFailed,
    MigrateError,
    ModelsBroken,
    RevisionFileBroken,
    RevisionFileMissing,
    UnsupportedDatabase,
)
from oppmigrate.recorder import Journal, JournalEntry, read_heads
from oppmigrate.results import Change, Direction, Plan, Step
from oppmigrate.revisions import Graph, RevisionFile, load_graph

# what batch mode asks the database while it works; not part of what a revision does
_QUESTION = re.compile(r"\s*(SELECT|PRAGMA|SHOW|EXPLAIN)\b", re.IGNORECASE)

# what is found out about each step of a plan, by its revision: fields of `Step`
Details = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class State:
    """A project and its database, as they stand: the files' graph and the recorded heads.

    Where an `env.py` migrates several databases, `databases` has them all, and the heads are what all of them have
    reached. `reachable` is False when the database could not be asked. `half_done` is a revision that an interrupted
    run has left between two.
    """

    graph: Graph
    database: Database
    exists: bool
    heads: tuple[str, ...]
    reachable: bool = True
    half_done: JournalEntry | None = None
    databases: tuple[Database, ...] = ()

    @property
    def is_at_heads(self) -> bool:
        """Does the database exist, with everything that the files hold applied?"""
        return self.exists and not self.graph.pending(self.heads) and not self.graph.missing(self.heads)


def read_graph(environment: Environment) -> Graph:
    """The graph of the revision files, in the folders that the configuration names, or else `env.py`."""
    if environment.has_to_be_asked:
        try:
            return read_state(environment).graph
        except DatabaseError:
            return state_without_database(environment).graph
    return _read_files(environment)


def read_state(environment: Environment) -> State:
    """Files and database as they stand. Changes nothing, and creates no SQLite file."""
    if environment.is_ours and not environment.sets_version_table:
        graph = read_graph(environment)
        database = environment.database()
        if not database.exists():
            return State(graph, database, False, ())
        journal = Journal(environment.settings.policy.journal_table)
        heads, half_done = database.run(lambda connection: (read_heads(connection), journal.unfinished(connection)))
        return State(graph, database, True, heads, half_done=half_done)
    return _read_state_through_env(environment)


def state_without_database(environment: Environment) -> State:
    """The files' side only, for what can be done where the database cannot be asked."""
    if environment.is_ours:
        return State(read_graph(environment), environment.database(), False, (), False)
    visit = Visit(lambda _heads, _context: ())
    try:
        environment.run_as_sql(visit, StringIO(), starting_rev=(), reachable=False)
    except (EnvironmentFailed, DatabaseError, ModelsBroken):  # not every env.py has an offline branch
        if environment.has_to_be_asked:
            raise
    database = visit.databases[-1] if visit.databases else Database(URL.create("unknown"))
    return State(_read_files(environment), database, False, (), False, databases=_distinct(visit.databases))


def _read_state_through_env(environment: Environment) -> State:
    """An `env.py` that decides the address, the version table or the folders by itself has to be asked."""
    if environment.is_ours:
        own = environment.database()
        if not own.exists():
            return State(_read_files(environment), own, False, ())
    recorded: list[tuple[str, ...]] = []
    half_done: list[JournalEntry | None] = [None]

    def work(heads: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        recorded.append(tuple(sorted(heads)))
        if context.connection is not None:
            journal = Journal.beside(context, environment.settings.policy.journal_table)
            half_done.append(journal.unfinished(context.connection))
        return ()

    visit = Visit(work)
    environment.run(visit)
    graph = _read_files(environment)
    heads = common_heads(graph, recorded)
    return State(
        graph,
        visit.databases[-1],
        visit.found,
        heads,
        half_done=next(filter(None, half_done), None),
        databases=_distinct(visit.databases),
    )


def _distinct(databases: Iterable[Database]) -> tuple[Database, ...]:
    return tuple({database.url: database for database in databases}.values())


def _read_files(environment: Environment) -> Graph:
    """The graph of the files in the folders as far as they are known."""
    script = environment.script()
    with environment.at_home():
        return load_graph(script._version_locations, recursive=script.recursive_version_locations)


def common_heads(graph: Graph, recorded: Sequence[Collection[str]]) -> tuple[str, ...]:
    """What several databases have all reached; recorded ids that no file defines stay."""
    if len({frozenset(heads) for heads in recorded}) == 1:
        return tuple(sorted(recorded[0]))
    applied = frozenset.intersection(*(graph.applied(heads) for heads in recorded))
    missing = {each for heads in recorded for each in graph.missing(heads)}
    return (*_tips(graph, applied), *sorted(missing))


def locate_database(environment: Environment) -> Database:
    """The project's database, for what takes the whole of it.

    Raises:
        UnsupportedDatabase: `env.py` migrates several.
    """
    if environment.is_ours:
        return environment.database()
    try:
        state = read_state(environment)
    except DatabaseError:
        state = state_without_database(environment)
        if not state.databases:
            raise
    if len(state.databases) > 1:
        raise UnsupportedDatabase(
            f"env.py migrates {len(state.databases)} databases: {', '.join(each.safe_url for each in state.databases)}",
            why="a backup, and what takes one first, is of one database",
            do="use the servers' own programs for each of them",
        )
    return state.database


def plan_upgrade(state: State, target: str) -> Plan:
    """The revisions from where the database stands to `target`.

    Raises:
        RevisionError: the target cannot be resolved, or the database stands at a revision with no file.
    """
    refuse_missing(state)
    files = state.graph.upgrade_path(target, state.heads)
    return _plan("upgrade", state, target, files)


def plan_downgrade(state: State, target: str) -> Plan:
    """The revisions from where the database stands back to `target`. Raises as `plan_upgrade`."""
    refuse_missing(state)
    files = state.graph.downgrade_path(target, state.heads)
    return _plan("downgrade", state, target, files)


def refuse_missing(state: State) -> None:
    """Raise RevisionFileMissing where the database stands at a revision that no file defines."""
    missing = state.graph.missing(state.heads)
    if missing:
        raise RevisionFileMissing(
            f"the database is at revision {', '.join(missing)}, and no file defines it",
            why="the file was deleted or renamed, or the database belongs to another version of the project",
            do="bring the file back (git log --diff-filter=D -- '*versions*'); or, sure that the schema is that of "
            "another revision: python oppman.py migrate stamp --purge REVISION",
            revisions=list(missing),
        )


def step_of(file: RevisionFile, direction: Direction) -> Step:
    """A step with its facts, its operations and SQL not looked at yet."""
    return Step(file.revision, direction, file.message, file.path, file.checksum, file.down_revisions)


def _plan(direction: Direction, state: State, target: str, files: Sequence[RevisionFile]) -> Plan:
    steps = tuple(step_of(file, direction) for file in files)
    return Plan(direction, target, state.heads, heads_after(state.graph, state.heads, steps), steps)


def heads_after(graph: Graph, heads: Collection[str], steps: Iterable[Step]) -> tuple[str, ...]:
    """The heads that the version table will hold after the steps."""
    applied = set(graph.applied(heads))
    for step in steps:
        (applied.add if step.direction == "upgrade" else applied.discard)(step.revision)
    return _tips(graph, applied)


def _tips(graph: Graph, applied: Collection[str]) -> tuple[str, ...]:
    """What the version table records where exactly `applied` is: those that none of the others builds on."""
    needed = {need for each in applied for need in (*graph.revisions[each].down_revisions, *graph.dependencies(each))}
    return tuple(sorted(set(applied) - needed))


def details_of(environment: Environment, state: State, file: RevisionFile) -> tuple[Step, Step]:
    """One revision's upgrade and downgrade with their details, wherever the database stands."""
    below = state.graph.applied((file.revision,)) - {file.revision}
    before, after = _tips(state.graph, below), (file.revision,)
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


def run_in_scratch(environment: Environment, state: State, visit: Visit, **command: Any) -> None:
    """Run `env.py` on an empty throw-away database of the same kind, which is gone afterwards."""
    if state.reachable and not environment.is_ours:
        visit.writes = visit.in_scratch = True
        environment.run(visit, **command)
        return
    with state.database.scratch() as scratch:
        offline = not environment.is_ours
        scratch.run(lambda connection: environment.run_on(scratch, connection, visit, offline=offline, **command))


def revision_step(context: MigrationContext, step: Step) -> RevisionStep:
    """Alembic's runnable form of a step, its module loaded."""
    assert context.script is not None
    script = context.script.get_revision(step.revision)
    if not callable(getattr(script.module, step.direction, None)):
        raise RevisionFileBroken(
            f"revision {step.revision} cannot be {'applied' if step.direction == 'upgrade' else 'undone'}: "
            f"{step.path.name} has no {step.direction}()",
            why=f"Alembic runs the file's function of that name; nothing of this {step.direction} was run",
            do=f"write `def {step.direction}() -> None:` in {step.path}, with what it is to do (or `pass`)",
            revision=step.revision,
            path=str(step.path),
        )
    revision_map = context.script.revision_map
    if step.direction == "upgrade":
        return MigrationStep.upgrade_from_script(revision_map, script)
    return MigrationStep.downgrade_from_script(revision_map, script)


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
