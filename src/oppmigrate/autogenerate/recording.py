"""What a revision does, recorded while it runs."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from alembic.operations import BatchOperations, Operations
from alembic.operations.ops import MigrateOperation


@contextlib.contextmanager
def record_operations(operations: Operations, recorded: list[MigrateOperation]) -> Iterator[None]:
    """Append every operation that is invoked meanwhile, inside `batch_alter_table` too; each is carried out as ever.

    Instances are wrapped, not Alembic's classes: nothing outlives the `with`.
    """
    before = dict(vars(operations))
    batch_alter_table = operations.batch_alter_table

    @contextlib.contextmanager
    def recording_batch(*args: Any, **kwargs: Any) -> Iterator[BatchOperations]:
        with batch_alter_table(*args, **kwargs) as batch:
            batch.invoke = _recording(batch.invoke, recorded)  # type: ignore[method-assign, assignment]
            yield batch

    invoke = operations.invoke
    operations.invoke = _recording(invoke, recorded)  # type: ignore[method-assign, assignment]
    operations.batch_alter_table = recording_batch  # type: ignore[method-assign]
    try:
        yield
    finally:
        del operations.invoke, operations.batch_alter_table
        vars(operations).update(before)


def _recording(invoke: Callable[[Any], Any], recorded: list[MigrateOperation]) -> Callable[[Any], Any]:
    def record(operation: MigrateOperation) -> Any:
        recorded.append(operation)
        return invoke(operation)

    return record
