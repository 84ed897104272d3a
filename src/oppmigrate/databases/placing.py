"""Files that appear whole, or not at all, and the error for a backup that is not whole."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oppmigrate.errors import BackupError, BackupUnreadable


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to, which becomes `target` when the block ends well and is removed otherwise.

    The file is for its owner only: it holds what the database holds.

    Raises:
        BackupError: `target` exists, or its folder cannot be written.
    """
    target = target.absolute()
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise BackupError(
            f"{target.parent} cannot be written",
            why=error.strerror,
            do="see to the rights and the free space there, or name another file: oppman backup --output PATH",
            path=str(target),
        ) from error
    try:
        yield part
        flush(part)
        _place(part, target)
    except OSError as error:
        raise BackupError(f"{target} cannot be written", why=error.strerror, path=str(target)) from error
    finally:
        part.unlink(missing_ok=True)
    flush(target.parent)


def _place(part: Path, target: Path) -> None:
    """Give the file its name, never in the place of another one."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise BackupError(f"{target} exists already", do="choose another name", path=str(target)) from None
    except OSError:  # a file system without links
        if target.exists():
            raise BackupError(f"{target} exists already", do="choose another name", path=str(target)) from None
        part.rename(target)


def flush(path: Path) -> None:
    """Wait until the file, or the folder's list of names, is on the disk."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unreadable(path: Path, whole: str, why: str) -> BackupUnreadable:
    """The error for a backup that does not prove to be a whole one of its kind."""
    return BackupUnreadable(
        f"the backup {path} is not a whole {whole}",
        why=why,
        do="nothing was changed; list the others: oppman backup --list",
        path=str(path),
    )
