"""Views, functions, triggers and the like that alembic-utils finds: told in words, and never dropped in silence.

The library compares what a project registers in its `env.py`, and writes and carries out its own operations. They are
known by where their classes are from, so that nothing of it is imported here.
"""

from typing import Any

LIBRARY = "alembic_utils"
_VERBS = {"CreateOp": "create", "ReplaceOp": "replace", "RevertOp": "bring back", "DropOp": "drop"}


def is_about_entity(operation: object) -> bool:
    """Is it an operation of the library's?"""
    return type(operation).__module__.partition(".")[0] == LIBRARY and hasattr(operation, "target")


def entity_name(operation: Any) -> str:
    """The name with its schema, and what a function takes."""
    entity = operation.target
    return f"{entity.schema}.{entity.signature}"


def summary_of_entity(operation: Any) -> str:
    """The operation in words."""
    verb = _VERBS.get(type(operation).__name__, "change")
    return f"{verb} {operation.target.type_.replace('_', ' ')} {entity_name(operation)}"


def drops_entity(operation: object) -> bool:
    """Does something go?"""
    return is_about_entity(operation) and type(operation).__name__ == "DropOp"
