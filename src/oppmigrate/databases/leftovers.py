"""Tables that a killed run of stock Alembic left behind: what they hold, and what can be done about them."""

from collections.abc import Sequence
from dataclasses import dataclass

from oppmigrate.errors import Refused

LEFTOVER = "_alembic_tmp_"  # how the stock tool begins the names of the tables that it is making


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
            return f"`{self.name}` holds {_rows(self.rows)}, and the table that it was made for is not there"
        rows = f"it holds {_rows(self.rows)}, `{self.table}` {self.table_rows:,}"
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


def _rows(number: int) -> str:
    return f"{number:,} {'row' if number == 1 else 'rows'}"
