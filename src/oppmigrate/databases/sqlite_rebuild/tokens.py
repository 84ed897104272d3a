"""SQL text as SQLite's own tokenizer sees it, with the place of each token."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# Source: SQLite, src/tokenize.c. Every character beyond ASCII may stand in a name; a vertical tab is no space.
_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\n\f\r]+|--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<blob>[xX]'[^']*')
    | (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    | (?P<number>0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
    | (?P<mark>\|\||<<|>>|<=|>=|==|!=|<>|->>|->|.)
    """,
    re.VERBOSE | re.DOTALL,
)

# those that no column can be called without quotes, of the words that stand in expressions
_RESERVED = frozenset(
    {"and", "or", "not", "in", "is", "null", "isnull", "notnull", "between", "case", "when", "then", "else", "end"}
    | {"cast", "collate", "exists", "select", "from", "where", "as", "distinct", "escape", "on", "order", "by", "group"}
    | {"having", "limit", "union", "join"}
)


class Token(NamedTuple):
    """One token: `kind` is word, quoted, string, blob, number, mark."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def is_name(self) -> bool:
        """Can it be the name of something? SQLite takes a string in single quotes for one, too."""
        return self.kind in ("word", "quoted", "string")

    @property
    def name(self) -> str:
        """The name it stands for, without its quotes."""
        if self.kind not in ("quoted", "string"):
            return self.text
        quote = self.text[-1]
        inner = self.text[1:-1]
        return inner if quote == "]" else inner.replace(quote * 2, quote)

    def is_word(self, *words: str) -> bool:
        """Is it one of these keywords, given in capitals? A name in quotes is none."""
        return self.kind == "word" and self.text.upper() in words

    def is_mark(self, *marks: str) -> bool:
        return self.kind == "mark" and self.text in marks


def tokenize(sql: str) -> Iterator[Token]:
    """The tokens of a statement, without its spaces and comments."""
    for match in _TOKEN.finditer(sql):
        kind = str(match.lastgroup)
        if kind != "space":
            yield Token(kind, match.group(), match.start())


def quote(name: str) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def fold(name: str) -> str:
    """A name as SQLite compares it: ASCII letters without their case, others as they are."""
    return "".join(char.lower() if char.isascii() else char for char in name)


def normalized(tokens: Iterable[Token]) -> tuple[str, ...]:
    """What tokens say, for comparing: names without quotes and case."""
    return tuple(
        fold(token.name) if token.kind in ("word", "quoted") else token.text for token in _without_outer(list(tokens))
    )


def _without_outer(tokens: list[Token]) -> list[Token]:
    """Without the parentheses around the whole."""
    while len(tokens) > 1 and tokens[0].is_mark("(") and _closing(tokens, 0) == len(tokens) - 1:
        tokens = tokens[1:-1]
    return tokens


def _closing(tokens: list[Token], place: int) -> int:
    """Where the parenthesis that opens at `place` closes."""
    depth = 0
    for number in range(place, len(tokens)):
        depth += tokens[number].is_mark("(") - tokens[number].is_mark(")")
        if depth == 0:
            return number
    return len(tokens)


def names_used(tokens: Iterable[Token]) -> set[str]:
    """The names, folded, that an expression may read as columns: not its functions, qualifiers, types, collations."""
    listed = list(tokens)
    used = set()
    for place, token in enumerate(listed):
        if token.kind not in ("word", "quoted"):
            continue
        before = listed[place - 1] if place else None
        after = listed[place + 1] if place + 1 < len(listed) else None
        is_call = after is not None and after.is_mark("(") and token.kind == "word"
        if is_call or (after is not None and after.is_mark(".")):
            continue
        if before is not None and before.is_word("COLLATE", "AS"):
            continue
        if token.kind == "word" and token.text.lower() in _RESERVED:
            continue
        used.add(fold(token.name))
    return used
