"""Which files of the versions folders are revisions: the same choice, in the same order, as Alembic's."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from oppmigrate.errors import RevisionFileBroken
from oppmigrate.revisions.places import LOOK_AGAIN, shown

# `.#name.py` is an editor's lock file
_REVISION_NAME = re.compile(r"(?!\.#|__init__).*\.py$")


def list_revision_files(locations: Sequence[Path], *, recursive: bool = False) -> Iterator[Path]:
    """The revision files in `locations`, resolved, each once; a folder that does not exist holds none.

    Raises:
        RevisionFileBroken: a location is no folder, or cannot be listed.
    """
    seen: set[Path] = set()
    for location in locations:
        for path in _list_folder(location, recursive):
            if path not in seen and _REVISION_NAME.match(path.name):
                seen.add(path)
                yield path


def _list_folder(folder: Path, recursive: bool) -> Iterator[Path]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as error:
        raise RevisionFileBroken(
            f"the revision folder `{shown(folder)}` cannot be listed",
            why=error.strerror or str(error),
            do=f"`ls -ld '{shown(folder)}'` shows what it is and whose; put that right, then run `{LOOK_AGAIN}`",
            path=str(folder),
        ) from error
    # the folder is resolved once: doing it for each of 5000 files takes longer than reading them
    real_folder = Path(os.path.realpath(folder))
    for entry in entries:
        if not entry.is_dir():
            yield _follow(Path(entry.path)) if entry.is_symlink() else real_folder / entry.name
    if recursive:
        for entry in entries:
            if entry.is_dir() and not entry.is_symlink() and not entry.name.endswith("__pycache__"):
                yield from _list_folder(Path(entry.path), recursive)


def _follow(link: Path) -> Path:
    target = Path(os.path.realpath(link))
    # an editor's lock is such a link, whose name no revision has
    if _REVISION_NAME.match(link.name) and not target.exists():
        raise RevisionFileBroken(
            f"`{shown(link)}` is a symbolic link to `{target}`, and there is no such file",
            why="every `.py` file of a versions folder is read as a revision",
            do=f"restore the file, or `rm '{shown(link)}'`, then run `{LOOK_AGAIN}`",
            path=str(link),
        )
    return target
