"""MariaDB's and MySQL's types as SHOW COLUMNS writes them, and which of them hold every value of another."""

import re
from dataclasses import dataclass

INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
TEXTS = ("tinytext", "text", "mediumtext", "longtext")
BLOBS = ("tinyblob", "blob", "mediumblob", "longblob")
BYTES = {"tiny": 255, "": 65_535, "medium": 16_777_215, "long": 4_294_967_295}
NUMBERS = frozenset({*INTEGERS, "decimal", "float", "double", "bit", "year"})
TIMES = frozenset({"date", "datetime", "timestamp", "time"})
STRINGS = frozenset({*TEXTS, "varchar", "char", "enum", "set"})
LIMITED = frozenset({"varchar", "char", "varbinary", "binary"})
LONGEST_INTEGER = 20  # characters, with the sign
LONGEST_CHARACTER = {"utf8mb4": 4, "utf8mb3": 3, "utf8": 3, "latin1": 1, "ascii": 1}
# what has all characters of these
HELD_BY = {"ascii": ("latin1", "utf8", "utf8mb3", "utf8mb4"), "latin1": ("utf8", "utf8mb3", "utf8mb4")}


@dataclass(frozen=True, slots=True)
class Type:
    """A type's name, its numbers or its members, and the character set of what is text."""

    name: str
    numbers: tuple[int, ...] = ()
    members: frozenset[str] = frozenset()
    unsigned: bool = False
    characters: str | None = None

    @property
    def length(self) -> int:
        return self.numbers[0] if self.numbers else 1


def read_type(written: str, collation: str | None) -> Type:
    """The type that SHOW COLUMNS writes like this: `int(10) unsigned`, `enum('a','b')`."""
    found = re.match(r"(\w+)(?:\((.*)\))?(.*)", written, re.DOTALL)
    assert found is not None
    name, inside, after = found[1].lower(), found[2] or "", found[3].lower()
    characters = collation.split("_")[0] if collation else None
    if name in ("enum", "set"):
        members = frozenset(re.findall(r"'((?:[^']|'')*)'", inside))
        return Type(name, members=members, characters=characters)
    numbers = tuple(int(number) for number in re.findall(r"\d+", inside)) if name not in INTEGERS else ()
    return Type(name, numbers, unsigned="unsigned" in after, characters=characters)


def holds_all(new: Type, old: Type) -> bool:
    """Does `new` keep every value of `old` as it is? False also where that is not known without looking."""
    if new == old:
        return True
    if old.characters and not _has_all_characters(new.characters, old.characters):
        return False
    if old.name in INTEGERS:
        return _holds_integers(new, old)
    if new.name == old.name == "decimal":
        return _is_wider(_digits(new), _digits(old)) and new.unsigned == old.unsigned
    if (new.name, old.name) == ("double", "float"):
        return new.unsigned == old.unsigned and not new.numbers
    if new.name == "datetime" and old.name in ("datetime", "date"):
        return sum(new.numbers) >= sum(old.numbers)
    if new.name == old.name and new.name in ("time", "timestamp"):
        return sum(new.numbers) >= sum(old.numbers)
    if new.name == old.name and new.name in ("enum", "set"):
        return old.members <= new.members
    if new.name == old.name and new.name in ("varbinary", "char"):
        return new.length >= old.length
    return _holds_texts(new, old)


def _has_all_characters(new: str | None, old: str) -> bool:
    utf8 = ("utf8", "utf8mb3", "utf8mb4")
    if new == old or (new in utf8 and old in utf8):
        return new == old or new == "utf8mb4" or old != "utf8mb4"
    return new in HELD_BY.get(old, ())


def _holds_integers(new: Type, old: Type) -> bool:
    bits = BITS[old.name] - (0 if old.unsigned else 1)  # without the sign's
    if new.name in INTEGERS:
        return BITS[new.name] - (0 if new.unsigned else 1) >= bits and (old.unsigned or not new.unsigned)
    if new.name == "decimal":
        return _digits(new)[0] >= len(str(2**bits)) and (old.unsigned or not new.unsigned)
    if new.name == "varchar":
        return new.length >= LONGEST_INTEGER
    if new.name in TEXTS:
        return True
    return new.name == "double" and bits <= 53 and not new.unsigned and not new.numbers


def _holds_texts(new: Type, old: Type) -> bool:
    """Of texts in a character set that has all their characters, and of bytes."""
    if old.name in ("varchar", "char"):
        if new.name == "varchar":
            return new.length >= old.length
        return new.name in TEXTS and old.length * LONGEST_CHARACTER.get(new.characters or "", 4) <= _bytes(new.name)
    if old.name in TEXTS and new.name in TEXTS:
        return _bytes(new.name) >= _bytes(old.name) and new.characters == old.characters
    if old.name in BLOBS and new.name in BLOBS:
        return _bytes(new.name) >= _bytes(old.name)
    if old.name == "varbinary" and new.name in BLOBS:
        return _bytes(new.name) >= old.length
    if old.name == "enum" and new.name == "varchar":
        return all(len(member) <= new.length for member in old.members)
    return False


def _bytes(name: str) -> int:
    return BYTES[name.removesuffix("text").removesuffix("blob")]


def _digits(decimal: Type) -> tuple[int, int]:
    """Digits before and after the point."""
    precision, scale = (*decimal.numbers, 0, 0)[:2]
    return precision - scale, scale


def _is_wider(new: tuple[int, int], old: tuple[int, int]) -> bool:
    return new[0] >= old[0] and new[1] >= old[1]
