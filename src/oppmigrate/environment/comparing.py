"""Where Alembic's own comparison goes wrong."""

import re
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, DefaultClause

_LITERAL = re.compile(r"'((?:[^'\\]|''|\\.)*)'(?:::[\w\s\"]+)?")


def compare_server_default(
    _context: MigrationContext,
    _inspected_column: Column[Any],
    metadata_column: Column[Any],
    inspected_default: str | None,
    _metadata_default: Any,
    _rendered_metadata_default: str | None,
) -> bool | None:
    """Compare defaults that hold a quote; leave all others to Alembic (None).

    Alembic puts such a text between quotes as it stands, and asks PostgreSQL: a syntax error (Alembic 1.20,
    `PostgresqlImpl.compare_server_default`), or phantom differences elsewhere.
    """
    default = metadata_column.server_default
    if not (isinstance(default, DefaultClause) and isinstance(default.arg, str) and "'" in default.arg):
        return None
    literal = _LITERAL.fullmatch(inspected_default or "")
    if literal is None:
        return inspected_default != default.arg
    return re.sub(r"''|\\(.)", lambda match: match[1] or "'", literal[1]) != default.arg
