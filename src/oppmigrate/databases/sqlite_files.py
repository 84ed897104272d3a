"""A SQLite database as files: copied while it is written to, swapped, removed."""

import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from oppmigrate.databases import sqlite_errors
from oppmigrate.databases.base import Progress
from oppmigrate.databases.placing import flush, new_file, unreadable
from oppmigrate.errors import BackupError, BackupUnreadable, DatabaseError, MigrateError, NotADatabase

MAGIC = b"SQLite format 3\0"
LOCK_WAIT_S = 5
READ_WAIT_S = 30  # for a gap between the writes of others, where there is no WAL
POLL_S = 0.001
PAGES_A_STEP = 2048  # 8 MiB of the usual pages between two reports of progress


def companions(path: Path) -> tuple[Path, ...]:
    """The files that SQLite may keep beside a database."""
    return tuple(path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal"))


def backup(path: Path, target: Path, progress: Progress | None = None) -> None:
    """Copy the database as it is at one moment, while others write to it.

    A read transaction holds that moment: without it SQLite starts anew whenever somebody writes, and may never end.
    The copy keeps the journal mode. Source: SQLite, "Using the SQLite Online Backup API".
    """
    with new_file(target) as part:
        with _explained(path), closing(_open(path)) as source, closing(_connect(part, "rw")) as copy:
            copy.execute("PRAGMA journal_mode = OFF")  # nothing to roll back to, and no journal left on a full disk
            page_bytes = source.execute("PRAGMA page_size").fetchone()[0]
            _hold_moment(source)

            def report(_status: int, remaining: int, total: int) -> None:
                if progress is not None:
                    progress((total - remaining) * page_bytes, total * page_bytes)

            try:
                source.backup(copy, pages=PAGES_A_STEP, progress=report)
            except sqlite3.Error as error:
                if sqlite_errors.result_code(error) == sqlite3.SQLITE_FULL:  # it is the copy's disk that is full
                    raise BackupError(f"no space left for {target}", do="make room and run it again") from error
                raise
        verify(part, shown=target, check="quick_check")


def _hold_moment(source: sqlite3.Connection) -> None:
    """Begin a read transaction, in a gap between others' writes.

    Without a WAL a busy writer leaves gaps of microseconds only. SQLite's own waiting looks ten times a second and
    may miss them all; looking every millisecond finds one.
    """
    source.execute("PRAGMA busy_timeout = 0")
    give_up = time.monotonic() + READ_WAIT_S
    while True:
        try:
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return
        except sqlite3.OperationalError as error:
            if sqlite_errors.result_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            source.execute("ROLLBACK")
            time.sleep(POLL_S)


def begins_as_one(path: Path) -> bool:
    """Does the file begin as a SQLite database does? An empty file is an empty one."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) in (b"", MAGIC)


def verify(
    path: Path, shown: Path | None = None, *, check: Literal["quick_check", "integrity_check"] = "integrity_check"
) -> None:
    """Prove that the file is a whole database, without writing beside it.

    Args:
        check: `quick_check` reads every page and finds what can go wrong with a copy, in about the time of copying.
            `integrity_check` also compares each index with its table, which takes many times as long.

    Raises:
        BackupUnreadable: with what is wrong with it.
    """
    shown = shown or path
    try:
        with path.open("rb") as file:
            header = file.read(100)
        size_bytes = path.stat().st_size
    except OSError as error:
        raise _unreadable(shown, error.strerror or str(error)) from error
    if not header.startswith(MAGIC):
        raise _unreadable(shown, "it does not begin as a SQLite database does" if size_bytes else "it is empty")
    try:
        with closing(_connect(path, "ro&immutable=1")) as connection:
            pages, page_bytes = (
                connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
            )
            faults = [row[0] for row in connection.execute(f"PRAGMA {check}(3)") if row[0] != "ok"]
    except sqlite3.Error as error:
        raise _unreadable(shown, f"SQLite says: {error}") from error
    if pages * page_bytes != size_bytes:
        faults.insert(0, f"it has {size_bytes:,} bytes where {pages * page_bytes:,} belong")
    if faults:
        raise _unreadable(shown, "; ".join(faults))


def restore(backup: Path, path: Path) -> None:
    """Put a copy of a verified backup in the place of the database, in one step of the file system."""
    if not path.parent.is_dir():
        raise sqlite_errors.missing_folder(path)
    if path.is_dir():
        raise sqlite_errors.a_folder(path)
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        _stage(backup, staged, like=path)
        if path.exists() and _is_usable(path):
            with _exclusive(path):
                staged.replace(path)
        else:
            _keep_aside(path)
            staged.replace(path)
        flush(path.parent)
    except OSError as error:
        raise DatabaseError(
            f"{path} cannot be replaced", why=error.strerror, do="nothing was changed: the old database is in its place"
        ) from error
    finally:
        staged.unlink(missing_ok=True)


def delete(path: Path) -> tuple[str, ...]:
    """Remove the database and the files beside it, unless somebody is using them."""
    places = [place for place in (path, *companions(path)) if place.exists()]
    with _exclusive(path):
        for place in (path, *companions(path)):
            place.unlink(missing_ok=True)
    return tuple(f"file {place}" for place in places)


# ---- parts


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    """Connect to a file that is there; `isolation_level=None`: this module begins its transactions itself."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=LOCK_WAIT_S)


def _open(path: Path) -> sqlite3.Connection:
    """Connect for reading. Able to write where that is allowed: after a crash SQLite first has to roll back."""
    return _connect(path, "rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro")


def _stage(backup: Path, staged: Path, like: Path) -> None:
    """Copy the backup beside the database, with the owner and the rights of the file that it replaces."""
    os.close(os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    shutil.copyfile(backup, staged)
    if like.exists():
        shutil.copymode(like, staged)
        status = like.stat()
        if os.name != "nt" and (status.st_uid, status.st_gid) != (staged.stat().st_uid, staged.stat().st_gid):
            os.chown(staged, status.st_uid, status.st_gid)
    else:
        umask = os.umask(0)
        os.umask(umask)
        staged.chmod(0o666 & ~umask)
    flush(staged)


def _is_usable(path: Path) -> bool:
    """Is it a whole database? If it is none at all, no lock can be taken on it either.

    Asked for reading only: SQLite would remove a WAL that it cannot make sense of.
    """
    if not begins_as_one(path):
        return False
    try:
        with closing(_connect(path, "ro")) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.Error as error:
        return sqlite_errors.result_code(error) not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def _keep_aside(path: Path) -> None:
    """Give a file that is no database, or a damaged one, a second name: somebody may still want what is in it.

    It stays in its place until another one takes that. What is beside it goes, also where it is all that there is:
    SQLite would apply a left -wal to the other.
    """
    ending = f".unreadable-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    places = [place for place in (path, *companions(path)) if place.exists()]
    for place in places:
        _name_twice(place, place.with_name(place.name + ending))
    flush(path.parent)
    for place in places:
        if place != path:
            place.unlink()


def _name_twice(path: Path, other: Path) -> None:
    try:
        os.link(path, other)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        shutil.copy2(path, other)
        flush(other)


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Keep everybody else out, with nothing left in the WAL; what is beside the file may then be removed.

    Leaving WAL mode is what only the last connection can do, so it also shows the idle ones. Outside of WAL mode idle
    connections cannot be seen; SQLite refuses their writes once the file is another (SQLITE_READONLY_DBMOVED).

    Raises:
        DatabaseLocked: others are connected or writing; nothing was changed.
    """
    if not path.exists():
        yield
        return
    with closing(_connect(path, "rw")) as connection:
        with _explained(path):
            was_wal = connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
            if was_wal:
                connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            connection.execute("BEGIN EXCLUSIVE")
        identity = path.stat().st_ino
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
            if was_wal and path.exists() and path.stat().st_ino == identity:  # it stayed after all
                connection.execute("PRAGMA journal_mode = WAL").fetchone()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """SQLite's errors in our words."""
    try:
        yield
    except sqlite3.Error as error:
        explained: MigrateError | None = sqlite_errors.explain(path, error, LOCK_WAIT_S)
        if isinstance(explained, NotADatabase):
            raise explained from error
        raise explained or BackupError(f"SQLite cannot read {path}", why=str(error)) from error


def _unreadable(path: Path, why: str) -> BackupUnreadable:
    return unreadable(path, "SQLite database", why)
