"""All the changes, by the group that a page shows them in."""

from changes import (
    columns,
    comments,
    computed,
    constraints,
    defaults,
    enums,
    indexes,
    keys,
    schemas,
    sequences,
    tables,
    types,
)
from changes.change import NAMES, Change

GROUPS: dict[str, tuple[Change, ...]] = {
    "Tables": tables.CHANGES,
    "Columns": columns.CHANGES,
    "Types": types.CHANGES,
    "Server defaults": defaults.CHANGES,
    "Enums": enums.CHANGES,
    "CHECK, UNIQUE and EXCLUDE": constraints.CHANGES,
    "Primary keys and foreign keys": keys.CHANGES,
    "Indexes": indexes.CHANGES,
    "Generated columns and identities": computed.CHANGES,
    "Sequences": sequences.CHANGES,
    "Comments": comments.CHANGES,
    "Other schemas": schemas.CHANGES,
}
__all__ = ["EVERY", "GROUPS", "NAMES"]
EVERY = tuple(change for changes in GROUPS.values() for change in changes)
