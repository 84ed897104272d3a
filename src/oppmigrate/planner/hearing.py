"""What a step does while it runs in a scratch database: beside its SQL, what it asks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from alembic.operations import MigrateOperation, Operations, ops
from sqlalchemy import Connection

from oppmigrate.data.reading import ReadTableOp
from oppmigrate.planner.output import Output
from oppmigrate.planner.recording import in_place


class Hearing:
    """Listens to one step.

    Attributes:
        output: its SQL.
        tables: those that its data steps have read.
    """

    def __init__(self) -> None:
        self.output = Output()
        self.tables: list[str] = []
        self._asks = False
        self._running: list[MigrateOperation] = []

    @property
    def is_whole(self) -> bool:
        """Is its SQL the same on every database? It is, if all that it asked was how its tables are made."""
        return not self._asks

    @contextmanager
    def listening(self, operations: Operations, connection: Connection) -> Iterator[None]:
        """Listen to what is invoked on the instance, and to what is executed on the connection."""
        batch_alter_table = operations.batch_alter_table

        def batch(*args: Any, **options: Any) -> Any:
            self._asks = True  # where it rebuilds the table, it asks for more than the data step has
            return batch_alter_table(*args, **options)

        with ExitStack() as stack:
            stack.enter_context(in_place(operations, "invoke", self._heard(operations.invoke)))
            stack.enter_context(in_place(operations, "batch_alter_table", batch))
            stack.enter_context(self.output.listening(connection, self._note))
            yield

    def _heard(self, invoke: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def heard(operation: MigrateOperation) -> Any:
            if isinstance(operation, ReadTableOp):
                self.tables.append(operation.name)
            elif not isinstance(operation, ops.ExecuteSQLOp | ops.BulkInsertOp):
                self._asks = True
            self._running.append(operation)
            try:
                return invoke(operation)
            finally:
                self._running.pop()

        return heard

    def _note(self, is_question: bool) -> None:
        """A statement whose answer the step may look at makes the rest of it depend on what is in the database."""
        running = self._running[-1] if self._running else None
        if running is None or (is_question and not isinstance(running, ReadTableOp)):
            self._asks = True
