"""Before against after: is everything still there that the operations do not name?"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from oppmigrate.databases.sqlite_rebuild.definition import Definition
from oppmigrate.databases.sqlite_rebuild.stored import Facts
from oppmigrate.databases.sqlite_rebuild.target import Expected
from oppmigrate.databases.sqlite_rebuild.tokens import fold, normalized


def differences(before: Facts, after: Facts, expected: Expected) -> Iterator[str]:
    """What differs between two looks at the table, in words, and is not what the operations do."""
    yield from _columns(before, after, expected)
    yield from _keys(before, after, expected)
    yield from _constraints(before, after, expected)
    changed = expected.constraints
    if before.options != after.options and not expected.options:
        yield f"it is {_listed(Counter(after.options))}, and was {_listed(Counter(before.options))}"
    has_new_key = changed["PRIMARY KEY", "dropped"] or changed["PRIMARY KEY", "added"]
    if before.autoincrements != after.autoincrements and not (expected.options or has_new_key):
        yield "its AUTOINCREMENT is gone" if before.autoincrements else "it has AUTOINCREMENT"
    if after.autoincrements and before.sequence is not None and (after.sequence or 0) < before.sequence:
        yield f"its next number would be {after.sequence}, and was {before.sequence}"


def _keys(before: Facts, after: Facts, expected: Expected) -> Iterator[str]:
    """Foreign keys, and what is unique, as SQLite lists them."""
    pairs: tuple[tuple[str, Counter[Any], Counter[Any], tuple[str, ...]], ...] = (
        ("foreign keys", before.foreign_keys, after.foreign_keys, ("FOREIGN KEY",)),
        ("unique keys", before.uniques, after.uniques, ("UNIQUE", "PRIMARY KEY")),
    )
    for words, was, now, kinds in pairs:
        added = sum(expected.constraints[kind, "added"] for kind in kinds)
        dropped = sum(expected.constraints[kind, "dropped"] for kind in kinds)
        if words == "unique keys" and _changes_meaning(expected):
            continue
        if (was - now).total() > dropped or (now - was).total() > added:
            yield f"its {words} are {_listed(now)}, and were {_listed(was)}"


def _constraints(before: Facts, after: Facts, expected: Expected) -> Iterator[str]:
    """Every constraint by its words: SQLite lists no CHECK, no ON CONFLICT and no DEFERRABLE."""
    free = {column for column, what in expected.altered.items() if "not null" in what}
    for kind in ("PRIMARY KEY", "UNIQUE", "CHECK", "FOREIGN KEY", "NOT NULL"):
        was, now = (
            Counter({key: n for key, n in facts.constraints.items() if key[0] == kind}) for facts in (before, after)
        )
        gone, new = was - now, now - was
        if kind == "NOT NULL":
            allowed = free | expected.dropped | {fold(name) for name in expected.added}
            faulty = [key for key in (gone + new).elements() if key[1] not in allowed]
        else:
            is_more = gone.total() > expected.constraints[kind, "dropped"]
            faulty = list((gone if is_more else new).elements())
            if not is_more and new.total() <= expected.constraints[kind, "added"]:
                continue
        for key in faulty:
            yield f"its {' '.join(key[2])} is {'gone or changed' if key in gone else 'new'}"


def _columns(before: Facts, after: Facts, expected: Expected) -> Iterator[str]:
    kept = [name for name in before.columns if name not in expected.dropped]
    added = {fold(name) for name in expected.added}
    missing = [name for name in kept if name not in after.columns]
    if missing or after.columns.keys() - added - set(kept):
        yield f"its columns are {', '.join(after.columns)}"
        return
    order = [name for name in after.columns if name in kept]
    if not expected.is_reordered and order != kept:
        yield f"its columns have another order: {', '.join(order)}"
    key_changes = expected.constraints["PRIMARY KEY", "added"] or expected.constraints["PRIMARY KEY", "dropped"]
    for name in kept:
        allowed = set(expected.altered.get(name, ()))
        if key_changes or expected.options:
            allowed |= {"primary key", "not null"}
        if "type" in allowed and before.columns[name]["primary key"]:
            allowed.add("not null")  # a key of a STRICT table is listed as NOT NULL, unless it is the rowid
        for what, value in before.columns[name].items():
            if what not in allowed and after.columns[name][what] != value:
                yield f"`{name}` has {what} {after.columns[name][what]!r}, and had {value!r}"


def _changes_meaning(expected: Expected) -> bool:
    """Another type or collation of a column, or another option, is seen in the indexes behind constraints, too."""
    altered = any(what & {"type", "collate"} for what in expected.altered.values())
    return altered or expected.options


def objects_differ(
    before: Counter[tuple[Any, ...]], after: Counter[tuple[Any, ...]], *, dropped: set[str], created: set[str]
) -> Iterator[str]:
    """What differs among the statements of everything else, in words.

    Args:
        dropped, created: indexes that the operations name.
    """
    old = Counter({row: count for row, count in before.items() if not (row[1] == "index" and row[2] in dropped)})
    new = Counter({row: count for row, count in after.items() if not (row[1] == "index" and row[2] in created)})
    for gone in sorted((old - new).elements(), key=str):
        yield f"the {gone[1]} `{gone[2]}` is gone or changed"
    for more in sorted((new - old).elements(), key=str):
        yield f"the {more[1]} `{more[2]}` is new or changed: {more[4]}"


def definitions_differ(wanted: Definition, stored: Definition) -> Iterator[str]:
    """Does the stored statement say, behind its name, what was wanted?"""
    if wanted.sql[wanted.name.end :].strip() != stored.sql[stored.name.end :].strip():
        yield f"its definition is stored as {stored.sql}"


def structures_differ(wanted: Definition, stored: Definition) -> Iterator[str]:
    """The same for what SQLite wrote itself, in a layout of its own."""
    says = [[normalized(column.tokens) for column in each.columns] for each in (wanted, stored)]
    if sorted(says[0]) != sorted(says[1]):
        yield f"its definition is stored as {stored.sql}"


def _listed(found: Counter[Any]) -> str:
    return ", ".join(sorted(map(str, found.elements()))) or "none"
