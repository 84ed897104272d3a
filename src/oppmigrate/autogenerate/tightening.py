"""Columns that take NULL and are to take it no more: the rows that hold one get a value first."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops

from oppmigrate.autogenerate.backfilling import BackfillOp
from oppmigrate.autogenerate.calls import call_of, example_flag, given_value, words_on_calls
from oppmigrate.autogenerate.decisions import Decisions, Questioner
from oppmigrate.autogenerate.values import parse_value
from oppmigrate.autogenerate.words import qualified
from oppmigrate.errors import Refused

# (schema, table, column) -> how many rows hold NULL there; None where nobody can say
CountNulls = Callable[[str | None, str, str], int | None]


def columns_to_tighten(container: ops.OpContainer) -> dict[str, ops.AlterColumnOp]:
    """The columns that become NOT NULL, by `table.column`; those that are filled already are not among them."""
    filled = {(op.table_name, op.column_name) for op in container.ops if isinstance(op, BackfillOp)}
    return {
        f"{qualified(op.schema, op.table_name)}.{op.column_name}": op
        for op in _altered(container)
        if op.modify_nullable is False and (op.table_name, op.column_name) not in filled
    }


def settle_nulls(
    columns: Mapping[str, ops.AlterColumnOp],
    models: Mapping[str, sa.Column[Any]],
    decisions: Decisions,
    questioner: Questioner | None,
    count: CountNulls,
) -> dict[str, Any]:
    """A value in place of NULL for each column where there may be some, by `table.column`.

    Decided, else a constant default of the model's, else asked. A column where there is no NULL needs none, and where
    nobody can say, none is asked for: `upgrade` refuses it if there are some.

    Raises:
        Refused: rows hold NULL, and nobody said what they get; with the flags to paste.
        WrongUsage: a value does not fit its column's type.
    """
    values: dict[str, Any] = {}
    unanswered: dict[str, int] = {}
    for name, op in columns.items():
        type_, call = _type_of(op), call_of(models.get(name))
        text = decisions.defaults.get(name)
        if text is not None:
            values[name] = given_value(name, type_, text, call)
            continue
        nulls = count(op.schema, op.table_name, op.column_name)
        if not nulls:
            continue
        default = models[name].default if name in models else None
        if default is not None and default.is_scalar:
            values[name] = default.arg  # type: ignore[attr-defined]
            continue
        if questioner is not None:
            text = questioner.ask_fill(name, repr(type_), nulls, str(call) if call else None)
        if text is None:
            unanswered[name] = nulls
        else:
            values[name] = given_value(name, type_, text, call)
    if unanswered:
        flags = (example_flag(name, _type_of(columns[name]), call_of(models.get(name))) for name in unanswered)
        counted = ", ".join(f"{number:,} in {name}" for name, number in unanswered.items())
        raise Refused(
            f"this revision makes {', '.join(unanswered)} NOT NULL, and rows hold NULL there: {counted}",
            why="they need a value in it, and none can be guessed"
            + words_on_calls({name: models.get(name) for name in unanswered}),
            do="say which (or let the model give a default, or None):\n       " + "\n       ".join(flags),
            columns=list(unanswered),
        )
    return values


def down_fills(columns: Mapping[str, ops.AlterColumnOp], decisions: Decisions) -> dict[str, Any]:
    """The values that were decided on for the way back; by then, nobody knows which rows will need one.

    Raises:
        WrongUsage: a value does not fit its column's type.
    """
    texts = {name: decisions.down_default(name) for name in columns}
    return {name: parse_value(name, _type_of(columns[name]), text) for name, text in texts.items() if text is not None}


def fill_nulls(container: ops.OpContainer, values: Mapping[str, Any], why: str) -> None:
    """Write the values in place of NULL, each before the block that tightens its column; in place.

    Args:
        why: the comment above the UPDATE.
    """
    wanted = columns_to_tighten(container)
    arranged: list[ops.MigrateOperation] = []
    for operation in container.ops:
        arranged += (
            BackfillOp(op.table_name, op.schema, op.column_name, _type_of(op), values[name], why, only_nulls=True)
            for name, op in wanted.items()
            if name in values and op in _nested(operation)
        )
        arranged.append(operation)
    container.ops[:] = arranged


def _altered(container: ops.OpContainer) -> Iterator[ops.AlterColumnOp]:
    for operation in container.ops:
        yield from (op for op in _nested(operation) if isinstance(op, ops.AlterColumnOp))


def _nested(operation: ops.MigrateOperation) -> list[ops.MigrateOperation]:
    return list(operation.ops) if isinstance(operation, ops.ModifyTableOps) else [operation]


def _type_of(op: ops.AlterColumnOp) -> Any:
    """The type that the column has while it is filled: the one of before, where it changes in the same block."""
    return op.existing_type if op.existing_type is not None else op.modify_type
