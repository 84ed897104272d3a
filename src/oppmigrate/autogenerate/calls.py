"""Defaults that a model calls, such as `uuid4`: by which name a revision can call them too, for each row."""

import importlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from oppmigrate.autogenerate.values import as_text, neutral_value, parse_value


@dataclass(frozen=True)
class Call:
    """A function without arguments, called for each row.

    Args:
        module, name: where it is found; the name may have dots in it, for a method of a class.
    """

    module: str
    name: str

    def __call__(self) -> Any:
        return _find(self.module, self.name)()

    def __repr__(self) -> str:
        return f"{self}() for each row"

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def source(self) -> str:
        """The call, in Python."""
        return f"{self}()"

    @property
    def import_(self) -> str:
        """What has to be imported for it."""
        return f"import {self.module}"

    @property
    def is_of_python(self) -> bool:
        """Does it come with Python, and not with the application or a package, where it may be gone one day?"""
        return self.module.partition(".")[0] in sys.stdlib_module_names

    def is_meant(self, text: str) -> bool:
        """Is it what a person writes after `--default users.token=`?"""
        return text.removesuffix("()") in (str(self), self.name, self.name.rpartition(".")[2])


def call_of(column: sa.Column[Any] | None) -> Call | None:
    """The function that gives the column's default in the model; None where it gives none, or has no name to call.

    A lambda, a function inside of another, and one that asks SQLAlchemy for the row (`context`) have none.
    """
    default = column.default if column is not None else None
    if default is None or not default.is_callable:
        return None
    # SQLAlchemy puts a function of its own around one that takes no argument
    function = getattr(default.arg, "__wrapped__", None)  # type: ignore[attr-defined]
    return _named(function) if function is not None and _takes_nothing(function) else None


def is_nameless(column: sa.Column[Any] | None) -> bool:
    """Does the model call something for its default that a revision cannot call?"""
    default = column.default if column is not None else None
    return default is not None and default.is_callable and call_of(column) is None


def given_value(name: str, type_: TypeEngine[Any], text: str, call: Call | None) -> Any:
    """What a person's text means for a column: the model's call, or a value of the column's type.

    Raises:
        WrongUsage: the text does not fit the type.
    """
    return call if call is not None and call.is_meant(text) else parse_value(name, type_, text)


def example_flag(name: str, type_: TypeEngine[Any], call: Call | None) -> str:
    """The flag that answers for a column, to be pasted."""
    return f"--default {name}={call or as_text(neutral_value(type_)) or 'VALUE'}"


def words_on_calls(columns: dict[str, sa.Column[Any] | None]) -> str:
    """What there is to be said of the defaults that the models call; empty where they call none."""
    if any(call_of(column) for column in columns.values()):
        return "; a function that the model takes its default from is called for each row"
    nameless = [name for name, column in columns.items() if is_nameless(column)]
    if not nameless:
        return ""
    return f"; what the model calls for {', '.join(nameless)} has no name of its own, so that a revision cannot call it"


def _takes_nothing(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind()
    except TypeError:
        return False
    except ValueError:  # built in, and does not tell
        return True
    return True


def _named(function: Callable[..., Any]) -> Call | None:
    owner, name = getattr(function, "__self__", None), getattr(function, "__qualname__", "<unknown>")
    module = getattr(function, "__module__", None)
    if isinstance(owner, type):  # of a class, such as `datetime.utcnow`
        module, name = owner.__module__, f"{owner.__qualname__}.{function.__name__}"
    if not module or "<" in name:
        return None
    try:
        found = _find(module, name)
    except (ImportError, AttributeError):
        return None
    return Call(module, name) if found == function else None


def _find(module: str, name: str) -> Any:
    return reduce(getattr, name.split("."), importlib.import_module(module))
