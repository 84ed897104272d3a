"""A column's values under a new type: the SQL that converts them, and which of them it would change.

SQLite stores what it is given, and `CAST('abc' AS INTEGER)` is 0. What a type means is decided by who reads the column:
SQLAlchemy, whose own result processors are asked whether a value can be read. They are asked about few rows only:
those that an SQL condition does not see to be well.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Dialect, types
from sqlalchemy.types import TypeDecorator, TypeEngine

from oppmigrate.databases.sqlite_rebuild.tokens import quote

EXACT_DIGITS = 15  # that a REAL holds of every decimal number
EXACT_INTEGER = 2**53  # up to which a REAL holds every whole number
DATE = "____-__-__".replace("_", "[0-9]")
FRACTION = ".______".replace("_", "[0-9]")
NUMBER = re.compile(r"\s*-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\s*", re.ASCII)

Fits = Callable[[Any, Any], bool]  # (the value as it is stored, the converted one) -> is it kept whole?


class _Rule(NamedTuple):
    """`doubt`: SQL that is true of every row that may not fit."""

    doubt: str
    fits: Fits


@dataclass(frozen=True)
class Conversion:
    """What becomes of a column's values: SQL for the converted value, and the rules that each has to keep."""

    expression: str
    rules: tuple[_Rule, ...]
    type_name: str

    @property
    def doubt(self) -> str | None:
        """SQL that is true for every row whose value might not fit; None where all do."""
        doubts = dict.fromkeys(rule.doubt for rule in self.rules)  # two rules may ask the same of a row
        return " OR ".join(f"({doubt})" for doubt in doubts) or None

    def fits(self, value: Any, converted: Any) -> bool:
        return all(rule.fits(value, converted) for rule in self.rules)


def convert(column: str, declared: str, type_: TypeEngine[Any], dialect: Dialect) -> Conversion:
    """The conversion of a column, declared as `declared`, to a new type."""
    name, wanted = quote(column), type_.compile(dialect=dialect)
    base, is_changed = _base(type_, dialect), _words(declared) != _words(wanted)
    expression, rules = name, []
    if isinstance(base, types.Date | types.DateTime | types.Time):
        if is_changed:
            expression = _moment(name, base)
            rules.append(_Rule(_unlike_moment(name, base), _keeps_moment))
    elif isinstance(base, types.Boolean):
        if is_changed:
            expression = f"CAST({name} AS NUMERIC)"
            rules.append(_Rule(f"typeof({name}) <> 'integer' OR {name} NOT IN (0, 1)", _is_truth))
    elif affinity(declared) != affinity(wanted) and not isinstance(base, types.JSON):
        expression = f"CAST({name} AS {affinity(wanted)})"
        rules.append(_across(name, affinity(wanted)))
    rules += _narrowing(name, expression, declared, base)
    if is_changed or isinstance(base, types.Enum):
        rules += _reading(name, expression, type_, base, dialect)
    return Conversion(expression, tuple(rules), wanted)


def affinity(declared: str) -> str:
    """SQLite's affinity of a declared type. Source: SQLite, "Determination Of Column Affinity"."""
    text = declared.upper()
    for words, name in (
        (("INT",), "INTEGER"),
        (("CHAR", "CLOB", "TEXT"), "TEXT"),
        (("BLOB",), "BLOB"),
        (("REAL", "FLOA", "DOUB"), "REAL"),
    ):
        if any(word in text for word in words):
            return name
    return "NUMERIC" if text.strip() else "BLOB"


