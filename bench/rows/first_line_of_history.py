"""How long until `history` says its first line."""

import sys
from collections.abc import Iterator
from pathlib import Path

from bench.measuring import LEAST_RUNS, Extent, Table, Timed, run_in_turns
from bench.projects import pair
from oppmigrate.cli.sizes import counted

TITLE = "History, to its first line"
NOTE = 'The least is `python -c "import sqlite3"`. To reach: 0.2 s at 5000 files.'
LEAST = "import sqlite3"


def measure(extent: Extent) -> Iterator[Table]:
    """A table for the largest number of files."""
    size, stock_runs = max(extent.sizes), 1 if extent.is_quick else LEAST_RUNS
    with pair(size) as projects:
        stock = [str(Path(sys.executable).parent / "alembic"), "history"]
        timed = [
            Timed(LEAST, [sys.executable, "-c", "import sqlite3"], projects.ours),
            Timed("oppman.py", [sys.executable, "oppman.py", "migrate", "history"], projects.ours, to_first_line=True),
            Timed("alembic", stock, projects.stock, runs=stock_runs, to_first_line=True),
        ]
        yield Table(f"`history`, {counted(size, 'file')}", run_in_turns(timed), LEAST, ("oppman.py",))
