"""What a database records, and the questions that tell it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

VERSION_TABLE = "alembic_version"
HEADS = "SELECT version_num FROM alembic_version"
# The same questions that `recorder` asks, of the journal of the project whose version table has its usual name.
OWN = "WHERE version_table = 'alembic_version'"


class Uncertain(Exception):
    """The full command has to answer."""


class Recorded:
    """What one database records.

    Attributes:
        heads: sorted.
        is_half_done: an interrupted run has left a revision between two.
        done: revision, direction, digest and checksum of the file for each run that was done, newest first.
    """

    def __init__(self) -> None:
        self.heads: tuple[str, ...] = ()
        self.is_half_done = False
        self.done: Sequence[Sequence[Any]] = ()

    def take_heads(self, rows: Iterable[Sequence[Any]]) -> None:
        """The rows of the version table. Raises Uncertain where one of them is no text."""
        heads = [row[0] for row in rows]
        if not all(isinstance(head, str) for head in heads):
            raise Uncertain("the version table holds what is no id")
        self.heads = tuple(sorted(heads))

    def take_unfinished(self, rows: Sequence[Sequence[Any]]) -> None:
        """The journal's rows of what stands half done."""
        self.is_half_done = bool(rows)


def unfinished_query(journal: str) -> str:
    """Is a revision half done? `journal` is the quoted name of the table."""
    return f"SELECT id FROM {journal} {OWN} AND outcome IN ('running', 'failed') AND progress IS NOT NULL"


def done_query(journal: str, first: str = "revision") -> str:
    """What was done, newest first. It fails on a journal of an earlier release, or a table that is none.

    Args:
        first: the first columns; the others are the direction, the digest and the checksum.
    """
    return (
        f"SELECT {first}, direction, body_digest, checksum FROM {journal} {OWN} AND outcome = 'done' ORDER BY id DESC"
    )
