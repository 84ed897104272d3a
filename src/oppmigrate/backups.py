"""Where backups lie and how they are named: `test-20261123T140102Z-3f2a91bc.db`.

One that was taken by itself, before an upgrade, says so, `test-20261123T140102Z-3f2a91bc-auto.db`, and goes in time.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from oppmigrate.errors import AmbiguousBackup, BackupNotFound

TIME = "%Y%m%dT%H%M%SZ"
BASE = "base"
HEADS = "+"
# Alembic allows neither - nor + in a revision id, so both can part what a name consists of
NAME = re.compile(
    r"-(?P<time>\d{8}T\d{6}Z)-(?P<revision>[^-]+)(?P<kind>-auto)?(?:-(?P<number>\d+))?\.(?P<suffix>[A-Za-z0-9]+)"
)
AUTOMATIC = "-auto"
LONGEST_NAME = 200  # file systems take 255 bytes; a temporary name is made from it
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup file; `revision` is None when its name does not tell it.

    `is_automatic`: it was taken by itself; a person's own are kept for ever.
    """

    path: Path
    size_bytes: int
    created: datetime  # UTC, to the second
    revision: str | None
    is_automatic: bool = False


def backup_path(
    directory: Path,
    label: str,
    revision: str | Sequence[str] | None,
    suffix: str,
    now: datetime,
    *,
    automatic: bool = False,
) -> Path:
    """A path for a new backup, at which there is no file yet.

    Args:
        label: the database's short name.
        revision: where the database stands; None or nothing for `base`, several heads for several.
        suffix: the file's ending, with its dot.
        now: aware; written in UTC.
        automatic: it is taken by itself.
    """
    stem = f"{_safe(label)}-{now.astimezone(UTC):{TIME}}-{_revision_text(revision)}{AUTOMATIC if automatic else ''}"
    for number in itertools.count(1):
        path = directory / f"{stem}{f'-{number}' if number > 1 else ''}{suffix}"
        if not path.exists() and not path.is_symlink():
            return path
    raise AssertionError("unreachable")


def list_backups(directory: Path, label: str) -> tuple[Backup, ...]:
    """The backups of one database, newest first; nothing when the directory is not there."""
    found = []
    for path in directory.iterdir() if directory.is_dir() else ():
        backup = read_backup(path, label)
        if backup is not None:
            found.append(backup)
    return tuple(sorted(found, key=_age, reverse=True))


def prune(directory: Path, label: str, *, keep: int, keep_days: float, now: datetime) -> tuple[Path, ...]:
    """Remove automatic backups of one database that are both surplus and old; say which.

    Never one that a person took, never the newest, never through a symbolic link. Another process may do the same
    meanwhile.

    Args:
        keep: so many automatic ones are newer than one that goes.
        keep_days: it is at least so old.
        now: aware.

    Raises:
        OSError: one cannot be removed.
    """
    automatic = [each for each in list_backups(directory, label) if each.is_automatic and not each.path.is_symlink()]
    surplus = automatic[max(keep, 1) :]
    old = [each.path for each in surplus if now - each.created >= timedelta(days=keep_days)]
    for path in old:
        path.unlink(missing_ok=True)
    return tuple(old)


def find_backup(directory: Path, label: str, text: str | None) -> Backup:
    """The backup that a person means.

    Args:
        text: a path, a file name, the beginning of one, of its time or of its revision; None is the newest.

    Raises:
        BackupNotFound: none fits, or there is none yet.
        AmbiguousBackup: several fit.
    """
    backups = list_backups(directory, label)
    if text is None:
        if not backups:
            raise BackupNotFound(
                f"there is no backup of `{label}` in {directory}",
                do="to make one: oppman backup",
                directory=str(directory),
            )
        return backups[0]
    for path in (Path(text).expanduser(), directory / text):
        if text and path.is_file():
            return read_backup(path, label) or _foreign(path)
    fitting = [backup for backup in backups if text and _fits(backup, label, text)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise AmbiguousBackup(
            f"{len(fitting)} backups fit `{text}`",
            why=_shown(fitting),
            do="give more of the name; the newest is taken when none is given",
            candidates=[backup.path.name for backup in fitting],
        )
    raise BackupNotFound(
        f"no backup fits `{text}`",
        why=f"there are {_shown(backups)}" if backups else f"there is no backup of `{label}` in {directory}",
        do="oppman backup --list",
        directory=str(directory),
    )


def read_backup(path: Path, label: str) -> Backup | None:
    """What the name of a file tells, or None if it is no backup of this database."""
    prefix = _safe(label)
    parts = NAME.fullmatch(path.name.removeprefix(prefix)) if path.name.startswith(prefix) else None
    if parts is None or parts["suffix"] == "part":
        return None
    try:
        created = datetime.strptime(parts["time"], TIME).replace(tzinfo=UTC)
        size_bytes = path.stat().st_size
    except (ValueError, OSError):  # no such day; removed this moment
        return None
    return Backup(path, size_bytes, created, parts["revision"], parts["kind"] is not None)


def _foreign(path: Path) -> Backup:
    """A file of another name, or of another database; whether it is a backup, reading it will show."""
    status = path.stat()
    created = datetime.fromtimestamp(status.st_mtime, UTC).replace(microsecond=0)
    return Backup(path, status.st_size, created, None)


def _fits(backup: Backup, label: str, text: str) -> bool:
    name = backup.path.name
    after_label = name.removeprefix(_safe(label)).lstrip("-")
    revisions = (backup.revision or "").split(HEADS)
    return any(part.startswith(text) for part in (name, after_label, *revisions))


def _age(backup: Backup) -> tuple[datetime, int]:
    """What sorts backups: those of one second by their number."""
    parts = NAME.search(backup.path.name)
    return backup.created, int((parts and parts["number"]) or 1)


def _revision_text(revision: str | Sequence[str] | None) -> str:
    heads = [revision] if isinstance(revision, str) else sorted(revision or ())
    text = HEADS.join(re.sub(r"[^\w.+]", "_", head) for head in heads if head)
    if len(text) > LONGEST_NAME // 2:
        shown = text[: LONGEST_NAME // 2].rpartition(HEADS)[0] or text[: LONGEST_NAME // 2]
        text = f"{shown}{HEADS}more"
    return text or BASE


def _safe(label: str) -> str:
    """A label as a part of a file name."""
    return re.sub(r"[^\w.+-]", "_", label).lstrip(".")[: LONGEST_NAME // 2] or "database"


def _shown(backups: Iterable[Backup]) -> str:
    names = [backup.path.name for backup in backups]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
