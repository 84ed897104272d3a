"""A change of one table: batches of operations, put off and merged, so that one rebuild serves them all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import CheckConstraint, Column, Connection, Constraint, Index, UniqueConstraint
from sqlalchemy.exc import OperationalError

from oppmigrate.databases.base import first_line
from oppmigrate.databases.sqlite_rebuild import finding, stored
from oppmigrate.databases.sqlite_rebuild.dependents import read_dependents
from oppmigrate.databases.sqlite_rebuild.rebuilding import carry_out
from oppmigrate.databases.sqlite_rebuild.rendering import Renderer, on_table
from oppmigrate.databases.sqlite_rebuild.requirements import check_rows
from oppmigrate.databases.sqlite_rebuild.sessions import explaining, savepoint, switched
from oppmigrate.databases.sqlite_rebuild.target import TargetTable
from oppmigrate.databases.sqlite_rebuild.tokens import fold, quote
from oppmigrate.databases.table_changes import Batch, Operation
from oppmigrate.errors import MigrationFailed


class SQLiteTableChange:
    """Batches for one table of a SQLite database; the connection is in a transaction, foreign keys are off.

    Every batch is checked when it is added: its names, and the rows. A rebuild waits for the next batch, or for
    `carry_out`; nothing may be executed on the connection before that.
    """

    def __init__(
        self,
        connection: Connection,
        table: str,
        schema: str | None,
        *,
        is_allowed: Callable[[str], bool],
        edits: bool = True,
    ) -> None:
        self._connection = connection
        self._table = table
        self._asked_schema = schema
        self._is_allowed = is_allowed
        self._edits = edits
        self._pending: TargetTable | None = None
        self._always = False
        self._checked_at: tuple[int, int] | None = None

    @property
    def is_pending(self) -> bool:
        """Is there anything that was not carried out yet?"""
        return self._pending is not None

    def add(self, batch: Batch) -> None:
        """Check a batch, and carry it out at once or with the next one; on an error, nothing of it is done.

        Raises:
            RowsDoNotFit: rows that the new definition does not take; nothing was changed.
            MigrationFailed: an operation names something that is not there, or leaves something without its column.
        """
        before = self._pending, self._always, self._table
        try:
            with self._undoing():
                self._add(batch)
        except BaseException:  # what earlier batches have put off is still to be done, if anybody goes on
            self._pending, self._always, self._table = before
            raise

    def _add(self, batch: Batch) -> None:
        operations = list(batch.operations)
        renames = self._renames(operations)
        if self._freed_names(operations, renames):
            drops = [each for each in operations if each[0] == "drop_column"]
            self._take(Batch((), naming_convention=batch.naming_convention, namers=batch.namers), drops, {})
            operations = [each for each in operations if each[0] != "drop_column"]
        if renames:
            self.carry_out()
            self._rename_columns(renames)
        self._take(batch, operations, renames)
        if self._cannot_wait():
            self.carry_out()
        for name, arguments, _ in operations:
            if name == "rename_table":
                self.carry_out()
                self._alter(f"RENAME TO {self._quoted(str(arguments[1]))}")
                self._table = str(arguments[1])

    def carry_out(self) -> None:
        """Do what was put off.

        Raises:
            MigrationFailed: something that no operation names came out otherwise; nothing was changed.
        """
        target = self._pending
        if target is None:
            return
        with savepoint(self._connection, "oppmigrate_rebuild"):
            table = self._read()
            if table.definition.sql != target.old.sql:
                raise MigrationFailed(
                    f"table `{table.name}` was changed between two batches of operations on it",
                    why="the rebuild that both are to share was worked out from how it was before",
                    do="use op.get_bind() for statements between batches, not a connection kept from before",
                )
            self._ask_again_if_rows_changed(table, target)
            carry_out(self._connection, table, target, always=self._always, edits=self._edits)
        self._pending, self._always = None, False

    def _cannot_wait(self) -> bool:
        """Is there no gain in waiting; or a doubt whether it can be done, which is to be cleared in its own block?"""
        if self._pending is None:
            return False
        if self._pending.way.is_native and not self._always:
            return True
        dropped = {(fold(self._table), column) for column in self._pending.expected.dropped}
        if not dropped:
            return False
        schema = self._read().schema
        return any(
            dropped & reading.columns for reading in read_dependents(self._connection, schema, self._table).values()
        )

    def _undoing(self) -> Any:
        self._connection.exec_driver_sql("SELECT 1").close()  # SQLAlchemy begins the transaction
        return savepoint(self._connection, "oppmigrate_batch")

    def _read(self) -> stored.StoredTable:
        schema = stored.find_schema(self._connection, self._table, self._asked_schema)
        if schema is None:
            raise MigrationFailed(
                f"there is no table `{self._table}` to change",
                why="the database has none of that name",
                do="correct the name in batch_alter_table(...)",
                table=self._table,
            )
        return stored.read_table(self._connection, schema, self._table)

    def _take(self, batch: Batch, operations: Sequence[Operation], renamed: Mapping[str, str]) -> None:
        """Work the operations into what is pending."""
        table = self._read()
        renderer = Renderer(self._connection.dialect, self._asked_schema)
        pending = self._pending
        target = pending.copy() if pending else TargetTable(table.definition, table.indexes, renderer, table.schema)
        target.begin(renamed, batch.naming_convention, batch.namers)
        for name, arguments, options in operations:
            if name != "rename_table":
                getattr(target, name)(*arguments, **options)
        if batch.partial_reordering:
            target.reorder(batch.partial_reordering)
        for argument in batch.table_args:
            _take_argument(target, argument)
        target.set_options(batch.table_kwargs)
        target.end()
        self._check_rows(table, target)
        self._pending = target
        self._always = self._always or batch.always

    def _check_rows(self, table: stored.StoredTable, target: TargetTable) -> None:
        with explaining(table.name, "its new definition"):
            check_rows(self._connection, table.schema, target, self._is_allowed)
        self._checked_at = stored.read_moment(self._connection, table.schema)

    def _ask_again_if_rows_changed(self, table: stored.StoredTable, target: TargetTable) -> None:
        """Whoever writes past what we see writes between the question and the change; no way may let that through."""
        if self._checked_at != stored.read_moment(self._connection, table.schema):
            target.checked.clear()
            self._check_rows(table, target)

    # ---- renames, for which SQLite edits everything that names the column

    def _renames(self, operations: Sequence[Operation]) -> dict[str, str]:
        renames = {}
        for name, arguments, options in operations:
            if name == "alter_column" and options.get("name") not in (None, arguments[1]):
                renames[str(arguments[1])] = str(options["name"])
        return renames

    def _freed_names(self, operations: Sequence[Operation], renames: Mapping[str, str]) -> set[str]:
        """Names that a dropped column has and a renamed one gets."""
        dropped = {fold(arguments[1].name) for name, arguments, _ in operations if name == "drop_column"}
        return dropped & {fold(name) for name in renames.values()}

    def _rename_columns(self, renames: Mapping[str, str]) -> None:
        """In an order in which no name is taken; two that change places go by way of a third name."""
        waiting = dict(renames)
        taken = {fold(column.name) for column in self._read().definition.columns}
        while waiting:
            old = next((old for old, new in waiting.items() if fold(new) not in taken - {fold(old)}), None)
            if old is None:
                old = next(iter(waiting))
                if fold(waiting[old]) in {fold(name) for name in waiting}:
                    new = _free(old, taken)
                    waiting[new] = waiting.pop(old)
                else:  # nobody gives that name up: SQLite says so
                    new = waiting.pop(old)
            else:
                new = waiting.pop(old)
            self._rename_column(old, new)
            taken = taken - {fold(old)} | {fold(new)}

    def _rename_column(self, old: str, new: str) -> None:
        if self._read().definition.column(old) is None:
            raise MigrationFailed(
                f"table `{self._table}` has no column `{old}` to rename", do="correct the revision", table=self._table
            )
        self._alter(f"RENAME COLUMN {quote(old)} TO {self._quoted(new)}")

    def _quoted(self, name: str) -> str:
        """In quotes where it needs them: SQLite writes it into every statement as it is given here."""
        return self._connection.dialect.identifier_preparer.quote(name)

    def _alter(self, clause: str) -> None:
        """ALTER TABLE as SQLite has it today: it edits all that names the table or the column."""
        table = self._read()
        try:
            with switched(self._connection, "legacy_alter_table", "OFF"), self._broken_views_aside(table):
                self._connection.exec_driver_sql(f"ALTER TABLE {table.place} {clause}")
        except OperationalError as error:
            raise MigrationFailed(
                f"table `{table.name}` cannot be changed: {clause}",
                why=f"SQLite says: {first_line(error)}",
                do="drop or correct before, with op.execute(...), what stands in the way",
                table=table.name,
            ) from error

    @contextmanager
    def _broken_views_aside(self, table: stored.StoredTable) -> Iterator[None]:
        """Views that did not work before are no reason to refuse; SQLite, which compiles every view, would."""
        readings = read_dependents(self._connection, table.schema, table.name)
        names = [key[1] for key, reading in readings.items() if key[0] == "view" and reading.error]
        statements = stored.take_views(self._connection, table.schema, names)
        yield
        for statement in statements:
            self._connection.exec_driver_sql(statement)


def _free(name: str, taken: set[str]) -> str:
    while fold(name) in taken:
        name += "_"
    return name


def _take_argument(target: TargetTable, argument: Any) -> None:
    """One of `table_args`: stock Alembic has people restate there what its reflection does not see."""
    if isinstance(argument, Column):
        target.add_column(target.name, argument, if_not_exists=True)
    elif isinstance(argument, Index):
        target.create_index(argument, if_not_exists=True)
    elif isinstance(argument, Constraint) and not _is_there(target, argument):
        target.add_constraint(on_table(argument, target.definition))


def _is_there(target: TargetTable, constraint: Constraint) -> bool:
    if constraint.name is not None and target.find_constraint(constraint) is not None:
        return True
    if isinstance(constraint, CheckConstraint):
        return finding.check(target.definition, str(constraint.sqltext)) is not None
    columns: Any = getattr(constraint, "_pending_colargs", None) or getattr(constraint, "columns", ())
    names = [fold(str(getattr(column, "name", column))) for column in columns]
    if isinstance(constraint, UniqueConstraint):
        return any([fold(name) for name in each.columns] == names for each in target.definition.of_kind("UNIQUE"))
    return False
