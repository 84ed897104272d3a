"""What a person decided about a change that cannot be guessed: renames and drops."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from oppmigrate.errors import WrongUsage

if TYPE_CHECKING:
    from oppmigrate.autogenerate.evidence import Candidate


@dataclass(frozen=True, slots=True)
class Rename:
    """`table` to `new`, or, with `column`, that column of it to `new`. `table` and `column` are the old names."""

    table: str
    column: str | None
    new: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}:{self.new}" if self.column else f"{self.table}:{self.new}"

    @property
    def old(self) -> str:
        """The old name in full."""
        return f"{self.table}.{self.column}" if self.column else self.table


@dataclass(frozen=True, slots=True)
class ValueRename:
    """A value of an enum that is called `new` now.

    Args:
        old: `enum.value` or `table.column.value`: which part is which, only the enums that there are can tell.
    """

    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.old}:{self.new}"


@dataclass(frozen=True, slots=True)
class Decisions:
    """Answers given beforehand.

    Args:
        drops: `table`, `table.column` or, for a value, `enum.value`, in the old names.
        defaults: `table.column`, in the new names -> the value for the rows already there, as text; or the function
            that the model takes its default from, by its name.
        down_defaults: the same for a dropped column that a downgrade brings back, in the old names.
        casts: `table.column`, in the new names -> SQL that makes its values those of its new type.
    """

    renames: tuple[Rename, ...] = ()
    drops: frozenset[str] = frozenset()
    defaults: Mapping[str, str] = field(default_factory=dict)
    down_defaults: Mapping[str, str] = field(default_factory=dict)
    value_renames: tuple[ValueRename, ...] = ()
    casts: Mapping[str, str] = field(default_factory=dict)

    def down_default(self, name: str) -> str | None:
        """What a downgrade fills a column with, by the name that it has before the downgrade is through."""
        return self.down_defaults.get(self.old_name(name), self.down_defaults.get(name))

    def old_name(self, name: str) -> str:
        """What the column `table.column` was called before the renames."""
        table, _, column = name.rpartition(".")
        return f"{self.old_table(table)}.{self.old_column(table, column)}"

    def old_table(self, table: str) -> str:
        """What the table was called before the renames."""
        return next((each.table for each in self.renames if each.column is None and each.new == table), table)

    def old_column(self, table: str, column: str) -> str:
        """What the column of the table, which is named as it is now, was called before the renames."""
        columns = (each for each in self.renames if each.column is not None and each.table == self.old_table(table))
        return next((str(each.column) for each in columns if each.new == column), column)

    @property
    def renames_anything(self) -> bool:
        return bool(self.renames or self.value_renames)

    def with_value_rename(self, rename: ValueRename) -> "Decisions":
        """The same, and one more rename of a value."""
        return replace(self, value_renames=(*self.value_renames, rename))

    def with_rename(self, rename: Rename) -> "Decisions":
        """The same, and one more rename."""
        return replace(self, renames=(*self.renames, rename))


class Questioner(Protocol):
    """Whoever answers what the flags left open; the command line asks on the terminal."""

    def choose_old_name(self, new: str, candidates: Sequence["Candidate"]) -> str | None:
        """Which of the names that are gone did `new` have before, the likeliest first? None: it is new."""

    def confirm_drop(self, name: str) -> bool:
        """Is `name` to go, with all it holds?"""

    def ask_default(self, name: str, type_: str, call: str | None) -> str | None:
        """The value that `name`, a NOT NULL column that is new, gets in the rows already there; None: no answer.

        `call` is the function that the model takes its default from; given as the answer, it is called for each row.
        """

    def ask_fill(self, name: str, type_: str, nulls: int, call: str | None) -> str | None:
        """The value in place of NULL, which so many rows hold in `name`, a column that is to be NOT NULL."""


def parse_renames(texts: Iterable[str]) -> tuple[Rename, ...]:
    """`users.name:full_name` and `users:accounts`, as `--rename` takes them.

    Raises:
        WrongUsage: a text has another form, or one name is renamed twice.
    """
    renames = tuple(_parse_rename(text) for text in texts)
    for index, rename in enumerate(renames):
        if any(rename.old == earlier.old for earlier in renames[:index]):
            raise WrongUsage(f"--rename gives {rename.old} two new names", do="leave one of them out")
    return renames


def parse_value_renames(texts: Iterable[str]) -> tuple[ValueRename, ...]:
    """`status.pending:waiting`, as `--rename-value` takes it.

    Raises:
        WrongUsage: a text has another form, or one value is renamed twice.
    """
    renames: dict[str, ValueRename] = {}
    for text in texts:
        old, colon, new = text.partition(":")
        if not (colon and new and "." in old.strip(".")):
            raise WrongUsage(
                f"--rename-value {text} is not ENUM.OLD:NEW", do="for example: --rename-value status.pending:waiting"
            )
        if renames.get(old, ValueRename(old, new)).new != new:
            raise WrongUsage(f"--rename-value gives {old} two new names", do="leave one of them out")
        renames[old] = ValueRename(old, new)
    return tuple(renames.values())


def parse_defaults(flag: str, texts: Iterable[str]) -> dict[str, str]:
    """`users.age=0`, as `--default` and `--down-default` take it, by column.

    Raises:
        WrongUsage: a text has another form, or one column is given two values.
    """
    defaults: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name.count(".") < 1:
            raise WrongUsage(
                f"{flag} {text} is not TABLE.COLUMN={'SQL' if flag == '--cast' else 'VALUE'}",
                do=f"for example: {flag} {'users.age=' + repr('length(age)') if flag == '--cast' else 'users.age=0'}",
            )
        if defaults.get(name, value) != value:
            raise WrongUsage(f"{flag} gives {name} two values", do="leave one of them out")
        defaults[name] = value
    return defaults


def _parse_rename(text: str) -> Rename:
    old, colon, new = text.partition(":")
    table, dot, column = old.rpartition(".")
    new = new.rpartition(".")[2]  # `users.name:users.full_name` is understood, too
    if not (colon and old and new):
        raise WrongUsage(
            f"--rename {text} is not OLD:NEW",
            do="a column: --rename users.name:full_name; a table: --rename users:accounts",
        )
    return Rename(table, column, new) if dot else Rename(column, None, new)
