"""Everyday commands on SQLite, where there is nothing to do."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.measuring import LEAST_RUNS, Extent, Table, Timed, run_in_turns
from bench.others import COLUMNS, DBMATE, DJANGO, not_installed, others
from bench.projects import Pair, pair
from oppmigrate.cli.sizes import counted

TITLE = "Nothing to do, SQLite"
NOTE = (
    'The least is `python -c "import sqlite3"`. Every revision is applied, and the journal tells of each. Django\'s '
    "`migrate` and dbmate's `up` are asked where the question is the same; dbmate is a compiled program, which has no "
    "Python to start, and does not look whether a file was changed."
)
LEAST = "import sqlite3"
# ours, and what stock Alembic has for the same question
COMMANDS = {
    "upgrade": ("upgrade", "head"),
    "current": ("current",),
    "heads": ("heads",),
    "history": ("history",),
    "check --pending": ("current", "--check-heads"),
}
TARGETS = {1: 2.0, 1000: 2.5, 5000: 4.0}
OURS = ("oppman.py", "oppman")
OTHERS = {"upgrade": (DJANGO, DBMATE)}


def measure(extent: Extent) -> Iterator[Table]:
    """A table for each command and number of files."""
    stock_runs = 1 if extent.is_quick else LEAST_RUNS
    for size in extent.sizes:
        with pair(size) as projects, others(size, COLUMNS, applied=True) as theirs:
            for command in COMMANDS:
                names, tools = (LEAST, *OURS, "alembic"), OTHERS.get(command, ())
                timed = _commands(names, command, projects, extent.runs, stock_runs) + theirs(tools, stock_runs)
                yield Table(
                    f"`{command}`, {counted(size, 'file')}",
                    run_in_turns(timed),
                    LEAST,
                    OURS,
                    TARGETS.get(size),
                    not_installed=not_installed(tools),
                )


def _commands(names: Sequence[str], command: str, projects: Pair, runs: int, stock_runs: int) -> list[Timed]:
    scripts = Path(sys.executable).parent
    arguments = ["migrate", *command.split()]
    lines = {
        names[0]: [sys.executable, "-c", "import sqlite3"],
        names[1]: [sys.executable, "oppman.py", *arguments],
        names[2]: [str(scripts / "oppman"), *arguments],
        names[3]: [str(scripts / "alembic"), *COMMANDS[command]],
    }
    return [
        Timed(name, line, projects.stock, runs=stock_runs)
        if name == "alembic"
        else Timed(name, line, projects.ours, runs=runs)
        for name, line in lines.items()
    ]
