"""What the text of an SQL statement does, as far as its words tell: to a transaction, to rows, to what is defined.

What a function called in it does cannot be seen from here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["reads", "changes", "session"]

COMMENT = re.compile(r"\s*(?:--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*(?!!).*?\*/)", re.DOTALL)
WORD = re.compile(r"\s*\(*\s*([A-Za-z]+)")
READS = frozenset({"select", "show", "explain", "values", "describe", "desc", "pragma", "table"})
QUERIES = frozenset({"select", "values", "with"})
SESSION = frozenset(
    {"set", "reset", "use", "begin", "start", "commit", "rollback", "savepoint", "release", "lock", "unlock", "discard"}
    | {"listen", "unlisten", "deallocate", "do", "end", "abort", "prepare"}
)
# what they change is no row that is there
DEFINES = frozenset(
    {"create", "alter", "drop", "comment", "grant", "revoke", "rename", "analyze", "reindex", "vacuum", "cluster"}
    | {"refresh", "optimize", "repair", "flush", "install", "uninstall", "cache", "check", "notify", "kill"}
)
# a SELECT that makes a table; a WITH that ends in a change
INTO = re.compile(r"\bselect\b[^;]*?\binto\b(?!\s+@)", re.IGNORECASE | re.DOTALL)
CHANGE = re.compile(r"\b(insert|update|delete|merge)\b", re.IGNORECASE)
CODE = re.compile(r"\s*do\s+(\$|'|language\b)", re.IGNORECASE)

# what may hold any words, and none of the statement's own; a backslash ends a text for some servers and not for others
LITERALS = tuple(
    re.compile(rf"--[^\n]*|/\*(?!!).*?\*/|{text}|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$", re.DOTALL)
    for text in (r"'(?:[^']|'')*'", r"'(?:[^'\\]|''|\\.)*'")
)
# statements with a body of further statements, which run later or never
WITH_BODY = re.compile(r"\s*CREATE\b[^;(]*?\b(TRIGGER|FUNCTION|PROCEDURE|EVENT)\b", re.IGNORECASE)
DROPS = re.compile(r"\s*(?:DROP|TRUNCATE)\b|\s*ALTER\b.*\bDROP\b", re.IGNORECASE | re.DOTALL)
LOSES = re.compile(
    r"\s*DROP\s+(TEMP\w*\s+|FOREIGN\s+|MATERIALIZED\s+)?(TABLE|SCHEMA|DATABASE|TYPE|DOMAIN|SEQUENCE|EXTENSION)\b"
    r"|\s*(TRUNCATE|DELETE|REPLACE)\b|\s*WITH\b.*\bDELETE\s+FROM\b"
    r"|\s*ALTER\s+TABLE\b.*\bDROP\s+(?!CONSTRAINT|DEFAULT|NOT\b|INDEX|KEY|FOREIGN|PRIMARY|CHECK|EXPRESSION|IDENTITY)",
    re.IGNORECASE | re.DOTALL,
)
MOVES_PARTITIONS = re.compile(
    r"\s*ALTER\s+(?:ONLINE\s+)?IGNORE\b"
    r"|\s*ALTER\b.*\b(?:DROP|TRUNCATE|DETACH|ATTACH|EXCHANGE|COALESCE|REORGANIZE)\s+PARTITION\b",
    re.IGNORECASE | re.DOTALL,
)
NAME = r'(?:[`"\[]?[\w$]+[`"\]]?\.)?[`"\[]?[\w$]+[`"\]]?'
TABLE = re.compile(
    r"\b(?:(?:CREATE|ALTER|DROP|TRUNCATE)\s+(?:TEMP\w*\s+|UNLOGGED\s+)?TABLE\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?"
    r"|(?:INSERT|REPLACE|MERGE)\s+(?:OR\s+\w+\s+|IGNORE\s+)?INTO\s+|DELETE\s+FROM\s+(?:ONLY\s+)?"
    r"|UPDATE\s+(?:OR\s+\w+\s+|IGNORE\s+)?(?:ONLY\s+)?|TRUNCATE\s+(?!TABLE)"
    rf"|INDEX\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:{NAME})?\s*ON\s+)(?P<name>{NAME})",
    re.IGNORECASE,
)


def without_comments(statement: str) -> str:
    """The statement from its first word on."""
    at = 0
    while found := COMMENT.match(statement, at):
        at = found.end()
    return statement[at:].lstrip()


def verb_of(statement: str) -> str:
    """Its first word, in lower case; empty where there is none."""
    word = WORD.match(without_comments(statement))
    return word[1].lower() if word else ""


def kind_of(statement: str) -> Kind:
    """What one statement does to a transaction; what is not known counts as a change.

    A SELECT counts as reading.
    """
    verb = verb_of(statement)
    if verb in READS:
        return "changes" if verb == "select" and INTO.search(statement) else "reads"
    if verb == "with":
        return "changes" if CHANGE.search(statement) else "reads"
    if verb == "do" and CODE.match(without_comments(statement)):
        return "changes"  # PostgreSQL's block of code; MySQL's DO evaluates an expression
    return "session" if verb in SESSION else "changes"


@dataclass(frozen=True)
class Statement:
    """One statement of a text.

    Attributes:
        sql: its words, with comments and what stands between quotes taken out.
    """

    sql: str

    @cached_property
    def changes_rows(self) -> bool:
        """Does it insert, update, delete or move rows? What is not known counts as yes, a SELECT as no."""
        verb = verb_of(self.sql)
        if verb in DEFINES:
            return MOVES_PARTITIONS.match(self.sql) is not None
        return verb == "do" or kind_of(self.sql) == "changes"

    @cached_property
    def queries(self) -> bool:
        """Is it there for what it returns, or for what the functions in it do?"""
        return verb_of(self.sql) in QUERIES and kind_of(self.sql) == "reads"

    @cached_property
    def drops(self) -> bool:
        """Does something made before go?"""
        return DROPS.match(self.sql) is not None

    @cached_property
    def loses_data(self) -> bool:
        """Do values go for good?"""
        return LOSES.match(self.sql) is not None

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The tables it names, without quotes."""
        searched = re.split(r"\bBEGIN\b", self.sql, maxsplit=1)[0] if WITH_BODY.match(self.sql) else self.sql
        return tuple(dict.fromkeys(re.sub(r'[`"\[\]]', "", found["name"]) for found in TABLE.finditer(searched)))


def read_statements(text: str) -> tuple[Statement, ...]:
    """The statements of a text, under each way that a server may read the backslashes in it."""
    readings = dict.fromkeys(literal.sub(_emptied, text) for literal in LITERALS)
    return tuple(Statement(sql) for sql in dict.fromkeys(sql for reading in readings for sql in _parts(reading)))


def _emptied(found: re.Match[str]) -> str:
    return " " if found[0][0] in "-/" else "''"


def _parts(sql: str) -> Iterator[str]:
    if WITH_BODY.match(sql):
        yield sql
        return
    yield from (part for part in sql.split(";") if part.strip())
