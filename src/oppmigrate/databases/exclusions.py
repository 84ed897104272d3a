"""What an EXCLUDE constraint says: an index, and for each of its parts the operator that no two rows may answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from oppmigrate.databases.indexes import IndexDefinition, read_definition, split_parts

_WAITS = re.compile(r"\s+(?P<not>NOT\s+)?DEFERRABLE(?:\s+INITIALLY\s+(?P<when>\w+))?\s*$", re.IGNORECASE)
_ELEMENT = re.compile(r"(?P<part>.*?)\s+WITH\s+(?P<operator>\S+)\s*", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An EXCLUDE constraint.

    Args:
        waits: is its check deferrable, and is it deferred?
    """

    index: IndexDefinition
    operators: tuple[str, ...]
    waits: tuple[bool, bool]


def read_exclusion(definition: str) -> Exclusion | None:
    """What stands behind the name in ADD CONSTRAINT name EXCLUDE …; None where it is nothing of the kind."""
    waits = _WAITS.search(definition)
    head, elements, tail = split_parts(definition[: waits.start()] if waits else definition)
    found = [_ELEMENT.fullmatch(each) for each in elements]
    index = _as_index(head, [each["part"] for each in found if each], tail)
    if index is None or not all(found):
        return None
    operators = tuple(each["operator"] for each in found if each)
    is_deferrable = waits is not None and not waits["not"]
    return Exclusion(
        index, operators, (is_deferrable, is_deferrable and str(waits and waits["when"]).upper() == "DEFERRED")
    )


def _as_index(head: str, parts: Sequence[str], tail: str) -> IndexDefinition | None:
    method = head.upper().partition("USING")[2].strip().lower() or "btree"
    return read_definition(f"CREATE INDEX x ON t USING {method} ({', '.join(parts)}) {tail}")
