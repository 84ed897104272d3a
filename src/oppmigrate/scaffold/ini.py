"""alembic.ini, changed a key at a time: every other line stays byte for byte as it is.

Lines are read by the rules of configparser as Alembic uses it: `=` or `:`, comments on lines of their own, and a value
goes on as long as lines are indented deeper than its key.

Source: Python's documentation, configparser, "Supported INI File Structure".
"""

import re
from dataclasses import dataclass, field

from oppmigrate.scaffold.textfile import BOM, newline_of, split_lines

DEFAULT = "DEFAULT"


@dataclass(slots=True)
class _Entry:
    """A section's header (key is None) or a key with its value, and the numbers of the lines that hold them."""

    section: str
    key: str | None
    indent: str
    lines: list[int]
    values: list[str] = field(default_factory=list)


class IniFile:
    """An ini file as text, and where in it each key lies."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = split_lines(text)
        self._entries = _scan([line.removeprefix(BOM) for line in self._lines])

    @property
    def sections(self) -> tuple[str, ...]:
        """The names of the sections, in order."""
        return tuple(entry.section for entry in self._entries if entry.key is None)

    def get(self, section: str, key: str) -> str | None:
        """A key's value as written (percent signs doubled), from [DEFAULT] where the section has none."""
        entry = self._find(section, key) or self._find(DEFAULT, key)
        return "\n".join(entry.values).strip() if entry else None

    def set(self, section: str, key: str, value: str, *, after: str | None = None) -> "IniFile":
        """The file with this value; a new key is put behind the key `after`, else at the section's end.

        Args:
            value: as it is to be written; a value of several lines begins with a newline.
        """
        entry = self._find(section, key)
        lines = self._replaced(entry, value) if entry else self._inserted(section, key, value, after)
        text = "".join(lines)
        return IniFile(text if self.text.endswith(("\r", "\n")) else text.removesuffix(newline_of(self.text)))

    def _find(self, section: str, key: str) -> _Entry | None:
        found = (entry for entry in self._entries if entry.section == section and entry.key == key.lower())
        return next(found, None)

    def _replaced(self, entry: _Entry, value: str) -> list[str]:
        first, *others = entry.lines
        line = self._lines[first]
        end = line[len(line.rstrip("\r\n")) :] or newline_of(self.text)
        match = re.match(r"(.*?[=:])([ \t]*)", line)
        assert match is not None, "the scan found a key on this line"
        space = "" if value.startswith("\n") else match[2] or " "
        changed = match[1] + space + self._laid_out(value, entry.indent) + end
        kept = [(number, text) for number, text in enumerate(self._lines) if number not in others]
        return [changed if number == first else text for number, text in kept]

    def _inserted(self, section: str, key: str, value: str, after: str | None) -> list[str]:
        entries = [entry for entry in self._entries if entry.section == section]
        neighbour = (after and self._find(section, after)) or entries[-1]
        place = neighbour.lines[-1] + 1
        indent = self._indent_behind(neighbour)
        space = "" if value.startswith("\n") else " "
        line = f"{indent}{key} ={space}{self._laid_out(value, indent)}"
        before, behind = self._lines[:place], self._lines[place:]
        newline = newline_of(self.text)
        if not before[-1].endswith(("\r", "\n")):
            before.append(newline)
        return [*before, line + newline, *behind]

    def _indent_behind(self, neighbour: _Entry) -> str:
        """Like the lines around it: with a lesser indent, what comes next would be part of the new value."""
        following = self._entries[self._entries.index(neighbour) + 1 :]
        if neighbour.key is None and following:
            return max(neighbour.indent, following[0].indent, key=len)
        return neighbour.indent

    def _laid_out(self, value: str, indent: str) -> str:
        return value.replace("\n", f"{newline_of(self.text)}{indent}    ")


def _scan(lines: list[str]) -> list[_Entry]:
    entries: list[_Entry] = []
    for number, line in enumerate(lines):
        text = line.strip()
        last = entries[-1] if entries else None
        if text.startswith(("#", ";")):
            continue
        if not text:
            if last and last.key is not None:
                last.values.append("")
            continue
        indent = line[: len(line) - len(line.lstrip())]
        if last and last.key is not None and len(indent) > len(last.indent):
            last.values.append(text)
            last.lines.append(number)
        elif entry := _entry(text, number, indent, last):
            entries.append(entry)
    return entries


def _entry(text: str, number: int, indent: str, last: _Entry | None) -> _Entry | None:
    if header := re.match(r"\[(.+)\]", text):
        return _Entry(header[1], None, indent, [number])
    pair = re.match(r"(.*?)\s*[=:]\s*(.*)", text)
    if pair is None or last is None:
        return None  # configparser, and so Alembic, refuses such a file
    return _Entry(last.section, pair[1].lower(), indent, [number], [pair[2]])
