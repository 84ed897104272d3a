"""What the full command would say, where that is certain."""

from __future__ import annotations

import sys

from oppmigrate.fastlane.recorded import Uncertain
from oppmigrate.lines import (
    NEXT_MERGE,
    NEXT_UPGRADE,
    NOTHING_PENDING,
    base_line,
    current_line,
    is_plain,
    nothing_done,
    revision_line,
    widths_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from oppmigrate.fastlane.asking import Question
    from oppmigrate.fastlane.knowledge import Files, Row
    from oppmigrate.fastlane.recorded import Recorded

    Rows = Callable[[], tuple[Row, ...]]
    Checksums = Callable[[], Mapping[str, str]]
Answer = tuple[str, str, int]  # stdout, stderr, exit code


def tell(question: Question, files: Files, recorded: Recorded, rows: Rows, checksums: Checksums) -> Answer:
    """The answer.

    Args:
        rows: reads every revision; the commonest answers need none.
        checksums: reads, for digests of files' bytes, those of their meanings, as far as they are known.

    Raises:
        Uncertain: the full command has to look.
    """
    if question.is_json or not files.know(recorded.heads):
        raise Uncertain("it has more to say")
    if question.command == "upgrade":
        return _upgrade(files, recorded, checksums)
    return TELLERS[question.command](question, files, recorded, rows)


def _upgrade(files: Files, recorded: Recorded, checksums: Checksums) -> Answer:
    if recorded.is_half_done or not _is_at_tips(files, recorded):
        raise Uncertain("there is work to do")
    newest = {entry[0]: entry for entry in reversed(recorded.done)}
    digests = files.digests
    others = {
        digests[revision]: checksum
        for revision, direction, digest, checksum in newest.values()
        if direction == "upgrade" and digests.get(revision, digest) != digest
    }
    if others and not others.items() <= checksums().items():
        raise Uncertain("a file was edited")
    return nothing_done("upgrade", recorded.heads) + "\n", "", 0


def _check(_question: Question, files: Files, recorded: Recorded, _rows: Rows) -> Answer:
    if recorded.is_half_done or not _is_at_tips(files, recorded):
        raise Uncertain("there is work to do")
    return NOTHING_PENDING + "\n", "", 0


def _current(question: Question, files: Files, recorded: Recorded, rows: Rows) -> Answer:
    if recorded.is_half_done:
        raise Uncertain("it has more to say")
    messages: Mapping[str, str] = files.values["messages"]
    pending = 0
    if not _is_at_tips(files, recorded):
        before = {row[0]: row[4] for row in rows()}
        below = _applied([each for head in recorded.heads for each in before[head]], rows())
        if not below.isdisjoint(recorded.heads):
            raise Uncertain("a recorded revision lies below another: Alembic finds its own way there")
        pending = len(files.digests) - len(below) - len(recorded.heads)
    if not messages.keys() >= set(recorded.heads):
        messages = {row[0]: row[1] for row in rows()}
    lines = [
        current_line(head, messages[head], pending, is_all=not pending, is_head=head in files.heads)
        for head in recorded.heads
    ]
    story = f"{NEXT_UPGRADE}\n" if pending and not question.is_quiet else ""
    return "\n".join(lines or [base_line(pending)]) + "\n", story, 0


def _heads(question: Question, files: Files, recorded: Recorded, rows: Rows) -> Answer:
    wanted = frozenset(files.heads)
    story = f"{NEXT_MERGE}\n" if len(files.heads) > 1 and not question.is_quiet else ""
    return _listed([row for row in rows() if row[0] in wanted], files, recorded, rows), story, 0


def _history(_question: Question, files: Files, recorded: Recorded, rows: Rows) -> Answer:
    if not files.values["is_line"]:
        raise Uncertain("the order is Alembic's to choose")
    by_id = {row[0]: row for row in rows()}
    here: str | None = files.heads[0]
    newest_first = []
    while here is not None:
        row = by_id[here]
        newest_first.append(row)
        here = row[4][0] if row[4] else None
    return _listed(newest_first, files, recorded, rows), "", 0


TELLERS: dict[str, Callable[[Question, Files, Recorded, Rows], Answer]] = {
    "check": _check,
    "current": _current,
    "heads": _heads,
    "history": _history,
}


def _listed(listed: Sequence[Row], files: Files, recorded: Recorded, rows: Rows) -> str:
    is_all = _is_at_tips(files, recorded)
    applied = () if is_all else _applied(recorded.heads, rows())
    current = frozenset(recorded.heads)
    widths = widths_of([row[0] for row in listed], [row[1] for row in listed])
    plain = is_plain(sys.stdout)
    lines = [
        revision_line(
            revision,
            "current" if revision in current else "applied" if is_all or revision in applied else "pending",
            created,
            message,
            marks,
            widths,
            plain=plain,
        )
        for revision, message, created, marks, _before in listed
    ]
    return "\n".join(lines) + "\n"


def _is_at_tips(files: Files, recorded: Recorded) -> bool:
    return frozenset(files.tips) == frozenset(recorded.heads)


def _applied(heads: Sequence[str], rows: Sequence[Row]) -> set[str]:
    """The recorded revisions, and all below them."""
    before = {row[0]: row[4] for row in rows}
    reached: set[str] = set()
    waiting = list(heads)
    while waiting:
        revision = waiting.pop()
        if revision not in reached:
            reached.add(revision)
            waiting.extend(before[revision])
    return reached
