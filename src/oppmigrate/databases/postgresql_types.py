"""PostgreSQL's types as its catalogue writes them, and which of them hold every value of another."""

import re
from dataclasses import dataclass

INTEGERS = ("smallint", "integer", "bigint")
INTEGER_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
FLOATS = ("real", "double precision")
TEXTS = frozenset({"text", "character varying"})
# of these, a shorter precision rounds
TIMES = frozenset(
    {
        "timestamp without time zone",
        "timestamp with time zone",
        "time without time zone",
        "time with time zone",
        "interval",
    }
)
AS_TEXT = frozenset(
    {"smallint", "integer", "bigint", "boolean", "uuid", "date", "numeric", "text", "character varying"}
)
LONGEST_AS_TEXT = {"smallint": 6, "integer": 11, "bigint": 20, "boolean": 5, "uuid": 36}
DEFAULT_LENGTH = {"character": 1, "bit": 1}
MOMENTS = frozenset({"timestamp without time zone", "timestamp with time zone"})


@dataclass(frozen=True, slots=True)
class Type:
    """A type's name as `regtype` prints it, with the numbers of its modifiers.

    `fields` are an interval's, which limit what it holds.
    """

    name: str
    modifiers: tuple[int, ...] = ()
    fields: str = ""

    @property
    def length(self) -> int | None:
        """How many characters or bits it takes; None where any number."""
        return self.modifiers[0] if self.modifiers else DEFAULT_LENGTH.get(self.name)


def read_type(name: str, written: str) -> Type:
    """The type `name`, whose modifiers stand in `written`, a catalogue's or a compiler's text."""
    found = re.search(r"\(\s*(-?\d+)\s*(?:,\s*(-?\d+)\s*)?\)", written) if not name.startswith('"') else None
    modifiers = tuple(int(number) for number in found.groups() if number is not None) if found else ()
    fields = re.sub(r"\(.*?\)|interval|\s+", " ", written.lower()).strip() if name == "interval" else ""
    return Type(name, modifiers if name not in FLOATS else (), fields)


def without_collation(type_sql: str) -> str:
    return re.sub(r"\s+COLLATE\s+.*", "", type_sql, flags=re.IGNORECASE | re.DOTALL)


def holds_all(new: Type, old: Type, *, old_is_enum: bool = False, is_utc: bool = False) -> bool:
    """Does `new` keep every value of `old` as it is? False also where that is not known without looking.

    Args:
        is_utc: is the session's time zone UTC, so that times with and without a zone are the same moments?
    """
    if new == old:
        return True
    if new.name in TEXTS:
        return _text_holds(new, old, old_is_enum)
    if new.name in INTEGERS and old.name in INTEGERS:
        return INTEGERS.index(new.name) >= INTEGERS.index(old.name)
    if new.name == "numeric":
        return _numeric_holds(new, old)
    if new.name == "double precision":
        return old.name in ("real", "smallint", "integer")
    if new.name == "real":
        return old.name == "smallint"
    if new.name in TIMES and (new.name == old.name or (is_utc and {new.name, old.name} == MOMENTS)):
        return new.fields == old.fields and _precision(new) >= _precision(old)
    if new.name == old.name and new.name in ("character", "bit varying"):
        return new.length is None or (old.length is not None and new.length >= old.length)
    return False


def _text_holds(new: Type, old: Type, old_is_enum: bool) -> bool:
    if new.length is None:
        return old.name in AS_TEXT or old_is_enum or old.name == "character"
    if old.name in TEXTS or old.name == "character":
        return old.length is not None and new.length >= old.length
    return LONGEST_AS_TEXT.get(old.name, new.length + 1) <= new.length


def _numeric_holds(new: Type, old: Type) -> bool:
    """A scale may be negative: it then rounds to tens and hundreds."""
    if old.name in INTEGERS:
        before: tuple[int, int] | None = (INTEGER_DIGITS[old.name], 0)
    elif old.name == "numeric":
        before = _digits(old)
    else:
        return False
    after = _digits(new)
    if after is None or before is None:
        return after is None
    return after[1] >= before[1] and after[0] >= before[0]


def _digits(numeric: Type) -> tuple[int, int] | None:
    """Digits before and after the point; None where there is no limit."""
    if not numeric.modifiers:
        return None
    precision, scale = (*numeric.modifiers, 0)[:2]
    return precision - scale, scale


def _precision(time: Type) -> int:
    return time.modifiers[0] if time.modifiers else 6
