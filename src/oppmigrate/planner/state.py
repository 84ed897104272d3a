"""Where a project and its database stand: the files' graph and the recorded heads."""

import contextlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from io import StringIO

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import URL

from oppmigrate.databases import Database
from oppmigrate.environment.hooks import Visit
from oppmigrate.environment.session import Environment
from oppmigrate.errors import (
    DatabaseError,
    EnvironmentFailed,
    ModelsBroken,
    RevisionFileMissing,
    UnsupportedDatabase,
)
from oppmigrate.journals import stored_among
from oppmigrate.recorder import Journal, JournalEntry, read_heads
from oppmigrate.revisions import Graph, load_graph

DO_WITHOUT_JOURNAL = (
    "bring the file back (git log --diff-filter=D -- '*versions*'); or, sure that the schema is that of "
    "another revision: python oppman.py migrate stamp --purge REVISION"
)


@dataclass(frozen=True, slots=True)
class State:
    """A project and its database, as they stand: the files' graph and the recorded heads.

    Where an `env.py` migrates several databases, `databases` has them all, and the heads are what all of them have
    reached. `reachable` is False when the database could not be asked. `half_done` is a revision that an interrupted
    run has left between two. `stored`: of the heads that no file defines, those whose file the journal holds.
    `lock_key` is what the migration lock is for.
    """

    graph: Graph
    database: Database
    exists: bool
    heads: tuple[str, ...]
    reachable: bool = True
    half_done: JournalEntry | None = None
    databases: tuple[Database, ...] = ()
    stored: tuple[str, ...] = ()
    lock_key: str = ""

    @property
    def is_at_heads(self) -> bool:
        """Does the database exist, with everything that the files hold applied?"""
        at_heads = not self.graph.pending(self.heads) and not self.graph.missing(self.heads)
        return self.exists and at_heads and self.half_done is None


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
    state = _read_state(environment)
    missing = state.graph.missing(state.heads)
    if missing:
        with contextlib.suppress(DatabaseError):  # a journal that may not be read is as good as none
            return replace(state, stored=stored_among(environment, missing))
    return state


def _read_state(environment: Environment) -> State:
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
    unknown = environment.offline_database or Database(URL.create("unknown"))
    database = visit.databases[-1] if visit.databases else unknown
    # those of a dialect are one and the same; how many there are counts
    databases = tuple(visit.databases) if environment.offline_database else _distinct(visit.databases)
    return State(_read_files(environment), database, False, (), False, databases=databases)


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
        lock_key=visit.contexts[-1].version_table_schema or "",
    )


def _distinct(databases: Iterable[Database]) -> tuple[Database, ...]:
    return tuple({database.url: database for database in databases}.values())


def _read_files(environment: Environment) -> Graph:
    """The graph of the files in the folders as far as they are known."""
    script = environment.script()
    # files that lie in a folder for this run alone are not to be known at the next
    project = environment.settings.project if environment.restored is None else None
    with environment.at_home():
        return load_graph(script._version_locations, recursive=script.recursive_version_locations, project=project)


def common_heads(graph: Graph, recorded: Sequence[Collection[str]]) -> tuple[str, ...]:
    """What several databases have all reached; recorded ids that no file defines stay."""
    if len({frozenset(heads) for heads in recorded}) == 1:
        return tuple(sorted(recorded[0]))
    applied = frozenset.intersection(*(graph.applied(heads) for heads in recorded))
    missing = {each for heads in recorded for each in graph.missing(heads)}
    return (*tips(graph, applied), *sorted(missing))


def tips(graph: Graph, applied: Collection[str]) -> tuple[str, ...]:
    """What the version table records where exactly `applied` is: those that none of the others builds on."""
    needed = {need for each in applied for need in (*graph.revisions[each].down_revisions, *graph.dependencies(each))}
    return tuple(sorted(set(applied) - needed))


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


def refuse_missing(state: State) -> None:
    """Raise RevisionFileMissing where the database stands at a revision that no file defines."""
    missing = state.graph.missing(state.heads)
    if missing:
        raise RevisionFileMissing(
            f"the database is at revision {', '.join(missing)}, and no file defines it",
            why="the file was deleted or renamed, or the database belongs to another version of the project",
            do=_undo_from_journal(state) if set(missing) == set(state.stored) else DO_WITHOUT_JOURNAL,
            revisions=list(missing),
            stored=list(state.stored),
        )


def _undo_from_journal(state: State) -> str:
    revision = state.stored[0]
    return (
        "bring the file back, or undo it from the journal, which has kept it: "
        f"python oppman.py migrate downgrade {revision}-1 --from-journal (to read it first: "
        f"python oppman.py migrate show {revision} --from-journal)"
    )
