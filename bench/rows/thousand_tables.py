"""`check` and `create` in a project with a thousand tables."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.many_tables import Twins, twins
from bench.measuring import Extent, Table, Timed, run_in_turns
from bench.projects import database
from servers import MYSQL_VARIABLE, POSTGRESQL_VARIABLE

TITLE = "A thousand tables"
NOTE = (
    'The least is `python -c "import models"`: building 1000 SQLModel classes. `check` finds nothing; `create` finds '
    "one column more, and writes nothing (`--dry-run`). `--no-verify` leaves the proof out, which runs every revision "
    "on a scratch database first: it takes what making all the tables takes."
)
LEAST = "import models"
TABLES, QUICK_TABLES = 1000, 200
RUNS = 3
SERVERS = (("SQLite", "", ""), ("PostgreSQL", "postgresql", POSTGRESQL_VARIABLE), ("MariaDB", "mysql", MYSQL_VARIABLE))
CHECK_S, CREATE_S = 1.0, 1.5  # over the least
CREATE = ("create", "Add a column", "--dry-run", "--no-verify")


def measure(extent: Extent) -> Iterator[Table]:
    """A table for each server and command; nothing of a server that the environment does not name."""
    tables = QUICK_TABLES if extent.is_quick else TABLES
    for name, kind, variable in SERVERS[:1] if extent.is_quick else SERVERS:
        server = os.environ.get(variable, "")
        if not kind:
            with twins(tables) as projects:
                yield from _measured(projects, f"{tables} tables, {name}", extent)
        elif server:
            with database(kind, server) as url, twins(tables, url) as projects:
                yield from _measured(projects, f"{tables} tables, {name}", extent)
        else:
            print(f"{variable} is not set: {name} is left out", file=sys.stderr)


def _measured(projects: Twins, of: str, extent: Extent) -> Iterator[Table]:
    yield _table(f"`check`, {of}", projects, extent, ("check",), ("check",), CHECK_S)
    projects.add_column()
    # stock Alembic has no way to write nothing: what is timed is the comparison that its `check` does
    yield _table(f"`create`, {of}", projects, extent, CREATE, ("check",), CREATE_S)


def _table(
    work: str, projects: Twins, extent: Extent, ours: tuple[str, ...], stock: tuple[str, ...], margin_s: float
) -> Table:
    runs = 1 if extent.is_quick else RUNS
    alembic = [str(Path(sys.executable).parent / "alembic"), *stock]
    timed = [
        Timed(LEAST, [sys.executable, "-c", "import models"], projects.ours, runs=runs),
        Timed("oppman.py", [sys.executable, "oppman.py", "migrate", *ours], projects.ours, runs=runs),
        Timed("alembic", alembic, projects.stock, runs=runs, answers=(0, 255)),
    ]
    return Table(work, run_in_turns(timed), LEAST, ("oppman.py",), margin_s=margin_s)
