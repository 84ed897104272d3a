"""A new revision run up, down and up again on a throw-away database, before it is kept."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from alembic.autogenerate import produce_migrations
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import MetaData, event

from oppmigrate.autogenerate import Draft, describe_all
from oppmigrate.autogenerate.collations import take_stored_collations
from oppmigrate.autogenerate.effects import effect_of, tables_of
from oppmigrate.autogenerate.entities import is_about_entity
from oppmigrate.autogenerate.indexes import hide_untrue_warnings, take_stored_indexes
from oppmigrate.autogenerate.sequences import take_stored_sequences
from oppmigrate.autogenerate.stored_computed import take_stored_computed
from oppmigrate.autogenerate.table_options import take_stored_options
from oppmigrate.autogenerate.waiting import take_stored_constraints
from oppmigrate.autogenerate.words import flatten, qualified
from oppmigrate.blame import line_behind
from oppmigrate.databases import Database
from oppmigrate.environment.hooks import Visit
from oppmigrate.environment.session import Environment
from oppmigrate.errors import MigrateError, MigrationFailed
from oppmigrate.planner import Beginning, State, TriedStep, beginning_at_heads, noted_step, run_in_scratch
from oppmigrate.results import Direction, Proof
from oppmigrate.revisions import Graph, RevisionFile, read_revision_files

COMMAND = {"command": "revision", "autogenerate": True}  # as env.py sees the command line


def prove(environment: Environment, state: State, draft: Draft, revision: str, folder: Path) -> Proof:
    """Run a revision that is not kept yet, behind all others, and compare before and after.

    What is compared is the tables that it touches: between its upgrade and the models, and between its downgrade and
    what was there before.

    Args:
        folder: where its file lies.

    Raises:
        MigrationFailed: its upgrade or its downgrade fails.
    """
    if len(state.databases) > 1:
        return Proof(unproved=f"env.py migrates {len(state.databases)} databases")
    environment.restored = folder
    try:
        graph = Graph((*state.graph.revisions.values(), *read_revision_files([folder])))
        beginning = beginning_at_heads(
            state, {name for each in draft.both_directions for name in effect_of(each).tables}
        )
        if beginning is not None:
            trial = _Trial(graph, environment.database(), revision, draft, beginning)
            with suppress(MigrateError):  # as all that is not in order, it is told of a run from the first revision on
                run_in_scratch(environment, state, Visit(trial.steps), **COMMAND)
                if trial.holds:
                    return Proof()
        return _prove_from_base(environment, state, _Trial(graph, environment.database(), revision, draft))
    finally:
        environment.restored = None


def _prove_from_base(environment: Environment, state: State, trial: "_Trial") -> Proof:
    try:
        run_in_scratch(environment, state, Visit(trial.steps), **COMMAND)
    except MigrateError as error:
        if trial.running is None:
            return Proof(unproved=error.what)
        if trial.running.revision != trial.revision:
            return Proof(unproved=f"revision {trial.running.revision} cannot be run on an empty database")
        raise _failed(environment, trial.running, error) from error
    if trial.missing:
        return Proof(unproved=f"no revision makes {', '.join(trial.missing)}, which is there")
    return Proof(tuple(trial.differences), tuple(trial.left_behind))


class _Trial:
    """The work on the throw-away database.

    Args:
        beginning: where it begins; without one, every other revision is run first.
    """

    def __init__(
        self,
        graph: Graph,
        database: Database,
        revision: str,
        draft: Draft,
        beginning: Beginning | None = None,
    ) -> None:
        self._graph = graph
        self._database = database
        self._beginning = beginning
        self.revision = revision
        self._tables = _names(draft.both_directions)
        self._needed = _needed(draft.operations)
        self._has_entities = any(map(is_about_entity, draft.operations))
        self.running: TriedStep | None = None  # where it stood when it failed; None while it compares
        self.missing: list[str] = []  # tables that the revision alters, and that the others do not make
        self.differences: list[str] = []
        self.left_behind: list[str] = []
        self._is_through = False

    @property
    def holds(self) -> bool:
        """Has it come to its end with nothing to tell?"""
        return self._is_through and not (self.missing or self.differences or self.left_behind)

    def steps(self, _heads: tuple[str, ...], context: MigrationContext) -> Iterator[Any]:
        if self._beginning is not None:
            yield from self._beginning.steps(context)
        else:
            for file in self._in_order():
                yield self._step(context, file, "upgrade")
        file = self._graph.get(self.revision)
        before = self._reflected(context)
        self.missing += sorted(self._needed - {qualified(table.schema, table.name) for table in before.tables.values()})
        if self.missing:
            return
        # entities are not of the models: what is found of them now is found after the downgrade, too
        known = self._compared(context, before) if self._has_entities else []
        yield self._step(context, file, "upgrade")
        self.differences += self._compared(context, context.opts["target_metadata"])
        yield self._step(context, file, "downgrade")
        self.left_behind += (each for each in self._compared(context, before) if each not in known)
        yield self._step(context, file, "upgrade")
        again = self._compared(context, context.opts["target_metadata"])
        self.differences += (each for each in again if each not in self.differences)
        self._is_through = True

    def _in_order(self) -> Iterable[RevisionFile]:
        """All others; nothing is built on the new one yet."""
        return (file for file in self._graph.upgrade_path("heads", ()) if file.revision != self.revision)

    def _step(self, context: MigrationContext, file: RevisionFile, direction: Direction) -> RevisionStep:
        return noted_step(context, TriedStep(file, direction), self._note)

    def _note(self, step: TriedStep) -> None:
        self.running = step

    def _reflected(self, context: MigrationContext) -> MetaData:
        """The tables of interest as they are."""
        assert context.connection is not None
        self.running = None
        hide_untrue_warnings()
        found = MetaData()
        event.listen(found, "column_reflect", context.impl.autogen_column_reflect)  # as a comparison reads columns
        for schema in {None, *(name.rpartition(".")[0] or None for name in self._tables)}:
            found.reflect(
                context.connection,
                schema=schema,
                only=lambda name, _, schema=schema: qualified(schema, name) in self._tables,
            )
        options = self._database.read_table_options(context.connection)
        collations = self._database.read_collations(context.connection)
        constraints = self._database.read_constraints(context.connection)
        for table in found.tables.values():
            for column in table.columns if not self._database.restates_columns else ():
                column.autoincrement = "auto"  # PostgreSQL's says False, which would be told with every change
            take_stored_indexes(table, self._database, context.connection)
            take_stored_computed(table, self._database, context.connection)
            take_stored_constraints(table, constraints)
            take_stored_options(table, self._database, options)
            take_stored_collations(table, collations)
        take_stored_sequences(found, self._database, context.connection)
        return found

    def _compared(self, context: MigrationContext, wanted: MetaData | Sequence[MetaData]) -> list[str]:
        """What would bring the database to what is wanted, in words."""
        self.running = None
        with _only(context, self._tables):
            script = produce_migrations(context, wanted)  # type: ignore[arg-type]
        assert script.upgrade_ops is not None
        return [change.text for change in describe_all(flatten([script.upgrade_ops]))]


@contextmanager
def _only(context: MigrationContext, tables: frozenset[str]) -> Iterator[None]:
    """Compare these tables only, and of them what `env.py` would have compared."""
    theirs = context.opts.get("include_name"), context.opts.get("include_object")

    def include_name(name: str | None, type_: str, parents: Any) -> bool:
        if type_ == "table" and qualified(parents.get("schema_name"), str(name)) not in tables:
            return False
        return theirs[0] is None or theirs[0](name, type_, parents)

    def include_object(item: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
        if type_ == "table" and qualified(item.schema, str(name)) not in tables:
            return False
        return theirs[1] is None or theirs[1](item, name, type_, reflected, compare_to)

    context.opts.update(include_name=include_name, include_object=include_object)
    try:
        yield
    finally:
        context.opts.update(include_name=theirs[0], include_object=theirs[1])


def _names(changes: Iterable[ops.MigrateOperation]) -> frozenset[str]:
    return frozenset(name for each in flatten(changes) for name in tables_of(each))


def _needed(changes: Iterable[ops.MigrateOperation]) -> frozenset[str]:
    """The tables that have to be there before."""
    made: set[str] = set()
    needed: set[str] = set()
    for operation in flatten(changes):
        needed |= set(tables_of(operation)) - made
        if isinstance(operation, ops.CreateTableOp):
            made |= set(tables_of(operation))
            needed -= made
        elif isinstance(operation, ops.RenameTableOp):
            new = qualified(operation.schema, str(operation.new_table_name))
            made.add(new)
            needed.discard(new)
    return frozenset(needed)


def _failed(environment: Environment, step: TriedStep, error: MigrateError) -> MigrationFailed:
    at = line_behind(error, step.path, environment.settings.project)
    return MigrationFailed(
        f"the {step.direction} of the new revision fails: {error.what}{at}",
        why=error.why,
        do="nothing was written: it was run on a throw-away database. To have the file nevertheless, and mend it by "
        "hand: --no-verify",
        revision=step.revision,
    )
