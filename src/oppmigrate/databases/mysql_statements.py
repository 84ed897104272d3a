"""Statements of MariaDB and MySQL that commit by themselves, and how it is told afterwards whether one has run.

Source: MariaDB, "SQL statements That Cause an Implicit Commit"; since 10.6 (MySQL 8.0) each DDL statement is atomic.
"""

import hashlib
import re
from collections.abc import Iterator

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases.statements import verb_of, without_comments

COMMITS = frozenset(
    {"alter", "create", "drop", "rename", "truncate", "grant", "revoke", "analyze", "optimize", "repair", "flush"}
    | {"install", "uninstall", "cache", "check", "reset"}
)
TEMPORARY = re.compile(r"(create(\s+or\s+replace)?|drop)\s+temporary\b", re.IGNORECASE)
NAME = r"((?:`(?:[^`]|``)+`|[\w$]+)(?:\s*\.\s*(?:`(?:[^`]|``)+`|[\w$]+))?)"
TABLE = re.compile(
    r"(?:create(?:\s+or\s+replace)?|alter(?:\s+online)?(?:\s+ignore)?|drop|truncate|rename)\s+table\s+"
    rf"(?:if\s+(?:not\s+)?exists\s+)?{NAME}",
    re.IGNORECASE,
)
MORE_TABLES = re.compile(rf"(?:,|\bto\b|\brename\s+(?:to\b|as\b)?)\s*{NAME}", re.IGNORECASE)
INDEX = re.compile(
    rf"(?:create(?:\s+or\s+replace)?(?:\s+\w+)?|drop)\s+index\s+.*?\s+on\s+{NAME}", re.IGNORECASE | re.DOTALL
)
# what is neither a table nor an index of one: views, triggers, routines, events, sequences
OTHERS = """
SELECT table_name, 'view', MD5(view_definition) FROM information_schema.views WHERE table_schema = DATABASE()
UNION ALL SELECT trigger_name, 'trigger', MD5(CONCAT(action_timing, event_manipulation, action_statement))
FROM information_schema.triggers WHERE trigger_schema = DATABASE()
UNION ALL SELECT routine_name, routine_type, MD5(CONCAT_WS(' ', routine_definition, routine_comment, last_altered))
FROM information_schema.routines WHERE routine_schema = DATABASE()
UNION ALL SELECT event_name, 'event', MD5(CONCAT_WS(' ', event_definition, status, last_altered))
FROM information_schema.events WHERE event_schema = DATABASE()
UNION ALL SELECT table_name, table_type, NULL FROM information_schema.tables WHERE table_schema = DATABASE()
ORDER BY 1, 2, 3
"""


def commits_by_itself(statement: str) -> bool:
    """Does the server commit before and after it?"""
    return verb_of(statement) in COMMITS and not TEMPORARY.match(without_comments(statement))


def read_mark(connection: Connection, statement: str) -> str:
    """A digest of what the statement is to change, as it stands: another one after the statement has run."""
    seen = hashlib.sha256()
    tables = list(tables_of(statement))
    for name in tables:
        seen.update(f"{name}\n{_definition(connection, name)}\n".encode())
    if not tables:
        for row in connection.exec_driver_sql(OTHERS.replace("%", "%%")):
            seen.update(repr(tuple(row)).encode())
    return seen.hexdigest()


def is_untouched(connection: Connection, statement: str, mark: str | None) -> bool:
    """Is what the statement is to change as it was? That a table was emptied, its definition does not show."""
    return verb_of(statement) != "truncate" and read_mark(connection, statement) == mark


def tables_of(statement: str) -> Iterator[str]:
    """The tables that a statement makes, alters, drops, renames or indexes, quoted as they stand in it."""
    text = without_comments(statement)
    found = TABLE.match(text)
    if found is None:
        index = INDEX.match(text)
        if index is not None:
            yield index[1]
        return
    yield found[1]
    verb = verb_of(text)
    if verb in ("drop", "rename") or (verb == "alter" and re.search(r"\brename\b", text, re.IGNORECASE)):
        yield from (more[1] for more in MORE_TABLES.finditer(text, found.end()))


def _definition(connection: Connection, name: str) -> str:
    """As the server would make it again, without the counter that rows move; empty where there is no such table."""
    try:
        row = connection.exec_driver_sql(f"SHOW CREATE TABLE {name}".replace("%", "%%")).first()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return ""
    return re.sub(r"\bAUTO_INCREMENT=\d+\s?", "", str(row[1])) if row else ""
