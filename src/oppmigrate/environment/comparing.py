"""Where Alembic's own comparison goes wrong."""

import re
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, DefaultClause, Enum

_LITERAL = re.compile(r"'((?:[^'\\]|''|\\.)*)'(?:::[\w\s\".()\[\]]+)?")


def compare_server_default(
    _context: MigrationContext,
    inspected_column: Column[Any],
    metadata_column: Column[Any],
    inspected_default: str | None,
    _metadata_default: Any,
    _rendered_metadata_default: str | None,
) -> bool | None:
    """Compare defaults that hold a quote, and those of an enum or another type; leave all others to Alembic (None).

    Alembic puts a text between quotes as it stands, and asks PostgreSQL whether the two are equal: a syntax error
    (Alembic 1.20, `PostgresqlImpl.compare_server_default`), an error where the one is no value of the other's type,
    or phantom differences elsewhere.
    """
    default = metadata_column.server_default
    if not (isinstance(default, DefaultClause) and isinstance(default.arg, str)):
        return None
    types = inspected_column.type, metadata_column.type
    is_comparable = types[0]._type_affinity is types[1]._type_affinity and not isinstance(types[1], Enum)
    if is_comparable and "'" not in default.arg:
        return None
    literal = _LITERAL.fullmatch(inspected_default or "")
    if literal is None:
        return inspected_default != default.arg
    return re.sub(r"''|\\(.)", lambda match: match[1] or "'", literal[1]) != default.arg
