"""Text files read and written so that not one byte changes by itself: line ends, BOM, odd encodings."""

import re
from pathlib import Path

BOM = "\ufeff"


def read(path: Path) -> str:
    """A file's text with its line ends and BOM; bytes that are not UTF-8 become surrogates and go back as they were."""
    return path.read_bytes().decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The bytes that `read` would give this text for."""
    return text.encode("utf-8", "surrogateescape")


def split_lines(text: str) -> list[str]:
    """Lines with their ends, parted where files are parted; `str.splitlines` also parts at form feeds and the like."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)


def newline_of(text: str) -> str:
    """The line end that the text uses most; `\\n` for a text of one line."""
    counts = {end: len(re.findall(pattern, text)) for end, pattern in _ENDS.items()}
    return max(counts, key=lambda end: counts[end])


def in_style_of(old: str, new: str) -> str:
    """`new`, which has plain `\\n`, with the line ends, BOM and final newline of `old`."""
    if not old.endswith(("\r", "\n")) and old:
        new = new.rstrip("\n")
    bom = BOM if old.startswith(BOM) else ""
    return bom + new.replace("\n", newline_of(old))


_ENDS = {"\n": r"(?<!\r)\n", "\r\n": r"\r\n", "\r": r"\r(?!\n)"}
