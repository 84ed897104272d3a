"""The lines that both the quick answers and the full commands print, so that the two cannot differ; light to import."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import TextIO

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
STATUS_STYLES = {"applied": "green", "current": "bold", "pending": "yellow", "unknown": "dim"}
NOTHING_DONE = {"upgrade": "up to date", "downgrade": "nothing to undo"}
LONGEST_MESSAGE = 60
NOT_DATED = " " * 16

NO_REVISIONS = "no revisions yet"
NOTHING_PENDING = "up to date: nothing pending"
NEXT_UPGRADE = "next      python oppman.py migrate upgrade"
NEXT_MERGE = 'next      python oppman.py migrate merge "Merge heads"'


def version_line(version: str) -> str:
    """The answer of `--version`."""
    return f"oppman {version}"


def is_plain(stream: TextIO) -> bool:
    """Is there nobody at the stream who sees styles? Meaning never lies in the colour alone."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb" or not stream.isatty()


def styled(text: str, style: str) -> str:
    """Text as a terminal shows it in a style."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m"


def dated(created: datetime | None) -> str:
    """When a revision was made, to the minute."""
    return f"{created:%Y-%m-%d %H:%M}" if created else NOT_DATED


def revision_line(
    revision: str, status: str, created: str, message: str, marks: str, widths: tuple[int, int], *, plain: bool
) -> str:
    """A revision in a list.

    Args:
        created: as `dated` gives it.
        widths: of the ids, and of the messages.
    """
    shown = status.ljust(7) if plain else styled(status.ljust(7), STATUS_STYLES[status])
    return f"{revision.ljust(widths[0])}  {shown}  {created}  {message.ljust(widths[1])}  {marks}".rstrip()


def marks_of(is_head: bool, parents: int, labels: Sequence[str]) -> str:
    """What stands behind a revision in a list."""
    return " ".join(
        [*(["(head)"] if is_head else []), *(["(merge)"] if parents > 1 else []), *map("[{}]".format, labels)]
    )


def widths_of(revisions: Sequence[str], messages: Sequence[str]) -> tuple[int, int]:
    """The widths of the two columns, for `revision_line`."""
    return max(map(len, revisions), default=0), min(LONGEST_MESSAGE, max(map(len, messages), default=0))


def current_line(revision: str, message: str, pending: int, *, is_all: bool, is_head: bool) -> str:
    """A recorded head in `current`.

    Args:
        is_all: nothing is left to be done.
        is_head: it is the newest of its branch.
    """
    state = "head" if is_all else ("head of its branch, " if is_head else "") + f"{pending} pending"
    return f"{revision} ({state})  {message}"


def base_line(pending: int) -> str:
    """A database in `current` that has nothing recorded."""
    return f"base ({pending} pending)" if pending else "base (there are no revisions yet)"


def nothing_done(direction: str, heads: Sequence[str]) -> str:
    """The answer of `upgrade` or `downgrade` where there was nothing to do."""
    return f"{NOTHING_DONE[direction]}: the database is at {', '.join(heads) or 'base'}"
