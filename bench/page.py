"""docs/performance.md, as `make bench` writes it."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from importlib import metadata
from itertools import groupby
from pathlib import Path

from bench.measuring import LEAST_RUNS, SERVER_RUNS, Table
from bench.others import versions

DOCS = Path(__file__).resolve().parents[1] / "docs"
HEAD = """# Performance

<!-- written by `make bench`; change bench/page.py instead -->

Everyday commands with nothing to do are answered before SQLAlchemy or Alembic is imported: from an index of the
revision files, which lies in the project's `__pycache__`, and one question to the database. Whatever is not certain is
left to the full command, whose answer is the same.

`check` and `create` ask the database about all of its tables at once, in a few questions whose number does not grow
with them, and leave to Alembic's comparison only the tables that are not certainly as their models: a table whose
columns, keys, indexes and constraints say the same on both sides needs no second look. A project that compares types by
a function of its own, or has comparators of another plugin, has every table compared one by one.

Each command is run in turns with the others, {runs} times (stock Alembic on servers, and what takes long:
{server_runs}), and the median counts. Seconds are this machine's; the ratio to the least that the work could cost, in
brackets, is what carries over to yours. To measure on yours: `make bench`, or `make bench-quick` for less than two
minutes of it.

Django and dbmate stand beside them where the work is the same: their projects have as many migrations, which say the
same in their words.

Measured on {machine}.
"""


def machine() -> str:
    """What it was measured on."""
    known = {name: metadata.version(name) for name in ("alembic", "sqlalchemy")} | versions()
    named = ", ".join(f"{name} {version}" for name, version in known.items() if version is not None)
    return (
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, SQLite "
        f"{sqlite3.sqlite_version}, {named}"
    )


def write_page(sections: Sequence[tuple[str, str, Sequence[Table]]], drawing: str) -> None:
    """Write the page, and the picture beside it.

    Args:
        sections: title, note and tables of each kind of work.
    """
    parts = [HEAD.format(runs=LEAST_RUNS, server_runs=SERVER_RUNS, machine=machine())]
    for title, note, tables in sections:
        parts.append(f"## {title}\n\n{note}\n\n{as_markdown(tables)}")
    parts.append(
        "## Against the number of files\n\nBoth axes are logarithmic; dashed lines are stock Alembic's.\n\n"
        "![seconds against revision files](performance.svg)\n"
    )
    (DOCS / "performance.md").write_text("\n".join(parts), encoding="utf-8")
    (DOCS / "performance.svg").write_text(drawing, encoding="utf-8")


def as_markdown(tables: Sequence[Table]) -> str:
    """A row for each piece of work: what it took, and in brackets how many times the least.

    Those with another least have other columns, and stand by themselves.
    """
    return "\n".join(_as_one(list(alike)) for _, alike in groupby(tables, key=lambda table: table.least))


def _as_one(tables: Sequence[Table]) -> str:
    names = list(dict.fromkeys(name for table in tables for name in (*table.medians, *table.not_installed)))
    rows = [["work", *names, "to reach"], ["---"] * (len(names) + 2)]
    for table in tables:
        rows.append([table.work, *(_cell(table, name) for name in names), table.to_reach])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(table: Table, name: str) -> str:
    if name not in table.medians:
        return "not installed" if name in table.not_installed else "–"
    found = f"{table.medians[name]:.{3 if table.unit == 's' else 1}f}" + ("" if table.unit == "s" else f" {table.unit}")
    if name == table.least:
        return found
    compared = f"{table.ratio(name):.2f} ×" if table.margin_s is None else f"{table.over(name):+.2f} s"
    return f"{found} ({compared})"
