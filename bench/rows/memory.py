"""The most memory that a command holds."""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.changing import OURS, RAW, REBUILD, STOCK, make
from bench.measuring import SERVER_RUNS, Extent, Table, Timed, peak_mb, run_in_turns
from bench.others import COLUMNS, DBMATE, DJANGO, not_installed, others
from bench.projects import pair
from oppmigrate.cli.sizes import counted

TITLE = "Memory"
NOTE = (
    'The peak of the resident set of the process. The least of `upgrade` is `python -c "import sqlite3"`. A rebuild of '
    'a SQLite table, as under "A SQLite table with a million rows", may hold no more for ten times the rows but what '
    "SQLite's page cache and its sorter have not filled before: both have limits, and no row is kept by us."
)
LEAST = "import sqlite3"
MOST_MB = 60
ROWS, QUICK_ROWS = (100_000, 1_000_000), (10_000, 100_000)
GROWTH = 1.15


def measure(extent: Extent) -> Iterator[Table]:
    """A table for `upgrade` with the most files, and one for each way to rebuild a table."""
    yield _nothing_to_do(extent)
    yield from _rebuilds(extent)


def _nothing_to_do(extent: Extent) -> Table:
    size, runs = max(extent.sizes), 1 if extent.is_quick else SERVER_RUNS
    tools = () if extent.is_quick else (DJANGO, DBMATE)
    with pair(size) as projects, others(size, COLUMNS, applied=True) as theirs:
        alembic = str(Path(sys.executable).parent / "alembic")
        timed = [
            Timed(LEAST, [sys.executable, "-c", "import sqlite3"], projects.ours, runs=runs),
            Timed("oppman.py", [sys.executable, "oppman.py", "migrate", "upgrade"], projects.ours, runs=runs),
            Timed("alembic", [alembic, "upgrade", "head"], projects.stock, runs=runs),
            *theirs(tools, runs),
        ]
        return Table(
            f"`upgrade`, {counted(size, 'file')}, nothing to do",
            run_in_turns(timed, peak_mb),
            LEAST,
            ("oppman.py",),
            at_most=MOST_MB,
            unit="MB",
            not_installed=not_installed(tools),
        )


def _rebuilds(extent: Extent) -> Iterator[Table]:
    root = Path(__file__).resolve().parents[2]
    sizes = QUICK_ROWS if extent.is_quick else ROWS
    with TemporaryDirectory(prefix="oppman-bench-") as folder:
        files = {f"{rows:,} rows": Path(folder, f"{rows}.db") for rows in sizes}
        for rows, file in zip(sizes, files.values(), strict=True):
            make(file, rows)
        least, most = files
        for way in (OURS,) if extent.is_quick else (OURS, STOCK, RAW):
            timed = [
                Timed(name, [sys.executable, "-m", "bench.changing", way, str(file), REBUILD], root, runs=1)
                for name, file in files.items()
            ]
            target = GROWTH if way == OURS else None
            yield Table(f"rebuild, {way}", run_in_turns(timed, peak_mb), least, (most,), target, unit="MB")
