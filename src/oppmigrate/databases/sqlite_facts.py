"""All tables of a SQLite database at once, from the statements that made them: one question, and no pragma."""

import re
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from oppmigrate.databases.facts import Reference, TableFacts
from oppmigrate.databases.rows import ask

_TOKEN = re.compile(
    r"\s+|('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\[[^\]]*\]|[\w$.]+|--|/\*|.)",
    re.DOTALL,
)
# a word for which a column's own line says more than its type, its default and whether it takes NULL
_NOT_PLAIN = frozenset({"CHECK", "UNIQUE", "REFERENCES", "GENERATED", "AS", "PRIMARY", "CONSTRAINT", "AUTOINCREMENT"})
_ACTIONS = {("SET", "NULL"): "SET NULL", ("SET", "DEFAULT"): "SET DEFAULT", ("NO", "ACTION"): None}
Tokens = Sequence[str]


class _NotPlain(Exception):
    """A statement says something that the facts have no word for."""


def read_facts(connection: Connection, schema: str | None) -> Mapping[str, TableFacts]:
    """As `Database.read_facts`."""
    place = '"' + (schema or "main").replace('"', '""') + '"'
    query = f"SELECT type, name, tbl_name, sql FROM {place}.sqlite_master WHERE type IN ('table', 'index')"
    rows = ask(connection, query)
    found = {name: _table(sql) for type_, name, _, sql in rows if type_ == "table" and sql is not None}
    for type_, name, table, sql in rows:
        if type_ == "index" and sql is not None and table in found:
            _add_index(found[table], name, sql)
    return found


def _table(sql: str) -> TableFacts:
    facts = TableFacts()
    try:
        for item in _items(_tokens(sql), "TABLE"):
            _add_item(facts, item)
    except _NotPlain:
        facts.is_plain = False
    return facts


def _add_index(facts: TableFacts, name: str, sql: str) -> None:
    tokens = _tokens(sql)
    try:
        columns = tuple(_only_name(item) for item in _items(tokens, "INDEX"))
    except _NotPlain:
        facts.is_plain = False
        return
    facts.indexes[name] = (tokens[1].upper() == "UNIQUE", columns)


def _tokens(sql: str) -> list[str]:
    return [token for token in _TOKEN.findall(sql) if token]


def _items(tokens: Tokens, kind: str) -> Iterable[Tokens]:
    """What stands between the commas of the statement's only parentheses, behind which nothing may stand."""
    if "(" not in tokens or tokens[-1] != ")" or "--" in tokens or "/*" in tokens:
        raise _NotPlain
    opening = tokens.index("(")
    # CREATE TABLE name, CREATE INDEX name ON table; no word more
    words = [token.upper() for token in tokens[:opening] if token.upper() != "UNIQUE"]
    if words[:2] != ["CREATE", kind] or len(words) != (3 if kind == "TABLE" else 5):
        raise _NotPlain
    items: list[list[str]] = [[]]
    depth = 0
    for token in tokens[opening + 1 : -1]:
        if token == "(":
            depth += 1
        elif token == ")":
            depth -= 1
            if depth < 0:
                raise _NotPlain
        if token == "," and not depth:
            items.append([])
        else:
            items[-1].append(token)
    if depth or not all(items):
        raise _NotPlain
    return items


def _add_item(facts: TableFacts, item: Tokens) -> None:
    """A column, or a constraint of the table."""
    first = item[0].upper()
    if first == "CONSTRAINT" and len(item) > 3:
        _add_constraint(facts, _unquoted(item[1]), item[2:])
    elif first in ("PRIMARY", "UNIQUE", "FOREIGN", "CHECK"):
        _add_constraint(facts, None, item)
    elif first == "CONSTRAINT":
        raise _NotPlain
    else:
        rest = tuple(item[1:])
        if not _NOT_PLAIN.isdisjoint([token.upper() for token in rest]):
            raise _NotPlain
        facts.columns[_unquoted(item[0])] = rest


def _add_constraint(facts: TableFacts, name: str | None, tokens: Tokens) -> None:
    kind = tokens[0].upper()
    if kind == "PRIMARY":
        facts.primary_key = _names(tokens[2:])
    elif kind == "UNIQUE" and facts.uniques is not None:
        facts.uniques.append((name, _names(tokens[1:])))
    elif kind == "CHECK" and name is not None and tokens[-1] == ")":
        facts.checks[name] = " ".join(tokens[2:-1])
    elif kind == "FOREIGN":
        facts.foreign_keys.append((name, _reference(tokens[2:])))
    else:
        raise _NotPlain


def _reference(tokens: Tokens) -> Reference:
    """What stands behind FOREIGN KEY."""
    closing = tokens.index(")") if ")" in tokens else 0
    words = tokens[closing + 1 :]
    if len(words) < 5 or words[0].upper() != "REFERENCES" or words[2] != "(" or ")" not in words:
        raise _NotPlain
    end = words.index(")")
    actions = _actions([word.upper() for word in words[end + 1 :]])
    return Reference(
        _names(tokens[: closing + 1]),
        None,
        _unquoted(words[1]),
        _names(words[2 : end + 1]),
        actions.get("DELETE"),
        actions.get("UPDATE"),
    )


def _actions(words: Tokens) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    rest = list(words)
    while rest:
        if len(rest) < 3 or rest[0] != "ON" or rest[1] not in ("DELETE", "UPDATE"):
            raise _NotPlain
        pair = tuple(rest[2:4])
        if pair in _ACTIONS:
            found[rest[1]] = _ACTIONS[pair[0], pair[1]]
        elif rest[2] in ("CASCADE", "RESTRICT"):
            found[rest[1]] = rest[2]
        else:
            raise _NotPlain
        rest = rest[4 if pair in _ACTIONS else 3 :]
    return found


def _names(tokens: Tokens) -> tuple[str, ...]:
    """The columns of `(a, b)`, and nothing else."""
    if len(tokens) < 3 or tokens[0] != "(" or tokens[-1] != ")" or any(each != "," for each in tokens[2:-1:2]):
        raise _NotPlain
    return tuple(_only_name((each,)) for each in tokens[1:-1:2])


def _only_name(tokens: Tokens) -> str:
    if len(tokens) != 1 or tokens[0] in ("(", ")", ","):
        raise _NotPlain
    return _unquoted(tokens[0])


def _unquoted(token: str) -> str:
    quote = token[0]
    if quote in '"`':
        return token[1:-1].replace(quote * 2, quote)
    if quote in "'[" or "." in token:
        raise _NotPlain
    return token
