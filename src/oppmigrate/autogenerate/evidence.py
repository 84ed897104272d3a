"""Which of the names that are gone a new name had before: how likely each is, and what speaks for it, in words."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from alembic.operations import ops
from sqlalchemy import Column

from oppmigrate.autogenerate.rows_there import Held, RowsThere
from oppmigrate.autogenerate.values import parse_value
from oppmigrate.autogenerate.words import type_words
from oppmigrate.errors import WrongUsage

SHOWN_VALUES = 3
LONGEST_VALUE = 24
# what a column of such a name holds is not for a screen
SECRET = re.compile(r"pass|secret|token|hash|salt|key|pin\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A name that is gone, to be chosen from.

    Args:
        name: in full: a table's, a column's or a value's.
        evidence: what is known of it; empty where nothing is.
        score: the higher, the likelier; of no meaning but beside those of others.
    """

    name: str
    evidence: str
    score: float


class Evidence:
    """What the operations of a draft and the rows in the database say of a rename."""

    def __init__(self, operations: Iterable[ops.MigrateOperation], rows: RowsThere) -> None:
        flat = list(operations)
        self._rows = rows
        self._dropped = {(op.table_name, op.column_name): op for op in flat if isinstance(op, ops.DropColumnOp)}
        self._added = {(op.table_name, op.column.name): op.column for op in flat if isinstance(op, ops.AddColumnOp)}
        self._dropped_tables = {op.table_name: op for op in flat if isinstance(op, ops.DropTableOp)}
        self._new_tables = {op.table_name: op for op in flat if isinstance(op, ops.CreateTableOp)}

    def of_column(self, table: str, old: str, new: str, name: str) -> Candidate:
        """Was the column `new` of the table called `old`? `name` is its whole name from before."""
        drop, added = self._dropped[table, old], self._added[table, new]
        column = drop._reverse.column if drop._reverse is not None else None
        words, score = [], 2 * likeness(old, new)
        if column is not None:
            before, after = type_words(column.type), type_words(added.type)
            words.append(before if before == after else f"{before}, becomes {after}")
            score += before.partition("(")[0] == after.partition("(")[0]
        held = self._rows.held(drop.schema, table, old)
        if held is not None:
            words.append(_in_words(held, old))
            misfits = [value for value in held.values if not _fits(added, value)]
            score += 1 - len(misfits) / max(1, len(held.values))
            if misfits:
                words.append(f"{_shown(misfits[0], old)} would not fit")
        return Candidate(name, "; ".join(words), score)

    def of_table(self, old: str, new: str) -> Candidate:
        """Was the table `new` called `old`?"""
        drop, made = self._dropped_tables[old], self._new_tables[new]
        before = {item.name for item in (drop._reverse.columns if drop._reverse else ()) if isinstance(item, Column)}
        after = {item.name for item in made.columns if isinstance(item, Column)}
        same = len(before & after)
        words = [f"{same} of its {len(before)} columns have the same name" if same != 1 else "one column is the same"]
        rows = self._rows.rows(drop.schema, old)
        if rows is not None:
            words.append(_count(*rows))
        return Candidate(old, "; ".join(words), likeness(old, new) + same / max(1, len(before | after)))


def likeness(old: str, new: str) -> float:
    """How alike two names are, from 0 to 1."""
    return difflib.SequenceMatcher(a=old, b=new).ratio()


def _in_words(held: Held, column: str) -> str:
    if not held.filled:
        return "no row holds a value" if held.is_all else f"none of the first {held.rows:,} rows holds a value"
    rows = "1 row holds" if held.filled == 1 else f"{held.filled:,} rows hold"
    if not held.is_all:
        rows = f"of the first {held.rows:,} rows, {held.filled:,} hold"
    if SECRET.search(column):
        return f"{rows} a value"
    shown = [_shown(value, column) for value in dict.fromkeys(map(_hashable, held.values))][:SHOWN_VALUES]
    return f"{rows} a value: {', '.join(shown)}"


def _count(rows: int, is_all: bool) -> str:
    return f"{rows:,} row{'s'[: rows != 1]}" if is_all else f"more than {rows:,} rows"


def _hashable(value: Any) -> Any:
    return repr(value) if isinstance(value, list | dict | bytearray) else value


def _shown(value: Any, column: str) -> str:
    if SECRET.search(column):
        return "a value"
    text = repr(value) if isinstance(value, str | bytes) else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _fits(column: Column[Any], value: Any) -> bool:
    """Could the value stand in the column? Taken as text, as `--default` would take it."""
    try:
        parse_value(column.name, column.type, value if isinstance(value, str) else str(value))
    except WrongUsage:
        return False
    return True
