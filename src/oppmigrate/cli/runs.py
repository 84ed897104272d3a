"""Runs of revisions in words, as the journal tells them."""

from datetime import UTC, datetime

from oppmigrate.cli.sizes import counted
from oppmigrate.results import Run

LONGEST_ERROR = 200


def run_in_words(run: Run) -> str:
    """`upgrade   2026-11-24 22:53 UTC by ada@tower, 12 ms, 3 rows moved`."""
    parts = [f"{run.direction:<9} {time_of(run.started)} by {run.by or 'unknown'}", *_outcome(run)]
    if run.rows_moved:
        parts.append(f"{counted(run.rows_moved, 'row')} moved")
    if run.backup:
        parts.append(f"backup {run.backup}")
    return ", ".join(parts)


def time_of(moment: datetime) -> str:
    """To the minute, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _outcome(run: Run) -> list[str]:
    if run.outcome == "running":
        return ["not ended: it runs, or was killed"]
    if run.outcome == "failed":
        error = " ".join((run.error or "").split())
        return [f"FAILED{f': {error[:LONGEST_ERROR]}' if error else ''}"]
    if run.duration_ms is None:
        return ["the edited file was accepted, nothing was run"]
    return [duration_in_words(run.duration_ms)]


def duration_in_words(duration_ms: float) -> str:
    """`12 ms`, `3.2 s`, `4 min 5 s`."""
    if duration_ms < 1000:
        return f"{duration_ms:.0f} ms"
    seconds = duration_ms / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
