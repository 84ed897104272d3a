"""Changes of a table on a server whose ALTER TABLE cannot make them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Table

Operation = tuple[str, tuple[Any, ...], Mapping[str, Any]]  # as Alembic's BatchOperationsImpl collects it


@dataclass(frozen=True)
class Batch:
    """What one `batch_alter_table` block asks for.

    Args:
        always: rebuild the table, also where ALTER TABLE would do.
        partial_reordering, table_args, table_kwargs, naming_convention: Alembic's arguments of these names.
        namers: each gives names, in place, to a table's unnamed constraints; what an operation may call them by.
    """

    operations: Sequence[Operation]
    always: bool = False
    partial_reordering: Sequence[Sequence[str]] = ()
    table_args: Sequence[Any] = ()
    table_kwargs: Mapping[str, Any] = field(default_factory=dict)
    naming_convention: Mapping[str, str] | None = None
    namers: Sequence[Callable[[Table], None]] = ()


class TableChange(Protocol):
    """Batches for one table; work may be put off until `carry_out`, so that it is done once for several of them."""

    @property
    def is_pending(self) -> bool: ...

    def add(self, batch: Batch) -> None: ...

    def carry_out(self) -> None: ...
