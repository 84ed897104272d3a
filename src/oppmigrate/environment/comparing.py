"""Where Alembic's own comparison goes wrong."""

import re
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, DefaultClause, Dialect, Enum, Integer, Numeric, String
from sqlalchemy.types import TypeEngine

_LENGTH = re.compile(r"VARCHAR(\(\d+\))?")
# two words for the time of day, of which MariaDB and MySQL show one
_NOW = r"\(*(?:now|current_timestamp)\b(?:\((\d*)\))?\)*"
_DEFAULT_NOW = re.compile(rf"{_NOW}(?:\s+on\s+update\s+{_NOW})?", re.IGNORECASE)
_LITERAL = re.compile(r"'((?:[^'\\]|''|\\.)*)'(?:::[\w\s\".()\[\]]+)?")


# words that MariaDB and MySQL keep as numbers
_TRUTHS = {"true": "1", "false": "0"}


def compare_server_default(
    _context: MigrationContext,
    inspected_column: Column[Any],
    metadata_column: Column[Any],
    inspected_default: str | None,
    _metadata_default: Any,
    rendered_default: str | None,
) -> bool | None:
    """Compare defaults that hold a quote, those of an enum or another type, true and false, and the time of day.

    All others are left to Alembic (None).

    Alembic puts a text between quotes as it stands, and asks PostgreSQL whether the two are equal: a syntax error
    (Alembic 1.20, `PostgresqlImpl.compare_server_default`), an error where the one is no value of the other's type,
    or phantom differences elsewhere.
    """
    if _is_same_now(inspected_default, rendered_default):
        return False
    truth = _TRUTHS.get((rendered_default or "").lower())
    if truth is not None and inspected_default in _TRUTHS.values():
        return inspected_default != truth
    default = metadata_column.server_default
    if isinstance(default, DefaultClause) and default.reflected:
        return inspected_default != getattr(default.arg, "text", default.arg)
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


def _is_same_now(inspected: str | None, rendered: str | None) -> bool:
    """Do both stand for the time of day, as exact, and on an update or not?"""
    stored, model = _DEFAULT_NOW.fullmatch(inspected or ""), _DEFAULT_NOW.fullmatch(rendered or "")
    if stored is None or model is None:
        return False
    words = [" on " in each.group().lower() for each in (stored, model)]
    digits = [[group or "" for group in each.groups()] for each in (stored, model)]
    return words[0] == words[1] and digits[0] == digits[1]


def has_other_type(inspected: TypeEngine[Any], modelled: TypeEngine[Any], dialect: Dialect) -> bool:
    """Do two types differ in what Alembic's comparison passes over?

    A length that only one of two texts has, the order of the values of an enum that lists them in its column, and
    whether a number has a sign (Alembic 1.20, `DefaultImpl._column_args_match` and `MySQLImpl.compare_type`).
    """
    if isinstance(inspected, Enum):
        if not isinstance(modelled, Enum) or inspected.name is not None:
            return False
        return bool(modelled.native_enum) and list(inspected.enums) != list(modelled.enums)
    if hasattr(inspected, "unsigned") and modelled._type_affinity in (Integer, Numeric):
        return bool(inspected.unsigned) is not bool(getattr(modelled.dialect_impl(dialect), "unsigned", False))
    if not (isinstance(inspected, String) and modelled._type_affinity is String):
        return False
    lengths = [_LENGTH.fullmatch(type_.compile(dialect=dialect).upper()) for type_ in (inspected, modelled)]
    given = [found[1] is not None for found in lengths if found is not None]
    return len(given) == 2 and given[0] != given[1]
