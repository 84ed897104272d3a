"""Indexes as a server keeps them, or as it would be told to make them: what a CREATE INDEX statement says.

The statement is the whole of an index on every server, while SQLAlchemy's inspector leaves out what it does not know:
expressions and descending order on SQLite, the length of a prefix on MariaDB.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from oppmigrate.databases.rows import TableName

DEFAULT_METHOD = "btree"

_TOKEN = re.compile(
    r"\s+|--[^\n]*|/\*.*?\*/"
    r"|(?P<string>'(?:[^'\\]|''|\\.)*')|(?P<quoted>\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\[[^\]]*\])"
    r"|(?P<word>[\w$]+)|(?P<mark>::|.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class IndexPart:
    """A column or an expression of an index.

    Args:
        sql: the column or the expression alone.
        length: how many characters of it count; None for all.
    """

    sql: str
    is_column: bool
    collation: str | None = None
    operator_class: str | None = None
    descending: bool = False
    nulls_first: bool | None = None  # None as the server has it for the order
    length: int | None = None

    @property
    def nulls_come_first(self) -> bool:
        """Where NULLs stand, as PostgreSQL has it: they are larger than all else."""
        return self.descending if self.nulls_first is None else self.nulls_first

    @property
    def is_plain(self) -> bool:
        """Is it a column in its own order, so that its name, with a class and a length at most, says all?"""
        return self.is_column and self.collation is None and not self.descending and self.nulls_first is None

    def as_sql(self, quote: Callable[[str], str]) -> str:
        """The part as it stands in the parentheses of a statement."""
        words = [quote(self.sql) if self.is_column else self.sql]
        if self.length is not None:
            words[0] += f"({self.length})"
        if self.collation is not None:
            words += ["COLLATE", quote(self.collation)]
        if self.operator_class is not None:
            words.append(quote(self.operator_class))
        if self.descending:
            words.append("DESC")
        if self.nulls_first is not None:
            words.append(f"NULLS {'FIRST' if self.nulls_first else 'LAST'}")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class IndexDefinition:
    """What an index is.

    Args:
        kind: UNIQUE, FULLTEXT, SPATIAL, or nothing.
        method: btree and others, in lower case; None as the server has it by itself.
        include: columns that it only carries.
        where: the condition on the rows that it holds; None for all rows.
        options: what stands in WITH (…), names and values as text.
        nulls_not_distinct: does a unique one take a second NULL for the same as the first?
    """

    name: str
    kind: str
    parts: tuple[IndexPart, ...]
    method: str | None = None
    include: tuple[str, ...] = ()
    where: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    nulls_not_distinct: bool = False

    @property
    def unique(self) -> bool:
        return self.kind == "UNIQUE"


class IndexQuestions:
    """The answers of a server that nobody here knows how to ask."""

    def read_indexes(self, connection: Connection, table: TableName) -> tuple[IndexDefinition, ...] | None:
        """The table's indexes, but for those that a constraint made; None where they cannot be told."""
        return None

    def drops_index_if_there(self, connection: Connection) -> bool:
        """Does it know DROP INDEX IF EXISTS?"""
        return False

    def index_arguments(self, definition: IndexDefinition, plain: Collection[IndexPart]) -> Mapping[str, Any]:
        """What SQLAlchemy is to be told of the index beside its columns, without the name of its dialect.

        Args:
            plain: the parts that are given to it as columns.
        """
        return {}

    def replace_primary_key(self, table: TableName, old: Sequence[str], new: Sequence[str]) -> tuple[str, str] | None:
        """The statement that puts one primary key in place of another, and the one for the way back.

        None where a key can be dropped and another be made. Where a column counts up, MariaDB and MySQL leave no table
        without a key, not between two statements either.
        """
        return None

    def is_default_class(self, connection: Connection, operator_class: str) -> bool:
        """Is it the operator class that an index has without a word of it?"""
        return False


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.upper() in words

    @property
    def is_name(self) -> bool:
        return self.kind in ("word", "quoted")

    @property
    def name(self) -> str:
        if self.kind != "quoted":
            return self.text
        quote = self.text[-1]
        return self.text[1:-1] if quote == "]" else self.text[1:-1].replace(quote * 2, quote)


def read_definition(statement: str) -> IndexDefinition | None:
    """What a CREATE INDEX statement says, or MariaDB's `KEY name (…)`; None where it is no such statement."""
    tokens = _tokens(statement)
    opening = next((place for place, token in enumerate(tokens) if token.text == "("), None)
    if opening is None:
        return None
    head = tokens[:opening]
    kind = next((token.text.upper() for token in head if token.is_word("UNIQUE", "FULLTEXT", "SPATIAL")), "")
    on = next((place for place, token in enumerate(head) if token.is_word("ON")), None)
    key = next((place for place, token in enumerate(head) if token.is_word("INDEX", "KEY")), None)
    if key is None:
        return None
    named = [token for token in head[key + 1 : on] if token.is_name]
    if not named:
        return None
    using = next((place for place, token in enumerate(head) if token.is_word("USING")), None)
    method = head[using + 1].text.lower() if using is not None and using + 1 < len(head) else None
    closing = _closing(tokens, opening)
    parts = tuple(_part(statement, each) for each in _split(tokens[opening + 1 : closing]))
    tail = tokens[closing + 1 :]
    return IndexDefinition(named[-1].name, kind, parts, *_tail(statement, tail, method))


