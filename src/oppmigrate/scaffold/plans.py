"""What `init` and `setup` are about to write, as data."""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from oppmigrate.config import PLACEHOLDER_URL, hide_password
from oppmigrate.scaffold.metadata import LoadedMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """One file to write. Texts are as `textfile.read()` gives them: every byte of the file has its place in them.

    `old` is None for a new file, which never replaces one that is there by the time of writing.
    """

    path: Path
    old: str | None
    new: str
    project: Path

    @property
    def name(self) -> str:
        """The path as people read it, from the project's folder."""
        return Path(os.path.relpath(self.path, self.project)).as_posix()

    @property
    def diff(self) -> str:
        """The change as a unified diff, to be shown: line ends are dropped and passwords masked."""
        before = "/dev/null" if self.old is None else self.name
        lines = difflib.unified_diff(_lines(self.old or ""), _lines(self.new), before, self.name, lineterm="")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class InitPlan:
    """What `init` found and would write.

    Args:
        adopted: the project has Alembic already; `reason` names the file that says so, and nothing is written.
        kept: pieces that are there already and stay as they are.
        database_url: what the new alembic.ini says; None when none is written. It never holds a password.
    """

    project: Path
    adopted: bool = False
    reason: str | None = None
    modules: tuple[str, ...] = ()
    models: tuple[LoadedMetadata, ...] = ()
    files: tuple[PlannedFile, ...] = ()
    kept: tuple[Path, ...] = ()
    database_url: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Is there nothing to write?"""
        return not self.files


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupPlan:
    """What `setup` would change, and what it leaves to the user (`notes`)."""

    project: Path
    files: tuple[PlannedFile, ...] = ()
    unchanged: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Is there nothing to write?"""
        return not self.files


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that was written; `backup` is the copy of what stood there before."""

    path: Path
    backup: Path | None = None


def _lines(text: str) -> list[str]:
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").removeprefix("\ufeff")
    # Alembic's example URL is no secret, and masked it would look like one
    return [line if PLACEHOLDER_URL in line else hide_password(line) for line in shown.splitlines()]
