"""What an SQL statement is to a transaction: it reads, it changes, or it belongs to the session."""

import re
from typing import Literal

Kind = Literal["reads", "changes", "session"]

COMMENT = re.compile(r"\s*(?:--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*(?!!).*?\*/)", re.DOTALL)
WORD = re.compile(r"\s*\(*\s*([A-Za-z]+)")
READS = frozenset({"select", "show", "explain", "values", "describe", "desc", "pragma", "table"})
SESSION = frozenset(
    {"set", "reset", "use", "begin", "start", "commit", "rollback", "savepoint", "release", "lock", "unlock", "discard"}
    | {"listen", "unlisten", "deallocate", "do", "end", "abort", "prepare"}
)
# a SELECT that makes a table; a WITH that ends in a change
INTO = re.compile(r"\bselect\b[^;]*?\binto\b(?!\s+@)", re.IGNORECASE | re.DOTALL)
CHANGE = re.compile(r"\b(insert|update|delete|merge)\b", re.IGNORECASE)


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
    """What it does; what is not known counts as a change.

    A SELECT counts as reading: what a function called in it changes cannot be seen from here.
    """
    verb = verb_of(statement)
    if verb in READS:
        return "changes" if verb == "select" and INTO.search(statement) else "reads"
    if verb == "with":
        return "changes" if CHANGE.search(statement) else "reads"
    if verb == "do" and re.match(r"do\s+(\$|'|language\b)", without_comments(statement), re.IGNORECASE):
        return "changes"  # PostgreSQL's block of code; MySQL's DO evaluates an expression
    return "session" if verb in SESSION else "changes"
