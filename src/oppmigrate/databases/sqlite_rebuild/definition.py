"""A stored CREATE TABLE statement, read: where each column, each of its clauses and each constraint stands in it.

`reading.py` makes it from the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from oppmigrate.databases.sqlite_rebuild.tokens import Token, fold, names_used, normalized, tokenize


class Unreadable(Exception):
    """The text is no CREATE TABLE that can be edited."""


@dataclass(frozen=True)
class Clause:
    """One constraint or property, of a column or of the table.

    Args:
        kind: PRIMARY KEY, NOT NULL, NULL, UNIQUE, CHECK, DEFAULT, COLLATE, FOREIGN KEY (`REFERENCES …` of a column
            too), GENERATED, DEFERRABLE; or CONSTRAINT, for a name with nothing behind it.
        name: what stands behind CONSTRAINT.
        body: the tokens behind that name; `tokens` has all.
        column: the column that it stands in; None for one of the table.
    """

    kind: str
    name: str | None
    tokens: tuple[Token, ...]
    body: tuple[Token, ...]
    column: str | None = None

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end

    @cached_property
    def group(self) -> tuple[Token, ...]:
        """What stands in its first parentheses."""
        opening = next((place for place, token in enumerate(self.body) if token.is_mark("(")), None)
        if opening is None:
            return ()
        return self.body[opening + 1 : closing(self.body, opening)]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns it is about, of its own table: a CHECK's and an expression's are those it mentions."""
        if self.column is not None and self.kind != "CHECK" and self.kind != "GENERATED":
            return (self.column,)
        if self.kind in ("PRIMARY KEY", "UNIQUE", "FOREIGN KEY"):
            return tuple(part[0].name for part in split(self.group) if part)
        return ()

    @cached_property
    def mentioned(self) -> set[str]:
        """Every column, folded, that it could not do without."""
        if self.kind in ("CHECK", "GENERATED", "DEFAULT"):
            return names_used(self.group)
        return {fold(name) for name in self.columns}

    @cached_property
    def referred(self) -> tuple[str, tuple[str, ...]]:
        """A foreign key's table, and the columns there: none where it means the primary key."""
        place = next(place for place, token in enumerate(self.body) if token.is_word("REFERENCES"))
        table = self.body[place + 1].name
        if place + 2 < len(self.body) and self.body[place + 2].is_mark("("):
            inner = self.body[place + 3 : closing(self.body, place + 2)]
            return table, tuple(part[0].name for part in split(inner) if part)
        return table, ()

    @property
    def says(self) -> tuple[str, ...]:
        """Its content, for comparing."""
        return normalized(self.group) if self.kind == "CHECK" else normalized(self.body)


@dataclass(frozen=True)
class ColumnText:
    """One column as it is written. `type_tokens` are empty for a column without a type."""

    name: str
    tokens: tuple[Token, ...]
    type_tokens: tuple[Token, ...]
    clauses: tuple[Clause, ...]

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end

    @property
    def head_end(self) -> int:
        """Where the name and the type end."""
        return (self.type_tokens or self.tokens)[-1 if self.type_tokens else 0].end

    def clause(self, kind: str) -> Clause | None:
        return next((clause for clause in self.clauses if clause.kind == kind), None)

    @property
    def is_generated(self) -> bool:
        return self.clause("GENERATED") is not None

    @property
    def is_stored(self) -> bool:
        generated = self.clause("GENERATED")
        return generated is not None and generated.body[-1].is_word("STORED")


@dataclass(frozen=True)
class Definition:
    """A CREATE TABLE statement. `commas` has the comma behind each item of `columns` and `constraints`, if any."""

    sql: str
    name: Token
    columns: tuple[ColumnText, ...]
    constraints: tuple[Clause, ...]
    commas: tuple[Token | None, ...]
    closing: Token
    options: tuple[Token, ...]

    def column(self, name: str) -> ColumnText | None:
        return next((column for column in self.columns if fold(column.name) == fold(name)), None)

    def text(self, tokens: Sequence[Token]) -> str:
        """The text from the first token to the last, comments between them included."""
        return self.sql[tokens[0].start : tokens[-1].end] if tokens else ""

    def type_of(self, column: ColumnText) -> str:
        return self.text(column.type_tokens)

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """Every clause, of the columns first."""
        return (*(clause for column in self.columns for clause in column.clauses), *self.constraints)

    def of_kind(self, kind: str) -> tuple[Clause, ...]:
        return tuple(clause for clause in self.clauses if clause.kind == kind)

    @property
    def primary_key(self) -> Clause | None:
        return next(iter(self.of_kind("PRIMARY KEY")), None)

    @property
    def has_rowid(self) -> bool:
        return not any(token.is_word("WITHOUT") for token in self.options)

    @property
    def is_strict(self) -> bool:
        return any(token.is_word("STRICT") for token in self.options)

    @property
    def autoincrements(self) -> bool:
        key = self.primary_key
        return key is not None and any(token.is_word("AUTOINCREMENT") for token in key.body)

    @property
    def qualifies_itself(self) -> bool:
        """Does an expression name the table before a column, `CHECK (users.age > 0)`?"""
        tokens = [token for clause in self.clauses for token in clause.group]
        own = fold(self.name.name)
        pairs = zip(tokens, tokens[1:], strict=False)
        return any(first.is_name and fold(first.name) == own and then.is_mark(".") for first, then in pairs)


@dataclass(frozen=True)
class StoredIndex:
    """An index as `sqlite_master` has it."""

    name: str
    sql: str

    @property
    def uses(self) -> set[str]:
        """The columns, folded, that it could not do without."""
        tokens = list(tokenize(self.sql))
        opening = next(place for place, token in enumerate(tokens) if token.is_mark("("))
        return names_used(tokens[opening:])


def split(tokens: Sequence[Token]) -> list[list[Token]]:
    """A list in parentheses by its commas."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += token.is_mark("(") - token.is_mark(")")
        if depth == 0 and token.is_mark(","):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts if parts != [[]] else []


def closing(tokens: Sequence[Token], place: int) -> int:
    depth = 0
    for number in range(place, len(tokens)):
        depth += tokens[number].is_mark("(") - tokens[number].is_mark(")")
        if depth == 0:
            return number
    raise Unreadable("a parenthesis is never closed")
