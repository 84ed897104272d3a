"""Runs of revisions in words."""

import dataclasses
import datetime

import pytest

from oppmigrate.cli.runs import duration_in_words, run_in_words
from oppmigrate.results import Run

STARTED = datetime.datetime(2026, 1, 31, 12, 30, tzinfo=datetime.UTC)
DONE = Run("a1", "upgrade", "done", STARTED, STARTED, 12.4, None, "ada@tower", "0.1.0")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "upgrade   2026-01-31 12:30 UTC by ada@tower, 12 ms"),
        (
            {"rows_moved": 1, "backup": "/x.db"},
            "upgrade   2026-01-31 12:30 UTC by ada@tower, 12 ms, 1 row moved, backup /x.db",
        ),
        (
            {"duration_ms": None},
            "upgrade   2026-01-31 12:30 UTC by ada@tower, the edited file was accepted, nothing was run",
        ),
        (
            {"outcome": "failed", "error": "no\n  table", "by": ""},
            "upgrade   2026-01-31 12:30 UTC by unknown, FAILED: no table",
        ),
        (
            {"direction": "downgrade", "outcome": "running", "finished": None, "duration_ms": None},
            "downgrade 2026-01-31 12:30 UTC by ada@tower, not ended: it runs, or was killed",
        ),
    ],
)
def test_run_is_told_in_one_line(changes, words):
    assert run_in_words(dataclasses.replace(DONE, **changes)) == words


@pytest.mark.parametrize(
    ("duration_ms", "words"),
    [(0.2, "0 ms"), (999.4, "999 ms"), (3210, "3.2 s"), (245_000, "4 min 5 s"), (59_990, "60.0 s")],
)
def test_duration_is_told_as_long_as_it_was(duration_ms, words):
    assert duration_in_words(duration_ms) == words
