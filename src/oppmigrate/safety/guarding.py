"""Around a revision's upgrade() or downgrade(): rows are looked at before each operation, and counted at the end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from alembic.operations import BatchOperations, Operations, ops
from alembic.operations.ops import MigrateOperation

from oppmigrate.data.reading import ReadTableOp
from oppmigrate.databases import Database
from oppmigrate.databases.rows import TableName
from oppmigrate.errors import MigrationFailed
from oppmigrate.safety.allowances import LOSSY_CONVERSION, is_allowed
from oppmigrate.safety.data_steps import DataSteps
from oppmigrate.safety.fitting import check_fit
from oppmigrate.safety.refusing import Inquiry

COUNTED_UP_TO = 1_000_000  # rows; a larger table of a server is not counted


class Guard:
    """What a revision has done to rows so far."""

    def __init__(self, inquiry: Inquiry | None, file: Path, is_replaying: Callable[[], bool] = lambda: False) -> None:
        self._is_replaying = is_replaying
        self._whom = inquiry  # nobody, where the revision is only written as SQL
        self._file = file
        self._counts: dict[TableName, int] = {}
        self._touched: set[TableName] = set()
        self._made: set[TableName] = set()  # by itself: without data steps there are no rows in them to be lost
        self._data_steps = DataSteps()
        self._allowed: set[str] = set()

    @property
    def touched(self) -> frozenset[str]:
        """The tables that its operations named, `schema.table` where they named a schema."""
        return frozenset(map(str, self._touched))

    @property
    def has_data_steps(self) -> bool:
        """Has it changed rows by statements of its own?"""
        return self._data_steps.seen

    @property
    def rows_moved(self) -> int:
        """How many rows its data steps inserted, updated and deleted, as far as the driver says."""
        return self._data_steps.rows_moved

    def allows(self, rule: str) -> bool:
        """Does a comment at one of the revision's batch operations so far allow to break the rule?"""
        return rule in self._allowed

    def _note_allowance(self) -> None:
        """A batch is carried out later, when the line of its operation is not to be seen any more."""
        if is_allowed(LOSSY_CONVERSION, self._file):
            self._allowed.add(LOSSY_CONVERSION)

    @property
    def _inquiry(self) -> Inquiry:
        assert self._whom is not None
        return self._whom

    def verify(self) -> None:
        """Raises:
        MigrationFailed: a table that the revision's operations altered has not the rows that it had, and no data
            step of the revision, and nobody else, can have changed that.
        """
        if self.has_data_steps:
            return
        for table, before in self._counts.items():
            self._verify(table, before)

    def _verify(self, table: TableName, before: int) -> None:
        connection, database = self._inquiry.connection, self._inquiry.database
        after = database.count_rows(connection, table, COUNTED_UP_TO)
        if after == before or self._data_steps.may_have_removed(table.name):
            return
        if database.others_may_have_changed(connection, table):
            return
        raise MigrationFailed(
            f"`{table}` {'is gone' if after is None else f'has {after:,} rows'}, and had {before:,} before revision "
            f"{self._inquiry.revision}",
            why="the revision has no data step, so each table that it alters has to keep its rows",
            do="look for what removes or adds rows: a trigger, a cascade, a statement outside of the migration's "
            "connection",
            revision=self._inquiry.revision,
            table=str(table),
            before=before,
            after=after,
        )

    # ---- while the revision runs

    @contextmanager
    def watching(self, operations: Operations) -> Iterator[None]:
        """Stand before every operation that is invoked on the instance, or in a batch of it."""
        batch_alter_table = operations.batch_alter_table

        @contextmanager
        def guarded_batch(
            table_name: str, schema: str | None = None, *args: Any, **options: Any
        ) -> Iterator[BatchOperations]:
            if not self._is_replaying():
                self._touch(TableName(table_name, schema))
            with ExitStack() as work, batch_alter_table(table_name, schema, *args, **options) as batch:
                batch.invoke = self._before(batch.invoke, is_batch=True)  # type: ignore[method-assign, assignment]
                yield batch
                work.enter_context(self._data_steps.during(None))

        get_bind = operations.get_bind

        def guarded_get_bind() -> Any:
            with self._data_steps.during(None):  # batches that were put off are carried out first
                return get_bind()

        replacements = {
            "invoke": self._before(operations.invoke),
            "batch_alter_table": guarded_batch,
            "get_bind": guarded_get_bind,
        }
        with replaced(operations, replacements), self._data_steps.listening(self._inquiry.connection):
            yield

    def _before(self, invoke: Callable[[Any], Any], *, is_batch: bool = False) -> Callable[[Any], Any]:
        in_rebuild = is_batch and self._inquiry.database.rebuilds_tables

        def guarded(operation: MigrateOperation) -> Any:
            if self._is_replaying():
                return invoke(operation)
            for table in tables_of(operation):
                self._touch(table)
            if in_rebuild:
                self._note_allowance()
            else:
                check_fit(self._inquiry, operation, lambda slug: is_allowed(slug, self._file))
            with self._data_steps.during(operation):
                result = invoke(operation)
            self._follow(operation)
            return result

        return guarded

    def _touch(self, table: TableName) -> None:
        if table in self._touched:
            return
        self._touched.add(table)
        if table in self._made:
            return
        count = self._inquiry.database.count_rows(self._inquiry.connection, table, COUNTED_UP_TO)
        if count is not None:
            self._counts[table] = count

    def _follow(self, operation: MigrateOperation) -> None:
        """Keep the counts with the tables that are renamed, and let go those that are dropped."""
        if isinstance(operation, ops.CreateTableOp):
            if not operation.if_not_exists:
                self._made.add(TableName(operation.table_name, operation.schema))
        elif isinstance(operation, ops.DropTableOp):
            self._counts.pop(TableName(operation.table_name, operation.schema), None)
        elif isinstance(operation, ops.RenameTableOp):
            old = TableName(operation.table_name, operation.schema)
            new = TableName(operation.new_table_name, operation.schema)
            self._touched.add(new)
            if old in self._made:
                self._made.add(new)
            if old in self._counts:
                self._counts[new] = self._counts.pop(old)


