"""What a step of the school's history is: edits of its models, answers to `create`, and what becomes of the rows."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Row = dict[str, Any]
Rows = dict[str, list[Row]]


class AnyValue:
    """What is in a column where the test cannot know it: a value of its own in each row."""

    def __repr__(self) -> str:
        return "<a value of its own>"


ANY = AnyValue()


@dataclass(frozen=True)
class Edit:
    """In the file of the models, `old` stands once, and `new` in its place after the step."""

    file: str
    old: str
    new: str


def behind(file: str, old: str, more: str) -> Edit:
    """More, behind what stands once in the file."""
    return Edit(file, old, old + more)


def gone(file: str, old: str) -> Edit:
    """What stands once in the file goes."""
    return Edit(file, old, "")


class Effect(Protocol):
    """What a step does to rows, and what its downgrade undoes of that."""

    @property
    def tables(self) -> frozenset[str]: ...

    def up(self, rows: Rows) -> None: ...

    def down(self, rows: Rows) -> None: ...


@dataclass(frozen=True)
class Step:
    """A revision.

    Args:
        edits: of the models; of none, it is a data step.
        flags: the answers to `create`.
        rows: the effects, in the order in which they come about.
        says: what `create` prints of it, parts of lines.
        up, down: lines of a data step's functions.
        written: what the application writes afterwards, before the next step.
        flags_on: further answers, to what `create` asks on that server only.
    """

    message: str
    edits: Sequence[Edit] = ()
    flags: Sequence[str] = ()
    rows: Sequence[Effect] = ()
    says: Sequence[str] = ()
    up: Sequence[str] = ()
    down: Sequence[str] = ("pass",)
    written: Sequence[str] = ()
    flags_on: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def tables(self) -> frozenset[str]:
        """The tables, by all names they bear, of which a row is not exactly what it was."""
        return frozenset().union(*(effect.tables for effect in self.rows))


def _split(name: str) -> tuple[str, str]:
    table, _, column = name.partition(".")
    return table, column


@dataclass(frozen=True)
class Added:
    """A column, with the value that the rows get; a function computes it from the row."""

    column: str
    value: Any = None

    @property
    def tables(self) -> frozenset[str]:
        return frozenset({_split(self.column)[0]})

    def up(self, rows: Rows) -> None:
        table, column = _split(self.column)
        for row in rows[table]:
            row[column] = self.value(row) if callable(self.value) else self.value

    def down(self, rows: Rows) -> None:
        table, column = _split(self.column)
        for row in rows[table]:
            del row[column]


@dataclass(frozen=True)
class Dropped:
    """A column, and what the rows have in it when it comes back."""

    column: str
    back: Any = None

    @property
    def tables(self) -> frozenset[str]:
        return frozenset({_split(self.column)[0]})

    def up(self, rows: Rows) -> None:
        Added(self.column).down(rows)

    def down(self, rows: Rows) -> None:
        Added(self.column, self.back).up(rows)


@dataclass(frozen=True)
class Renamed:
    """A column."""

    column: str
    new: str

    @property
    def tables(self) -> frozenset[str]:
        return frozenset({_split(self.column)[0]})

    def up(self, rows: Rows) -> None:
        table, column = _split(self.column)
        for row in rows[table]:
            row[self.new] = row.pop(column)

    def down(self, rows: Rows) -> None:
        table, column = _split(self.column)
        for row in rows[table]:
            row[column] = row.pop(self.new)


@dataclass(frozen=True)
class TableRenamed:
    old: str
    new: str

    @property
    def tables(self) -> frozenset[str]:
        return frozenset({self.old, self.new})

    def up(self, rows: Rows) -> None:
        rows[self.new] = rows.pop(self.old)

    def down(self, rows: Rows) -> None:
        rows[self.old] = rows.pop(self.new)


@dataclass(frozen=True)
class TableAdded:
    """A table, and what is in it from the beginning; a function makes it from all rows."""

    name: str
    made: Callable[[Rows], list[Row]] = lambda _rows: []

    @property
    def tables(self) -> frozenset[str]:
        return frozenset({self.name})

    def up(self, rows: Rows) -> None:
        rows[self.name] = self.made(rows)

    def down(self, rows: Rows) -> None:
        del rows[self.name]


@dataclass(frozen=True)
class TableDropped:
    """A table, which comes back empty."""

    name: str

    @property
    def tables(self) -> frozenset[str]:
        return frozenset({self.name})

    def up(self, rows: Rows) -> None:
        del rows[self.name]

    def down(self, rows: Rows) -> None:
        rows[self.name] = []


@dataclass(frozen=True)
class Changed:
    """The values of a column: by a dictionary of those that differ, or a function of the row, there and back."""

    column: str
    there: Mapping[Any, Any] | Callable[[Row], Any]
    back: Mapping[Any, Any] | Callable[[Row], Any]

    @property
    def tables(self) -> frozenset[str]:
        return frozenset({_split(self.column)[0]})

    def up(self, rows: Rows) -> None:
        self._change(rows, self.there)

    def down(self, rows: Rows) -> None:
        self._change(rows, self.back)

    def _change(self, rows: Rows, how: Mapping[Any, Any] | Callable[[Row], Any]) -> None:
        table, column = _split(self.column)
        for row in rows[table]:
            row[column] = how(row) if callable(how) else how.get(row[column], row[column])


@dataclass(frozen=True)
class Touched:
    """A table whose values are the same, in another type."""

    table: str

    @property
    def tables(self) -> frozenset[str]:
        return frozenset({self.table})

    def up(self, rows: Rows) -> None:
        """They stay."""

    down = up


@dataclass(frozen=True)
class By:
    """What the lines of a data step do, each way."""

    tables: frozenset[str]
    there: Callable[[Rows], None]
    back: Callable[[Rows], None]

    def up(self, rows: Rows) -> None:
        self.there(rows)

    def down(self, rows: Rows) -> None:
        self.back(rows)


def after(step: Step, rows: Rows) -> Rows:
    """The rows that the step makes of these."""
    rows = copy.deepcopy(rows)
    for effect in step.rows:
        effect.up(rows)
    return rows


def before(step: Step, rows: Rows) -> Rows:
    """The rows that the step's downgrade makes of these."""
    rows = copy.deepcopy(rows)
    for effect in reversed(step.rows):
        effect.down(rows)
    return rows
