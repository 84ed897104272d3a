"""Changes of a table on a server whose ALTER TABLE cannot make them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Table

from oppmigrate.errors import Refused

LEFTOVER = "_alembic_tmp_"  # how the stock tool begins the names of the tables that it is making

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


@dataclass(frozen=True)
class Leftover:
    """A table that a rebuild by stock Alembic made and never put in its place.

    Args:
        name: what it is called now.
        table: the table that it was to replace; None where there is none that fits.
        rows, table_rows: how many rows each of them holds.
    """

    name: str
    table: str | None
    rows: int
    table_rows: int | None

    @property
    def can_go(self) -> bool:
        """Is all that it holds still in the table itself?"""
        return self.table_rows is not None and self.table_rows >= self.rows

    def shown(self) -> str:
        """Both tables and their rows, in words."""
        if self.table is None:
            return f"`{self.name}` holds {self.rows:,} rows, and the table that it was made for is not there"
        rows = f"it holds {self.rows:,} rows, `{self.table}` {self.table_rows:,}"
        return f"`{self.name}` was made to replace `{self.table}`; {rows}"


def leftovers_in_the_way(leftovers: Sequence[Leftover]) -> Refused:
    """The error for leftovers that nobody asked to drop."""
    names = ", ".join(f"`{leftover.name}`" for leftover in leftovers)
    stays = next((leftover for leftover in leftovers if not leftover.can_go), None)
    return Refused(
        f"an earlier run of the stock alembic was killed while it rebuilt a table, and left {names} behind",
        why="; ".join(leftover.shown() for leftover in leftovers),
        do=way_back(stays) if stays else "oppman migrate upgrade --drop-leftovers",
        tables=[leftover.name for leftover in leftovers],
    )


def way_back(leftover: Leftover) -> str:
    """What a person can do about one that may hold the only copy of its rows."""
    if leftover.table is None:
        original = leftover.name.rpartition(".")[2].removeprefix(LEFTOVER)
        return f'bring it back under its name: ALTER TABLE "{leftover.name}" RENAME TO "{original}"'
    return f'compare the two, and drop the one to go yourself: DROP TABLE "{leftover.name}"'
