"""What the text of an SQL statement does, as far as its words tell."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# what may hold any words, and none of the statement's own
_COMMENT_OR_LITERAL = re.compile(
    r"--[^\n]*|/\*(?!!).*?\*/|'(?:[^'\\]|''|\\.)*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$", re.DOTALL
)
# statements with a body of further statements, which run later or never
_WITH_BODY = re.compile(r"\s*CREATE\b[^;(]*?\b(TRIGGER|FUNCTION|PROCEDURE|EVENT)\b", re.IGNORECASE)
# the beginning of what defines, and touches no row that is there; a statement of another beginning may change rows
_DEFINES = re.compile(
    r"\s*(CREATE|ALTER|DROP|COMMENT|GRANT|REVOKE|RENAME|ANALYZE|REINDEX|VACUUM|SET|RESET|SHOW|EXPLAIN|PRAGMA|BEGIN|START"
    r"|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|LOCK|UNLOCK|USE|CLUSTER|REFRESH|OPTIMIZE)\b",
    re.IGNORECASE,
)
_DROPS = re.compile(r"\s*DROP\b|\s*TRUNCATE\b|\s*ALTER\b.*\bDROP\b", re.IGNORECASE | re.DOTALL)
_LOSES = re.compile(
    r"\s*DROP\s+(TEMP\w*\s+|FOREIGN\s+|MATERIALIZED\s+)?(TABLE|SCHEMA|DATABASE|TYPE|DOMAIN|SEQUENCE|EXTENSION)\b"
    r"|\s*(TRUNCATE|DELETE|REPLACE)\b|\s*WITH\b.*\bDELETE\s+FROM\b"
    r"|\s*ALTER\s+TABLE\b.*\bDROP\s+(?!CONSTRAINT|DEFAULT|NOT\b|INDEX|KEY|FOREIGN|PRIMARY|CHECK|EXPRESSION|IDENTITY)",
    re.IGNORECASE | re.DOTALL,
)
_NAME = r'(?:[`"\[]?[\w$]+[`"\]]?\.)?[`"\[]?[\w$]+[`"\]]?'
_TABLE = re.compile(
    r"\b(?:(?:CREATE|ALTER|DROP|TRUNCATE)\s+(?:TEMP\w*\s+|UNLOGGED\s+)?TABLE\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?"
    r"|(?:INSERT|REPLACE|MERGE)\s+(?:OR\s+\w+\s+|IGNORE\s+)?INTO\s+|DELETE\s+FROM\s+(?:ONLY\s+)?"
    r"|UPDATE\s+(?:OR\s+\w+\s+|IGNORE\s+)?(?:ONLY\s+)?|TRUNCATE\s+(?!TABLE)"
    rf"|INDEX\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:{_NAME})?\s*ON\s+)(?P<name>{_NAME})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: whether rows may change, something made before goes, or values go for good."""

    tables: tuple[str, ...]
    changes_rows: bool
    drops: bool
    loses_data: bool


def read_statements(sql: str) -> tuple[Statement, ...]:
    """The statements of a text."""
    bare = _COMMENT_OR_LITERAL.sub(lambda found: " " if found[0][0] in "-/" else "''", sql)
    return tuple(_read(part) for part in _parts(bare))


def _parts(sql: str) -> Iterator[str]:
    if _WITH_BODY.match(sql):
        yield sql
        return
    yield from (part for part in sql.split(";") if part.strip())


def _read(sql: str) -> Statement:
    defines = bool(_DEFINES.match(sql))
    searched = re.split(r"\bBEGIN\b", sql, maxsplit=1)[0] if _WITH_BODY.match(sql) else sql
    names = (re.sub(r'[`"\[\]]', "", found["name"]) for found in _TABLE.finditer(searched))
    return Statement(
        tuple(dict.fromkeys(names)),
        changes_rows=not defines,
        drops=bool(_DROPS.match(sql)),
        loses_data=bool(_LOSES.match(sql)),
    )