def split_parts(statement: str) -> tuple[str, list[str], str]:
    """What stands before the first parenthesis, the parts in it, and what stands behind."""
    tokens = _tokens(statement)
    opening = next((place for place, token in enumerate(tokens) if token.text == "("), None)
    if opening is None:
        return statement, [], ""
    closing = _closing(tokens, opening)
    parts = [_text(statement, each) for each in _split(tokens[opening + 1 : closing])]
    return statement[: tokens[opening].start], parts, _text(statement, tokens[closing + 1 :])


def _tail(
    statement: str, tokens: Sequence[_Token], method: str | None
) -> tuple[str | None, tuple[str, ...], str | None, dict[str, str], bool]:
    """What stands behind the columns, in the order of the fields."""
    include: tuple[str, ...] = ()
    options: dict[str, str] = {}
    where = None
    nulls_not_distinct = False
    place = 0
    while place < len(tokens):
        token, rest = tokens[place], tokens[place + 1 :]
        if token.is_word("WHERE"):
            where = _text(statement, rest)
            break
        if token.is_word("INCLUDE", "WITH") and rest and rest[0].text == "(":
            closing = _closing(rest, 0)
            inside = _split(rest[1:closing])
            if token.is_word("INCLUDE"):
                include = tuple(each[0].name for each in inside)
            else:
                options = dict(_option(each) for each in inside)
            place += closing + 1
        elif token.is_word("USING") and rest:
            method = rest[0].text.lower()
        elif token.is_word("NULLS") and len(rest) > 1 and rest[0].is_word("NOT"):
            nulls_not_distinct = True
        place += 1
    return method, include, where, options, nulls_not_distinct


def _option(tokens: Sequence[_Token]) -> tuple[str, str]:
    values = "".join(token.text for token in tokens[2:])
    return tokens[0].name.lower(), values.strip("'").lower() or "true"


def _part(statement: str, tokens: Sequence[_Token]) -> IndexPart:
    """A column or an expression, with what is said about it behind."""
    rest = list(tokens)
    nulls_first = None
    if len(rest) > 2 and rest[-2].is_word("NULLS") and rest[-1].is_word("FIRST", "LAST"):
        nulls_first = rest[-1].is_word("FIRST")
        rest = rest[:-2]
    descending = False
    if len(rest) > 1 and rest[-1].is_word("ASC", "DESC"):
        descending = rest[-1].is_word("DESC")
        rest = rest[:-1]
    head = _primary(rest)
    operator_class = collation = None
    if len(rest) > head and rest[head].is_word("COLLATE") and len(rest) > head + 1:
        end = _name_ends(rest, head + 1)
        collation = rest[end - 1].name
        rest = [*rest[:head], *rest[end:]]
    if len(rest) > head and _name_ends(rest, head) == len(rest):
        operator_class = rest[-1].name
        rest = rest[:head]
    length = None
    if len(rest) == 4 and rest[0].is_name and rest[1].text == "(" and rest[2].text.isdigit():
        length = int(rest[2].text)
        rest = rest[:1]
    is_column = len(rest) == 1 and rest[0].is_name
    sql = rest[0].name if is_column else _text(statement, rest)
    return IndexPart(sql, is_column, collation, operator_class, descending, nulls_first, length)


def _primary(tokens: Sequence[_Token]) -> int:
    """Where a column, a call, or an expression in parentheses ends that begins here."""
    end = 0 if tokens and tokens[0].text == "(" else _name_ends(tokens, 0)
    if end < len(tokens) and tokens[end].text == "(":
        end = _closing(tokens, end) + 1
    return end


def _name_ends(tokens: Sequence[_Token], place: int) -> int:
    """Where a name ends that begins here, which may be one of a schema's."""
    if place >= len(tokens) or not tokens[place].is_name:
        return place
    place += 1
    while place + 1 < len(tokens) and tokens[place].text == "." and tokens[place + 1].is_name:
        place += 2
    return place


def _tokens(statement: str) -> list[_Token]:
    return [
        _Token(str(match.lastgroup), match.group(), match.start(), match.end())
        for match in _TOKEN.finditer(statement)
        if match.lastgroup is not None
    ]


def _text(statement: str, tokens: Sequence[_Token]) -> str:
    return statement[tokens[0].start : tokens[-1].end].rstrip("; \n") if tokens else ""


def _closing(tokens: Sequence[_Token], opening: int) -> int:
    depth = 0
    for place in range(opening, len(tokens)):
        depth += (tokens[place].text == "(") - (tokens[place].text == ")")
        if depth == 0:
            return place
    return len(tokens)


def _split(tokens: Sequence[_Token]) -> list[list[_Token]]:
    """The parts between commas that stand in no parentheses."""
    parts: list[list[_Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]
