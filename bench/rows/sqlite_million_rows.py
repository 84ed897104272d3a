"""Changes of a SQLite table with a million rows."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.changing import CHANGES, COMPARING, OURS, RAW, STOCK, make
from bench.measuring import Extent, Table

TITLE = "A SQLite table with a million rows"
NOTE = (
    "A batch of operations on a table of seven columns, with an index, from the BEGIN to behind the COMMIT. The least "
    "is the raw statements: an ALTER TABLE, or an edit of the stored definition that nobody checks, with the scan that "
    "tells whether the rows allow it, or SQLite's rebuild, which compares nothing. What limits a rebuild of ours is in "
    "the last column: before it, each value that gets another type is compared with what it becomes, and after it "
    "every value of the new table with the old one's. A sample would not find the single row that went wrong."
)
ROWS, QUICK_ROWS = 1_000_000, 100_000
RUNS, STOCK_RUNS = 5, 2
NAMES = (RAW, OURS, STOCK, COMPARING)


def measure(extent: Extent) -> Iterator[Table]:
    """A table for each kind of change."""
    rows = QUICK_ROWS if extent.is_quick else ROWS
    ways = {RAW: RUNS, OURS: RUNS, STOCK: 1 if extent.is_quick else STOCK_RUNS}
    with TemporaryDirectory(prefix="oppman-bench-") as folder:
        file = Path(folder, "made.db")
        make(file, rows)
        times: dict[str, dict[str, list[float]]] = {change.work: {} for change in CHANGES}
        for number in range(RUNS):
            for way, runs in ways.items():
                for work, found in _run(way, file).items() if number < runs else ():
                    for name, seconds in found.items():
                        times[work].setdefault(name, []).append(seconds)
    for change in CHANGES:
        medians = {name: statistics.median(times[change.work][name]) for name in NAMES if name in times[change.work]}
        yield Table(
            f"{change.work}, {rows:,} rows", medians, RAW, (OURS,), target=change.target, margin_s=change.margin_s
        )


def _run(way: str, file: Path) -> dict[str, dict[str, float]]:
    command = [sys.executable, "-m", "bench.changing", way, str(file)]
    root = Path(__file__).resolve().parents[2]
    found = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True)
    seconds: dict[str, dict[str, float]] = json.loads(found.stdout)
    return seconds
