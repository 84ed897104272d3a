"""What the rows already there get in a NOT NULL column that is new: decided, constant in the model, or asked."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from oppmigrate.autogenerate.calls import call_of, example_flag, given_value, words_on_calls
from oppmigrate.autogenerate.decisions import Decisions, Questioner
from oppmigrate.autogenerate.numbering import Numbers, is_numbered
from oppmigrate.autogenerate.values import neutral_value, parse_value
from oppmigrate.errors import Refused, WrongUsage


def settle_defaults(
    columns: Mapping[str, sa.Column[Any]],
    decisions: Decisions,
    questioner: Questioner | None,
    others: Collection[str] = (),
) -> dict[str, Any]:
    """A value for each column, by `table.column`.

    A key that the server counts up is numbered. A constant default of the model's is taken as it is; one that the
    model calls (`uuid4`) is called for each row where a person says so: what it gives now need not be what it would
    have given then.

    Args:
        others: columns that may be decided on, and are no matter of this.

    Raises:
        Refused: nobody said what a column gets; with the flags to paste.
        WrongUsage: a value does not fit its column's type, or its column is not among those that need one.
    """
    unused = set(decisions.defaults) - {*columns, *others}
    if unused:
        raise WrongUsage(
            f"--default {', '.join(sorted(unused))}: the revision makes no NOT NULL column of that name",
            do="leave the flag out; `python oppman.py migrate check` lists what differs",
        )
    values: dict[str, Any] = {}
    unanswered: dict[str, str] = {}
    for name, column in columns.items():
        text, call = decisions.defaults.get(name), call_of(column)
        if text is None and column.default is not None and column.default.is_scalar:
            values[name] = column.default.arg  # type: ignore[attr-defined]
            continue
        if text is None and is_numbered(column):
            values[name] = Numbers()
            continue
        if text is None and questioner is not None:
            text = questioner.ask_default(name, repr(column.type), str(call) if call else None)
        if text is None:
            unanswered[name] = example_flag(name, column.type, call)
        else:
            values[name] = given_value(name, column.type, text, call)
    if unanswered:
        raise Refused(
            "this revision adds a NOT NULL column without a default to a table that may hold rows",
            why="the rows already there need a value in it, and none can be guessed"
            + words_on_calls({name: columns[name] for name in unanswered}),
            do="say which (or let the model give a default, or None):\n       " + "\n       ".join(unanswered.values()),
            columns=list(unanswered),
        )
    return values


def check_down_defaults(columns: Collection[str], decisions: Decisions) -> None:
    """Raise WrongUsage where `--down-default` names a column that the downgrade does not make NOT NULL."""
    known = {*columns, *map(decisions.old_name, columns)}
    unused = set(decisions.down_defaults) - known
    if unused:
        raise WrongUsage(
            f"--down-default {', '.join(sorted(unused))}: the downgrade makes no column of that name NOT NULL",
            why="the name is the one of before, and a downgrade fills what it brings back or tightens again",
            do="leave the flag out; `python oppman.py migrate check` lists what differs",
        )


def down_defaults(columns: Mapping[str, sa.Column[Any]], decisions: Decisions) -> dict[str, Any]:
    """The values that a downgrade fills the columns with which it brings back: decided, else neutral for the type.

    Raises:
        WrongUsage: a value does not fit its column's type.
    """
    texts = {name: decisions.down_default(name) for name in columns}
    return {
        name: _stand_in(columns[name]) if text is None else parse_value(name, columns[name].type, text)
        for name, text in texts.items()
    }


def _stand_in(column: sa.Column[Any]) -> Any:
    return Numbers() if is_numbered(column) else neutral_value(column.type)
