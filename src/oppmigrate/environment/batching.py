"""`batch_alter_table`, carried out by the database's own change of a table, which loses nothing.

The instance of Alembic's `Operations` is changed, not its classes: nothing outlives the `with`.
"""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

from alembic.operations import BatchOperations, Operations
from alembic.operations.batch import BatchOperationsImpl
from sqlalchemy import Connection, MetaData, Table, event

from oppmigrate.databases import Database
from oppmigrate.databases.table_changes import Batch, TableChange
from oppmigrate.environment.naming import name_constraints

# what an operation outside of a batch asks of Alembic's implementation, which refuses most of it, or leaves it to the
# server to refuse
ALONE = ("add_column", "alter_column", "drop_column", "add_constraint", "drop_constraint")


def never(_rule: str) -> bool:
    """No rule may be broken."""
    return False


@contextlib.contextmanager
def rebuilding(
    operations: Operations,
    database: Database,
    is_allowed: Callable[[str], bool] = never,
    *,
    merges: bool = True,
) -> Iterator[None]:
    """Have every batch of operations carried out by the database meanwhile, in the cheapest way that is exact.

    Where the server alters its tables by itself, and where SQL is only written, nothing is changed. Batches on one
    table that follow each other are carried out as one: what was put off is done before anything else is executed,
    committed, or asked for the connection.

    Args:
        is_allowed: may the rule of this slug be broken? Asked before values are lost: "lossy-conversion".
        merges: False carries out each batch at its end; for what encloses more than one revision.

    Raises:
        RowsDoNotFit: at the end of a batch: rows that the new definition does not take; nothing was changed.
        MigrationFailed: something that no operation names came out otherwise; nothing was changed.
    """
    connection = operations.migration_context.connection
    if not database.rebuilds_tables or operations.migration_context.as_sql or connection is None:
        yield
        return
    queue = _Queue(operations, database, connection, is_allowed, merges)
    alone = {name: partial(queue.alter, name) for name in ALONE}
    with (
        replaced(operations, batch_alter_table=queue.batch_alter_table, get_bind=queue.get_bind),
        replaced(operations.impl, **alone),
    ):
        queue.listen()
        try:
            yield
            queue.carry_out()
        finally:
            queue.close()


@contextlib.contextmanager
def replaced(instance: object, **methods: Any) -> Iterator[None]:
    """Have these methods on the instance meanwhile; then those that were there, its own or its class's."""
    before = {name: vars(instance)[name] for name in methods if name in vars(instance)}
    vars(instance).update(methods)
    try:
        yield
    finally:
        for name in methods:
            vars(instance).pop(name, None)
        vars(instance).update(before)