def tables_of(operation: MigrateOperation) -> tuple[TableName, ...]:
    """The tables that an operation alters or drops; none for one that makes or reads its table."""
    if isinstance(operation, ops.CreateForeignKeyOp):
        return (TableName(operation.source_table, operation.kw.get("source_schema")),)
    if isinstance(operation, ops.CreateTableOp | ops.BulkInsertOp | ops.ExecuteSQLOp | ReadTableOp):
        return ()
    name = getattr(operation, "table_name", None)
    return (TableName(name, getattr(operation, "schema", None)),) if name else ()


@contextmanager
def replaced(instance: object, attributes: dict[str, Any]) -> Iterator[None]:
    """Other attributes on the instance for the time of the block; then those that it had."""
    own = vars(instance)
    before = {name: own[name] for name in attributes if name in own}
    own.update(attributes)
    try:
        yield
    finally:
        for name in attributes:
            own.pop(name, None)
        own.update(before)


@contextmanager
def guarding(
    operations: Operations,
    database: Database,
    revision: str,
    file: Path,
    is_replaying: Callable[[], bool] = lambda: False,
) -> Iterator[Guard]:
    """Guard the rows while a revision runs; verify their number where it ends without an error.

    As SQL, with no database at hand, nothing is looked at.

    Args:
        operations: what `alembic.op` stands for meanwhile.
        file: the revision's, where allowances are looked for.
        is_replaying: has what is invoked now been done by an earlier run, so that the rows are those after it?

    Raises:
        RowsDoNotFit: before an operation that the rows do not fit.
        MigrationFailed: at the end, where a table has lost or gained rows.
    """
    context = operations.migration_context
    connection = context.connection
    if context.as_sql or connection is None:
        yield Guard(None, file)
        return
    guard = Guard(Inquiry(connection, database, revision), file, is_replaying)
    with guard.watching(operations):
        yield guard
    guard.verify()
