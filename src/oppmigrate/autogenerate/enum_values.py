"""Which values the enums of a revision have before and after it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from alembic.operations import MigrateOperation, ops

from oppmigrate.autogenerate.enum_lists import CreateListOp
from oppmigrate.autogenerate.enum_types import CreateEnumOp, DropEnumOp, RenameEnumOp


@dataclass(frozen=True, slots=True)
class ChangedValues:
    """An enum, by the name of its type or of its column, whose values change."""

    enum: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def changed_values(operations: Iterable[MigrateOperation]) -> tuple[ChangedValues, ...]:
    """The enums that other values take the place of; of operations with their containers opened, each enum once."""
    flat = list(operations)
    lists = (ChangedValues(op.enum, op.before, op.after) for op in flat if isinstance(op, CreateListOp))
    return tuple(dict.fromkeys([*_of_types(flat), *_of_columns(flat), *lists]))


def _of_types(flat: list[MigrateOperation]) -> Iterator[ChangedValues]:
    made = {(op.schema, op.name): op.values for op in flat if isinstance(op, CreateEnumOp)}
    gone = {(op.schema, op.name): op.values for op in flat if isinstance(op, DropEnumOp)}
    for op in flat:
        if isinstance(op, RenameEnumOp):
            yield ChangedValues(op.name, gone[op.schema, op.new], made[op.schema, op.name])


def _of_columns(flat: list[MigrateOperation]) -> Iterator[ChangedValues]:
    """Where the values stand in the column's own type."""
    swapped = {op.name for op in flat if isinstance(op, RenameEnumOp)} | {
        op.new for op in flat if isinstance(op, RenameEnumOp)
    }
    for op in flat:
        if not isinstance(op, ops.AlterColumnOp):
            continue
        old, new = op.existing_type, op.modify_type
        if isinstance(old, sa.Enum) and isinstance(new, sa.Enum) and new.name not in swapped:
            name = new.name or f"{op.table_name}.{op.column_name}"
            yield ChangedValues(name, tuple(old.enums), tuple(new.enums))
