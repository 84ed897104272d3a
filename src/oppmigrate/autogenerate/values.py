"""One-off values: from the text of a flag to a value of the column's type, and to source code."""

import datetime
import decimal
import enum
import json
import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from oppmigrate.errors import WrongUsage

_TRUTHS = {"true": True, "t": True, "1": True, "yes": True, "false": False, "f": False, "0": False, "no": False}
_PARSERS: dict[type, Callable[[str], Any]] = {
    int: int,
    float: float,
    decimal.Decimal: decimal.Decimal,
    uuid.UUID: uuid.UUID,
    datetime.datetime: datetime.datetime.fromisoformat,
    datetime.date: datetime.date.fromisoformat,
    datetime.time: datetime.time.fromisoformat,
}
_EPOCH = datetime.datetime(1970, 1, 1)


def parse_value(name: str, type_: TypeEngine[Any], text: str) -> Any:
    """The value that `text` means for a column.

    Raises:
        WrongUsage: the text does not fit the type.
    """
    try:
        return _parsed(type_, text)
    except (ValueError, ArithmeticError, LookupError) as error:
        raise WrongUsage(
            f"--default {name}={text}: that does not fit the column's type, {type_!r}",
            why=str(error) or type(error).__name__,
            do=f"for example: --default {name}={as_text(neutral_value(type_))}",
        ) from error


def _parsed(type_: TypeEngine[Any], text: str) -> Any:
    type_ = _plain(type_)
    if isinstance(type_, sa.Enum):
        if text not in type_.enums:
            raise LookupError(f"its values are: {', '.join(type_.enums)}")
        return text
    if isinstance(type_, sa.JSON):
        return json.loads(text)
    if isinstance(type_, sa.Boolean):
        return _TRUTHS[text.lower()]
    kind = _python_type(type_)
    if kind in _PARSERS:
        return _PARSERS[kind](text)
    if kind is bytes:
        return text.encode()
    if isinstance(type_, sa.String) and type_.length is not None and len(text) > type_.length:
        raise ValueError(f"it is {len(text)} characters long, and the column holds {type_.length}")
    return text


def neutral_value(type_: TypeEngine[Any]) -> Any:
    """What stands for "no value" in a column that takes no NULL: 0, "", false, 1970-01-01, the first enum value."""
    type_ = _plain(type_)
    if isinstance(type_, sa.Enum):
        return type_.enums[0] if type_.enums else ""
    if isinstance(type_, sa.JSON):
        return {}
    neutral: dict[type, Any] = {
        bool: False,
        int: 0,
        float: 0.0,
        decimal.Decimal: decimal.Decimal(0),
        bytes: b"",
        datetime.datetime: _EPOCH,
        datetime.date: _EPOCH.date(),
        datetime.time: _EPOCH.time(),
        datetime.timedelta: datetime.timedelta(0),
        uuid.UUID: uuid.UUID(int=0),
    }
    return neutral.get(_python_type(type_), "")


def as_source(value: Any) -> tuple[str, set[str]]:
    """The value as Python source, and the imports that it needs."""
    if isinstance(value, enum.Enum):
        return repr(value.name), set()
    if isinstance(value, uuid.UUID):
        return f'uuid.UUID("{value}")', {"import uuid"}
    if isinstance(value, decimal.Decimal):
        return f'decimal.Decimal("{value}")', {"import decimal"}
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return repr(value), {"import datetime"}
    return repr(value), set()


def as_text(value: Any) -> str:
    """The value as a flag takes it."""
    if isinstance(value, bool | dict | list):
        return json.dumps(value)
    return value.decode() if isinstance(value, bytes) else str(value)


def _plain(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type that a decorator, such as SQLModel's AutoString, stands for."""
    return type_.impl_instance if isinstance(type_, sa.types.TypeDecorator) else type_


def _python_type(type_: TypeEngine[Any]) -> type:
    try:
        return type_.python_type
    except NotImplementedError:  # a dialect's own type that maps to nothing in particular
        return str
