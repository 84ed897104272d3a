"""The user's own line behind an exception: what a message shows instead of a traceback."""

import linecache
import sys
import sysconfig
import traceback
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of the project's code. `text` is stripped; empty where the file cannot be read."""

    path: Path
    number: int
    text: str

    def shown(self, project: Path) -> str:
        """`models.py:12: class User(…)`, the path relative to the project where it lies inside."""
        path = self.path.relative_to(project) if self.path.is_relative_to(project) else self.path
        return f"{path}:{self.number}: {self.text}" if self.text else f"{path}:{self.number}"


def own_line(error: BaseException, project: Path) -> SourceLine | None:
    """The last line of the project's own code that an exception passed through; None where it passed through none.

    A syntax error counts as raised at the line that cannot be read.
    """
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        path = Path(error.filename)
        if _is_own(path, project):
            return SourceLine(path, error.lineno, (error.text or linecache.getline(str(path), error.lineno)).strip())
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        path = Path(frame.filename)
        if _is_own(path, project) and frame.lineno:
            return SourceLine(path, frame.lineno, (frame.line or "").strip())
    return None


def one_line(error: BaseException) -> str:
    """An exception's type and the first line of its text: `NameError: name 'x' is not defined`."""
    text = error.msg if isinstance(error, SyntaxError) else next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _is_own(path: Path, project: Path) -> bool:
    """Is it the project's code, rather than a library's installed in a venv below the project?"""
    if not path.is_relative_to(project):
        return False
    libraries = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")} | {Path(sys.prefix)}
    below = (library for library in libraries if library != project and library.is_relative_to(project))
    return "site-packages" not in path.parts and not any(path.is_relative_to(library) for library in below)