def _base(type_: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """What a type comes down to on this dialect, out of its decorators."""
    base = type_.dialect_impl(dialect)
    while isinstance(base, TypeDecorator):
        base = base.impl_instance
    return base


def _words(declared: str) -> str:
    return re.sub(r"\s+", "", declared).upper()


# ---- from one affinity to another


def _across(name: str, wanted: str) -> _Rule:
    kind = f"typeof({name})"
    plain = f"length({name}) <= {EXACT_DIGITS} AND {name} NOT GLOB '0[0-9]*' AND {name} NOT GLOB '[-+]*'"
    # with a number on one side, SQLite compares a text that looks like a number as one
    number = f"{kind} = 'text' AND CAST({name} AS NUMERIC) = {name} AND {plain}"
    if wanted == "INTEGER":
        whole = f"{kind} = 'text' AND CAST(CAST({name} AS INTEGER) AS TEXT) = {name}"
        return _Rule(_not(f"{kind} = 'integer' OR ({whole})"), _same_number)
    if wanted == "REAL":
        small = f"{kind} = 'integer' AND {name} BETWEEN -{EXACT_INTEGER} AND {EXACT_INTEGER}"
        return _Rule(_not(f"{kind} = 'real' OR ({small}) OR ({number})"), _same_number)
    if wanted == "NUMERIC":
        return _Rule(_not(f"{kind} IN ('integer', 'real') OR ({number})"), _same_number)
    if wanted == "TEXT":
        return _Rule(_neither(kind, "text", "integer"), _same_text)
    return _Rule(_neither(kind, "text", "blob"), lambda value, _converted: isinstance(value, str | bytes))


def _not(condition: str) -> str:
    return f"NOT coalesce({condition}, 0)"


def _neither(kind: str, *known: str) -> str:
    """Quicker than NOT IN, and never NULL."""
    return " AND ".join(f"{kind} <> '{name}'" for name in known)


def _same_number(value: Any, converted: Any) -> bool:
    """A text has to be written as a number is: `007` and `+7` would lose what they say besides the number."""
    if isinstance(value, str):
        return bool(NUMBER.fullmatch(value)) and _decimal(converted) == Decimal(value)
    return isinstance(value, int | float) and bool(value == converted)


def _decimal(number: Any) -> Decimal | None:
    return Decimal(repr(number)) if isinstance(number, int | float) else None


def _same_text(value: Any, converted: Any) -> bool:
    if isinstance(value, float):
        return float(converted) == value
    return isinstance(value, str | int) and str(value) == converted


# ---- SQLAlchemy's own formats


def _is_truth(value: Any, converted: Any) -> bool:
    return converted in (0, 1) and str(value) in ("0", "1", "0.0", "1.0")


def _moment(name: str, base: TypeEngine[Any]) -> str:
    """A date becomes its midnight, a midnight its date; with a format of its own, everything stays as it is."""
    if "_storage_format" in vars(base):
        return name
    if isinstance(base, types.DateTime):
        return f"CASE WHEN {name} GLOB '{DATE}' THEN {name} || ' 00:00:00.000000' ELSE {name} END"
    if isinstance(base, types.Date):
        return f"CASE WHEN {name} GLOB '{DATE}[ T][0-9]*' THEN substr({name}, 1, 10) ELSE {name} END"
    return name


def _unlike_moment(name: str, base: TypeEngine[Any]) -> str:
    if "_storage_format" in vars(base) or isinstance(base, types.Time):
        return "1"
    if isinstance(base, types.DateTime):
        return _not(f"substr({name}, 1, 19) = datetime({name}, '+0 days') AND substr({name}, 20) GLOB '{FRACTION}'")
    return _not(f"typeof({name}) = 'text' AND {name} = date({name}, '+0 days')")


def _keeps_moment(value: Any, converted: Any) -> bool:
    if value == converted:
        return True
    if str(converted).startswith(str(value)):
        return True
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return False
    return moment.time() == time() and moment.tzinfo is None


def _reading(
    name: str, expression: str, type_: TypeEngine[Any], base: TypeEngine[Any], dialect: Dialect
) -> list[_Rule]:
    """Can SQLAlchemy read the converted value?"""
    read: Any = type_.dialect_impl(dialect).result_processor(dialect, None)
    if read is None:
        return []
    if isinstance(base, types.Boolean) and not isinstance(type_, TypeDecorator):
        return []
    if isinstance(base, types.Date | types.DateTime) and not isinstance(type_, TypeDecorator):
        doubt = _unlike_moment(name, base)
    elif isinstance(base, types.Numeric) and not isinstance(type_, TypeDecorator):
        doubt = f"typeof({expression}) NOT IN ('integer', 'real')"
    else:
        doubt = "1"
    return [_Rule(doubt, lambda _value, converted: _can_be_read(read, converted))]


def _can_be_read(read: Callable[[Any], Any], converted: Any) -> bool:
    try:
        read(converted)
    except Exception:  # a type of the project's own may raise anything
        return False
    return True


# ---- less room than before


def _narrowing(name: str, expression: str, declared: str, base: TypeEngine[Any]) -> list[_Rule]:
    sizes = [int(size) for size in re.findall(r"\d+", declared.partition("(")[2])]
    if isinstance(base, types.String) and not isinstance(base, types.Enum) and base.length is not None:
        return _narrower_text(name, sizes, base.length)
    if isinstance(base, types.Numeric) and not isinstance(base, types.Float):
        return _narrower_number(expression, sizes, base.precision, base.scale)
    return []


def _narrower_text(name: str, sizes: list[int], length: int) -> list[_Rule]:
    if len(sizes) == 1 and sizes[0] <= length:
        return []
    return [_Rule(f"length(CAST({name} AS TEXT)) > {length}", lambda _value, converted: len(str(converted)) <= length)]


def _narrower_number(expression: str, sizes: list[int], precision: int | None, scale: int | None) -> list[_Rule]:
    rules: list[_Rule] = []
    before_scale = sizes[1] if len(sizes) == 2 else None
    is_number = f"typeof({expression}) IN ('integer', 'real')"
    if scale is not None and (before_scale is None or before_scale > scale):
        rules.append(
            _Rule(
                f"{is_number} AND round({expression}, {scale}) <> {expression}",
                lambda _value, converted: _has_decimals(converted, scale),
            )
        )
    if precision is None:
        return rules
    whole = precision - (scale or 0)
    if len(sizes) != 2 or sizes[0] - sizes[1] > whole:
        rules.append(
            _Rule(
                f"{is_number} AND abs({expression}) >= 1e{whole}",
                lambda _value, converted: (number := _decimal(converted)) is None or abs(number) < 10**whole,
            )
        )
    return rules


def _has_decimals(converted: Any, scale: int) -> bool:
    number = _decimal(converted)
    if number is None or not number.is_finite():
        return True
    exponent = number.normalize().as_tuple().exponent  # `round` cannot write out 1e300
    return isinstance(exponent, int) and -exponent <= scale
