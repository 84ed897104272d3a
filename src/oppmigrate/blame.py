"""The user's own line behind an exception: what a message shows instead of a traceback, and never with a password."""

import linecache
import sys
import sysconfig
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oppmigrate.config import hide_password
from oppmigrate.errors import MigrateError, ModelsBroken

MEND = "mend that line, then run the command again"
LONGEST_TEXT = 400


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of the project's code. `text` is stripped; empty where the file cannot be read."""

    path: Path
    number: int
    text: str

    def shown(self, project: Path) -> str:
        """`models.py:12: class User(…)`, the path relative to the project where it lies inside."""
        path = self.path.relative_to(project) if self.path.is_relative_to(project) else self.path
        return hide_password(f"{path}:{self.number}: {self.text}" if self.text else f"{path}:{self.number}")


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
    text = (error.msg or "") if isinstance(error, SyntaxError) else str(error)
    first = next(iter(text.strip().splitlines()), "").rstrip()
    return hide_password(f"{type(error).__name__}: {first}" if first else type(error).__name__)[:LONGEST_TEXT]


def line_behind(error: MigrateError, path: Path, project: Path) -> str:
    """` (versions/1a2b_x.py:3: …)`: where in this file an error of ours began; empty where its `why` says so, too."""
    line = own_line(error.__cause__, project) if error.__cause__ else None
    source = line.shown(project) if line and line.path == path else ""
    return f" ({source})" if source and source != error.why else ""


def models_broken(
    error: BaseException, project: Path, *, file: Path | None = None, do: str | None = None, **facts: Any
) -> ModelsBroken:
    """The error for models whose import raises.

    Args:
        file: the one that was to be imported, for an exception without a line of the project's own.
        do: where more is known than the exception tells.
    """
    line = own_line(error, project)
    file = line.path if line else file or project
    shown = file.relative_to(project) if file.is_relative_to(project) else file
    return ModelsBroken(
        f"{shown} cannot be imported: {one_line(error)}",
        why=line.shown(project) if line else None,
        do=do or remedy(error),
        file=str(file),
        line=line.number if line else None,
        source=hide_password(line.text) if line else None,
        exception=type(error).__name__,
        **facts,
    )


def remedy(error: BaseException) -> str:
    """What to do about an exception of the project's own code, told below its line."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return (
            f"bring the module `{error.name}` back, if it is one of yours; else install the package that holds it "
            f"for {sys.executable}, or mend that line"
        )
    return MEND


def _is_own(path: Path, project: Path) -> bool:
    """Is it the project's code, rather than a library's installed in a venv below the project?"""
    if not path.is_relative_to(project):
        return False
    libraries = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")} | {Path(sys.prefix)}
    below = (library for library in libraries if library != project and library.is_relative_to(project))
    return "site-packages" not in path.parts and not any(path.is_relative_to(library) for library in below)
