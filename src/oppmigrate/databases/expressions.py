"""What the engine asks of a database about the expressions that it stores: CHECK conditions, generated columns.

A server stores what it understood of an expression, not what it was told. So two of them are compared in its own
words, each of them read anew by the server: that asks for no table to be made, and leaves no trace.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Connection, MetaData

from oppmigrate.databases.rows import TableName

Namer = Callable[[MetaData], object]  # names, in place, the constraints that have no name

_TOKEN = re.compile(
    r"\s+|(?P<string>'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\")|`(?P<quoted>(?:[^`]|``)*)`|(?P<word>\w+)|(?P<mark>.)",
    re.DOTALL,
)
_SIMPLE_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class StoredCheck:
    """A CHECK that a table has.

    Args:
        name: what it can be dropped by, also where the server keeps it without a name; None where by no name.
        is_named: does the server keep it under that name?
        column: the column that it is a part of; None for one of the table.
        with_it, without_it: the statements that make that column with it, and without it.
        options: what else SQLAlchemy has found, such as NOT VALID, by the names of its arguments.
    """

    name: str | None
    condition: str
    is_named: bool = True
    column: str | None = None
    with_it: str = ""
    without_it: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredComputed:
    """What a generated column is computed from, and whether its values are stored."""

    expression: str
    persisted: bool


class ExpressionQuestions:
    """The answers of a server that nobody here knows how to ask."""

    expressions_have_types: ClassVar[bool] = False  # a column's new type is cast to its old one in what is stored

    def read_checks(
        self, connection: Connection, table: TableName, reflected: Sequence[Mapping[str, Any]], namer: Namer
    ) -> tuple[StoredCheck, ...] | None:
        """The table's CHECKs; None where they cannot be told.

        Args:
            reflected: those that SQLAlchemy's inspector has found.
            namer: what names those that the server keeps without a name, as it would when it drops them.
        """
        known = dict(connection.dialect.construct_arguments or ()).get(CheckConstraint, {})
        return tuple(
            StoredCheck(
                each["name"],
                each["sqltext"],
                options={
                    f"{connection.dialect.name}_{name}": value
                    for name, value in each.get("dialect_options", {}).items()
                    if name in known
                },
            )
            for each in reflected
        )

    def read_computed(
        self, connection: Connection, table: TableName, reflected: Mapping[str, StoredComputed]
    ) -> Mapping[str, StoredComputed]:
        """The table's generated columns, by name; `reflected` are those that SQLAlchemy's inspector has found."""
        return reflected

    def make_plain(self, connection: Connection, table: TableName, column: str) -> tuple[str, ...]:
        """The statements that turn a generated column into one that keeps its values; none where an ALTER does."""
        return ()

    def canonical(self, connection: Connection, table: TableName, expression: str) -> str | None:
        """The expression in the server's own words; None where it does not take it about this table as it stands.

        Two that are the same mean the same. What comes of it is for comparing only.
        """
        return plain(expression)

    def canonical_conditions(
        self, connection: Connection, conditions: Sequence[tuple[TableName, str]]
    ) -> Sequence[str | None]:
        """`canonical` of many conditions, of as many tables; a server that can is asked for all at once."""
        return [self.canonical(connection, table, expression) for table, expression in conditions]


def plain(expression: str) -> str:
    """The expression without what makes no difference on any server: white space, case, outer parentheses."""
    tokens = [_folded(match) for match in _TOKEN.finditer(expression) if not match.group().isspace()]
    while len(tokens) > 1 and tokens[0] == "(" and _closing(tokens) == len(tokens) - 1:
        tokens = tokens[1:-1]
    return " ".join(tokens)


def mentioned(expression: str, names: Iterable[str]) -> set[str]:
    """Those of the columns that the expression names."""
    outside_of_strings = re.sub(r"'(?:[^'\\]|''|\\.)*'", "''", expression)
    return {name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", outside_of_strings, re.IGNORECASE)}


def _folded(match: re.Match[str]) -> str:
    if match["quoted"] is not None:
        name = match["quoted"].lower()
        return name if _SIMPLE_NAME.fullmatch(name) else match.group()
    return match.group() if match["string"] is not None else match.group().lower()


def _closing(tokens: Sequence[str]) -> int:
    """Where the parenthesis closes that the first token opens."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token == "(") - (token == ")")
        if depth == 0:
            return place
    return len(tokens)