class _Queue:
    """The change that is put off, and what has to happen before it is too late for it."""

    def __init__(
        self,
        operations: Operations,
        database: Database,
        connection: Connection,
        is_allowed: Callable[[str], bool],
        merges: bool,
    ) -> None:
        self._database = database
        self._connection = connection
        self._is_allowed = is_allowed
        self._merges = merges
        self._operations = operations
        self._get_bind = operations.get_bind
        self._batch_alter_table = operations.batch_alter_table
        self._table: tuple[str, str | None] | None = None
        self._change: TableChange | None = None
        self._is_working = False
        self._is_native = False

    # ---- the block

    @contextlib.contextmanager
    def batch_alter_table(
        self,
        table_name: str,
        schema: str | None = None,
        recreate: Literal["auto", "always", "never"] = "auto",
        *arguments: Any,
        **options: Any,
    ) -> Iterator[BatchOperations]:
        """As Alembic's `Operations.batch_alter_table`, with the same arguments."""
        with self._batch_alter_table(table_name, schema, recreate, *arguments, **options) as batch:
            flush = self._flush_natively if recreate == "never" else self._flush
            batch.impl.flush = partial(flush, batch.impl, batch.impl.flush)  # type: ignore[method-assign]
            yield batch

    def _flush(self, collected: BatchOperationsImpl, _flush: Callable[[], None]) -> None:
        """The end of a block, in the place of Alembic's own."""
        self._add(collected.table_name, collected.schema, _as_batch(collected))

    def _flush_natively(self, _collected: BatchOperationsImpl, flush: Callable[[], None]) -> None:
        """The end of a block that is to be ALTER TABLEs, whatever the server says to them."""
        self.carry_out()
        self._is_native = True
        try:
            flush()
        finally:
            self._is_native = False

    def alter(self, name: str, /, *arguments: Any, **options: Any) -> None:
        """One operation outside of a batch, as a batch of its own."""
        if self._is_native:
            impl = self._operations.impl
            getattr(type(impl), name)(impl, *arguments, **options)
            return
        table = getattr(arguments[0], "table", None)
        name_of_table = table.name if table is not None else arguments[0]
        schema = table.schema if table is not None else options.get("schema")
        batch = Batch(((name, arguments, options),), **_naming(self._operations))
        self._add(str(name_of_table), schema, batch)

    def _add(self, table: str, schema: str | None, batch: Batch) -> None:
        if self._table != (table, schema) or self._change is None or not self._change.is_pending:
            self.carry_out()
            self._table = (table, schema)
            self._change = self._database.change_table(self._connection, table, schema, is_allowed=self._is_allowed)
        with self._working():
            self._change.add(batch)
        if not self._merges:
            self.carry_out()

    def carry_out(self) -> None:
        """Do what was put off."""
        if self._change is None or self._is_working:
            return
        with self._working():
            self._change.carry_out()
        self._change = None

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """Let what is executed here find nothing to be done before it; in a transaction of its own, if in none."""
        self._is_working = True
        try:
            with contextlib.nullcontext() if self._connection.in_transaction() else self._connection.begin():
                yield
        finally:
            self._is_working = False

    # ---- what must find it done

    def get_bind(self) -> Connection:
        """As Alembic's: who asks for the connection may do anything with it."""
        self.carry_out()
        return self._get_bind()

    def listen(self) -> None:
        event.listen(self._connection, "before_cursor_execute", self._before)
        event.listen(self._connection, "commit", self._before)
        event.listen(self._connection, "rollback", self._forget)

    def close(self) -> None:
        event.remove(self._connection, "before_cursor_execute", self._before)
        event.remove(self._connection, "commit", self._before)
        event.remove(self._connection, "rollback", self._forget)

    def _before(self, *_: Any) -> None:
        self.carry_out()

    def _forget(self, *_: Any) -> None:
        self._change = None


def _as_batch(collected: BatchOperationsImpl) -> Batch:
    """A block's operations for the database; its own convention for names comes before that of the models."""
    naming = _naming(collected.operations)
    if collected.naming_convention:
        naming["naming_convention"] = collected.naming_convention
    if collected.copy_from is not None:
        naming["namers"] = (_by_names_of(collected.copy_from), *naming["namers"])
    return Batch(
        tuple(collected.batch),
        always=collected.recreate == "always",
        partial_reordering=tuple(collected.partial_reordering or ()),
        table_args=tuple(collected.table_args),
        table_kwargs=dict(collected.table_kwargs),
        **naming,
    )


def _naming(operations: Operations) -> dict[str, Any]:
    """What an operation may call a constraint by that the table has without a name."""
    metadata = operations.migration_context.opts.get("target_metadata")
    first = metadata if isinstance(metadata, MetaData) else next(iter(metadata or ()), None)
    convention = first.naming_convention if first is not None else None
    return {"naming_convention": convention, "namers": (_by_our_own_names,)}


def _by_our_own_names(table: Table) -> None:
    """The names that our own revisions give: the model has them, a table made before it knew of us has not."""
    name_constraints(table.metadata)


def _by_names_of(known: Table) -> Callable[[Table], None]:
    """The names that the table of `copy_from` gives to constraints on the same columns."""

    def name(table: Table) -> None:
        for constraint in table.constraints:
            for twin in known.constraints:
                if constraint.name is None and twin.name is not None and _says(constraint) == _says(twin):
                    constraint.name = twin.name

    return name


def _says(constraint: Any) -> tuple[Any, ...]:
    columns = tuple(column.name for column in getattr(constraint, "columns", ()))
    return type(constraint).__visit_name__, columns, " ".join(str(getattr(constraint, "sqltext", "")).split())
