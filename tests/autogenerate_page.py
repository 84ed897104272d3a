"""docs/autogenerate.md, made from the changes that the tests make and what stock Alembic was seen to make of each.

python tests/autogenerate_page.py            print it
python tests/autogenerate_page.py --write    write it
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from changes.change import Change
from changes.groups import EVERY, GROUPS, NAMES
from stock_alembic import RESULTS

PAGE = RESULTS.with_suffix(".md")
# from the worst to the best, with what the page says of it in words
OUTCOMES = {
    "missed": ("not found", "says that there is nothing to do"),
    "no file": ("no file", "ends with an error, and writes no revision"),
    "up fails": ("upgrade fails", "the upgrade ends with an error"),
    "rows": ("rows wrong", "the upgrade ends well, and what was in the rows is gone, or is another value"),
    "differs": ("in part", "the upgrade ends well, and the database is not what the models say"),
    "down fails": ("downgrade fails", "the upgrade is right, the downgrade ends with an error"),
    "not undone": ("not undone", "the downgrade ends well, and does not bring back what was there before"),
    "found": ("found", "found, and right both ways"),
}
INTRODUCTION = """\
# What `create` finds

Each line of the tables is a change of the models that a test makes (`tests/changes/`), by the command line, in a
database of its own with rows in it: `create` finds it, `upgrade` carries it out and every row is as it should be,
`check` finds nothing more, `downgrade` brings back what was there before, and `upgrade` works again. What it takes to
answer is in brackets; on a terminal it is asked for. Before the file is kept, `create` tries it on a throw-away
database.

The last columns are what stock `alembic revision --autogenerate` makes of the same change, with Alembic {alembic} and
SQLAlchemy {sqlalchemy}, the options of `alembic init`, and `render_as_batch` on SQLite; without the plugin by which
it finds the same as `create` where oppmigrate is installed. It asks nothing, also where something goes; defaults it
compares with `compare_server_default=True` alone, which `alembic init` does not write.

| stock Alembic | |
|---|---|
{legend}

A dash stands where a server does not have the notion, or keeps nothing of it. This page is made from the tests and
from `docs/autogenerate.json`: `make stock` measures, `make pages` writes, a test compares.
"""
SUMMARY = """\
## In numbers

| | {servers} |
|---|{rules}|
| changes | {changes} |
| `create`: found, and right both ways | {changes} |
{rows}
"""
COMBINATIONS = """\
## Several changes at once

Two to five changes of the models, drawn at random by a seed and answered truthfully where they have to be: columns that
come, go, are renamed, change their type, their default, or whether they may be NULL, renamed tables, new tables,
constraints, keys and indexes; with rows that make each of them matter. `create`, `upgrade`, `check`, `downgrade` and
`upgrade` again, and each time schema and rows are compared, the schema with what the models make of an empty database.
Seeds 0 to {last}; where the changes of one undo each other, it does not count. `make combinations` does it again.

| | {servers} |
|---|{rules}|
{rows}
"""
NOT_FOUND = """\
## What it does not find

What SQLAlchemy's models do not hold: views, triggers, functions, privileges, row security, a schema itself. Write such
a revision by hand: `oppman migrate create "…" --empty`. On PostgreSQL, what a project registers in `env.py` by
[alembic-utils](https://pypi.org/project/alembic-utils/) is found and tried as all else, and goes only with `--drop`.
And of what the models hold: the order of columns; the engine, the
character set and other options of a MariaDB table; a primary key that goes and leaves the table without one; on
MariaDB a default that counts by a `Sequence`, which SQLAlchemy does not read back. A sequence that no model declares
stays, since nobody can see whether an application still counts by it: `--drop NAME` drops it, and `--rename OLD:NEW`
keeps where it stands.
"""


def page() -> str:
    """The whole page."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    legend = "\n".join(f"| {word} | {meaning} |" for word, meaning in OUTCOMES.values())
    parts = [INTRODUCTION.format(**{name: results[name] for name in ("alembic", "sqlalchemy")}, legend=legend)]
    parts.append(summary(results["changes"]))
    if "combinations" in results:
        parts.append(combinations(**results["combinations"]))
    parts += [section(title, changes, results["changes"]) for title, changes in GROUPS.items()]
    return "\n".join([*parts, NOT_FOUND])


def summary(found: dict[str, Any]) -> str:
    """How many there are of each outcome on each server."""
    counts = {server: Counter(outcome(change, server, found) for change in EVERY) for server in NAMES}
    rows = [
        f"| stock Alembic: {word} | {' | '.join(str(counts[server][key]) for server in NAMES)} |"
        for key, (word, _) in reversed(OUTCOMES.items())
        if any(count[key] for count in counts.values())
    ]
    return SUMMARY.format(
        servers=" | ".join(NAMES.values()),
        rules="|".join("---:" for _ in NAMES),
        changes=" | ".join(str(sum(server in change.servers for change in EVERY)) for server in NAMES),
        rows="\n".join(rows),
    )


def combinations(seeds: int, scores: dict[str, Any]) -> str:
    """How often each outcome was seen on each server, by each tool."""
    rows = []
    for tool, name in (("oppman", "`create`"), ("alembic", "stock Alembic")):
        for key, (word, _) in reversed(OUTCOMES.items()):
            numbers = [scores[server][tool].get(key, 0) for server in NAMES]
            if any(numbers) or (tool, key) == ("oppman", "found"):
                rows.append(f"| {name}: {word} | {' | '.join(map(str, numbers))} |")
    return COMBINATIONS.format(
        last=seeds - 1,
        servers=" | ".join(NAMES.values()),
        rules="|".join("---:" for _ in NAMES),
        rows="\n".join(rows),
    )


def section(title: str, changes: tuple[Change, ...], found: dict[str, Any]) -> str:
    """The table of one group."""
    lines = [
        f"## {title}\n",
        f"| change | `create` finds it on | stock: {' | '.join(NAMES.values())} |",
        f"|---|---|{'---|' * len(NAMES)}",
        *(f"| {' | '.join(cells(change, found))} |" for change in changes),
    ]
    return "\n".join(lines) + "\n"


def cells(change: Change, found: dict[str, Any]) -> Iterator[str]:
    flags = ", ".join(dict.fromkeys(f"`{flag}`" for flag in change.flags if flag.startswith("--")))
    yield f"{change.name} ({flags})" if flags else change.name
    yield "all" if len(change.servers) == len(NAMES) else ", ".join(NAMES[server] for server in change.servers)
    for server in NAMES:
        yield OUTCOMES[outcome(change, server, found)][0] if server in change.servers else "–"


def outcome(change: Change, server: str, found: dict[str, Any]) -> str | None:
    """What was measured; None where the server does not have the notion."""
    return found[change.name][server] if server in change.servers else None


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page())
