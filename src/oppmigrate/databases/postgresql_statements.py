"""Statements of PostgreSQL that run outside of a transaction only, and what an interrupted one leaves behind."""

import re

from sqlalchemy import Connection, text

from oppmigrate.databases.statements import without_comments

ALONE = re.compile(
    r"(create\s+(unique\s+)?index\s+concurrently|drop\s+index\s+concurrently|reindex\b|vacuum\b|cluster\b(?!\s+\S)"
    r"|(create|drop)\s+(database|tablespace|subscription)|alter\s+system|alter\s+database\s+\S+\s+set\s+tablespace"
    r"|alter\s+table\s.*\bdetach\s+partition\s.*\bconcurrently|call\b|commit\s+prepared|rollback\s+prepared)",
    re.IGNORECASE | re.DOTALL,
)
NAME = r"((?:\"(?:[^\"]|\"\")+\"|\w+)(?:\s*\.\s*(?:\"(?:[^\"]|\"\")+\"|\w+))?)"
CREATE_INDEX = re.compile(
    rf"create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?(?!on\b){NAME}\s+on\s+(?:only\s+)?{NAME}",
    re.IGNORECASE,
)
DROP_INDEX = re.compile(rf"drop\s+index\s+concurrently\s+(?:if\s+exists\s+)?{NAME}", re.IGNORECASE)
# to be run again is all that they are for
REPEATABLE = re.compile(r"(vacuum|reindex|cluster|alter\s+system)\b", re.IGNORECASE)
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"


def runs_alone(statement: str) -> bool:
    """Does the server refuse it inside a transaction block?"""
    return ALONE.match(without_comments(statement)) is not None


def settle(connection: Connection, statement: str) -> bool | None:
    """Has a statement that was cut off run to its end? None where nobody can tell. What it left half done is removed.

    An interrupted CREATE INDEX CONCURRENTLY leaves an invalid index, which IF NOT EXISTS would keep; an interrupted
    DROP leaves one that the next DROP removes. Source: PostgreSQL manual, CREATE INDEX.
    """
    words = without_comments(statement)
    if made := CREATE_INDEX.match(words):
        name = _beside_its_table(made[1], made[2])
        valid = _is_valid(connection, name)
        if valid is False:
            connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {name}".replace("%", "%%"))
        return bool(valid)
    if dropped := DROP_INDEX.match(words):
        return _is_valid(connection, dropped[1]) is None
    return False if REPEATABLE.match(words) else None


def is_untouched(connection: Connection, statement: str) -> bool:
    """Is the index that the statement makes not there at all, or the one that it drops still whole?"""
    words = without_comments(statement)
    if made := CREATE_INDEX.match(words):
        return _is_valid(connection, _beside_its_table(made[1], made[2])) is None
    dropped = DROP_INDEX.match(words)
    return dropped is not None and _is_valid(connection, dropped[1]) is True


def _is_valid(connection: Connection, name: str) -> bool | None:
    """None where there is no such index."""
    found: bool | None = connection.execute(text(IS_VALID), {"name": name}).scalar()
    return found


def _beside_its_table(index: str, table: str) -> str:
    """The index's name with the schema of its table, where the statement names that one."""
    schema, dot, _name = table.rpartition(".")
    return f"{schema}.{index}" if dot and "." not in index else index
