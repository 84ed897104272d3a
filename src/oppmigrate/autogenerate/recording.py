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
    batch_alter_table = operations.batch_alter_table

    @contextlib.contextmanager
    def recording_batch(*args: Any, **kwargs: Any) -> Iterator[BatchOperations]:
        with batch_alter_table(*args, **kwargs) as batch:
            batch.invoke = _recording(batch.invoke, recorded)  # type: ignore[method-assign, assignment]
            yield batch

    own = vars(operations)
    before = dict(own)  # somebody else may have wrapped the instance as well
    own.update(invoke=_recording(operations.invoke, recorded), batch_alter_table=recording_batch)
    try:
        yield
    finally:
        for name in ("invoke", "batch_alter_table"):
            del own[name]
            own.update({name: before[name]} if name in before else {})


def _recording(invoke: Callable[[Any], Any], recorded: list[MigrateOperation]) -> Callable[[Any], Any]:
    def record(operation: MigrateOperation) -> Any:
        recorded.append(operation)
        return invoke(operation)

    return record
