"""`check` and `create` in a project with a thousand tables."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.many_tables import Twins, twins
from bench.measuring import Extent, Table, Timed, run_in_turns
from bench.projects import database
from servers import MYSQL_VARIABLE, POSTGRESQL_VARIABLE

TITLE = "A thousand tables"
NOTE = (
    'The least is `python -c "import models"`: building 1000 SQLModel classes. `check` finds nothing; `create` finds '
    "one column more, and writes nothing (`--dry-run`). `--no-verify` leaves the proof out, for which the new revision "
    "is run on a throw-away database. On SQLite that begins with the definitions which the project's database stores; "
    "PostgreSQL and MariaDB store none that make the same again in every case, so there every revision is run first, "
    "which takes what making all the tables takes. The last table is what `check` takes beyond the least: four times "
    "the tables may take four times as long."
)
LEAST, OURS = "import models", "oppman.py"
TABLES, QUICK_TABLES = (250, 500, 1000), (50, 100)
RUNS = 3
SERVERS = (("PostgreSQL", "postgresql", POSTGRESQL_VARIABLE), ("MariaDB", "mysql", MYSQL_VARIABLE))
CHECK_S, CREATE_S = 1.0, 1.5  # over the least
CREATE = ("create", "Add a column", "--dry-run")


def measure(extent: Extent) -> Iterator[Table]:
    """A table for each server and command; nothing of a server that the environment does not name."""
    sizes = QUICK_TABLES if extent.is_quick else TABLES
    beyond = {}
    for tables in sizes:
        with twins(tables) as projects:
            compared = not extent.is_quick or tables == sizes[-1]
            found = [_check(projects, f"{tables} tables, SQLite", extent, compared=compared)]
            beyond[f"{tables} tables"] = found[0].over(OURS)
            if tables == sizes[-1]:
                found += _creates(projects, f"{tables} tables, SQLite", extent, CREATE_S)
            yield from found
    for name, kind, variable in () if extent.is_quick else SERVERS:
        server = os.environ.get(variable, "")
        if not server:
            print(f"{variable} is not set: {name} is left out", file=sys.stderr)
            continue
        with database(kind, server) as url, twins(sizes[-1], url) as projects:
            yield _check(projects, f"{sizes[-1]} tables, {name}", extent)
            yield from _creates(projects, f"{sizes[-1]} tables, {name}", extent, None)
    fewest, most = f"{sizes[0]} tables", f"{sizes[-1]} tables"
    yield Table("`check` beyond the least, SQLite", beyond, fewest, (most,), sizes[-1] / sizes[0])


def _check(projects: Twins, of: str, extent: Extent, *, compared: bool = True) -> Table:
    return _table(f"`check`, {of}", projects, extent, ("check",), ("check",) if compared else (), CHECK_S)


def _creates(projects: Twins, of: str, extent: Extent, proof_s: float | None) -> Iterator[Table]:
    """`create` without its proof, and with it; stock Alembic has none, and no way to write nothing.

    What is timed of it is the comparison that its `check` does.
    """
    projects.add_column()
    stock = () if extent.is_quick else ("check",)
    yield _table(f"`create --no-verify`, {of}", projects, extent, (*CREATE, "--no-verify"), stock, CREATE_S)
    # where every revision is run, minutes pass
    yield _table(f"`create`, {of}", projects, extent, CREATE, (), proof_s, runs=RUNS if proof_s else 1)


def _table(
    work: str,
    projects: Twins,
    extent: Extent,
    ours: Sequence[str],
    stock: Sequence[str],
    margin_s: float | None,
    runs: int = RUNS,
) -> Table:
    runs = 1 if extent.is_quick else runs
    timed = [
        Timed(LEAST, [sys.executable, "-c", "import models"], projects.ours, runs=runs),
        Timed(OURS, [sys.executable, "oppman.py", "migrate", *ours], projects.ours, runs=runs),
    ]
    if stock:
        alembic = [str(Path(sys.executable).parent / "alembic"), *stock]
        timed.append(Timed("alembic", alembic, projects.stock, runs=runs, answers=(0, 255)))
    return Table(work, run_in_turns(timed), LEAST, (OURS,), margin_s=margin_s)
