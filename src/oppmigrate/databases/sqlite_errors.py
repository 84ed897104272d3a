"""What SQLite's errors mean."""

import os
import sqlite3
from pathlib import Path

from oppmigrate.databases.base import original
from oppmigrate.databases.locking import Holder
from oppmigrate.databases.sqlite_holder import NOBODY_KNOWN
from oppmigrate.errors import (
    DatabaseError,
    DatabaseLocked,
    DatabaseMissing,
    DatabaseReadOnly,
    MigrateError,
    NotADatabase,
)

# primary result code -> the words it comes with, for errors that carry no code
WORDS = {
    sqlite3.SQLITE_BUSY: ("database is locked",),
    sqlite3.SQLITE_LOCKED: ("database table is locked", "database schema is locked"),
    sqlite3.SQLITE_READONLY: ("attempt to write a readonly database",),
    sqlite3.SQLITE_CANTOPEN: ("unable to open database file",),
    sqlite3.SQLITE_NOTADB: ("file is not a database", "file is encrypted"),
    sqlite3.SQLITE_CORRUPT: ("database disk image is malformed", "malformed database schema"),
    sqlite3.SQLITE_FULL: ("database or disk is full",),
    sqlite3.SQLITE_IOERR: ("disk i/o error",),
}


def explain(
    path: Path | None, error: BaseException, waited_s: float | None = None, holder: Holder = NOBODY_KNOWN
) -> MigrateError | None:
    """SQLite's error in our words; None for one that tells nothing about the file, such as an SQL error.

    Args:
        path: the database file; None for one in memory.
        waited_s: how long SQLite waited for the lock, when the caller knows.
        holder: who has it.
    """
    cause = original(error)
    if not isinstance(cause, sqlite3.Error):
        return None
    code = result_code(cause)
    shown = str(path or "the database in memory")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return locked(shown, waited_s, holder)
    if code == sqlite3.SQLITE_READONLY:
        return read_only(shown, path, cause)
    if code == sqlite3.SQLITE_CANTOPEN:
        return cannot_open(shown, path)
    if code == sqlite3.SQLITE_NOTADB:
        return not_a_database(shown)
    if code == sqlite3.SQLITE_CORRUPT:
        return NotADatabase(
            f"{shown} is damaged",
            why=f"SQLite says: {cause}",
            do="restore a backup: oppman restore",
            path=shown,
        )
    if code == sqlite3.SQLITE_FULL:
        return DatabaseError(f"no space left for {shown}", why="the disk is full", do="make room and run it again")
    if code == sqlite3.SQLITE_IOERR:
        return DatabaseError(
            f"the disk failed while SQLite used {shown}",
            why=f"SQLite says: {cause} ({getattr(cause, 'sqlite_errorname', 'SQLITE_IOERR')})",
            do="look at the system's log; a full disk, a quota and a network folder can be the reason",
        )
    return None


def result_code(error: sqlite3.Error) -> int | None:
    """SQLite's primary result code."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return int(code) & 0xFF
    text = str(error).lower()
    return next((code for code, words in WORDS.items() if any(word in text for word in words)), None)


def locked(shown: str, waited_s: float | None = None, holder: Holder = NOBODY_KNOWN) -> DatabaseLocked:
    waited = f" for more than {waited_s:g} s" if waited_s else ""
    who = "" if holder.pid else ": a migration, the application, a database browser"
    return DatabaseLocked(
        f"{shown} is locked",
        why=f"{holder.description} has been writing to it{waited}{who}",
        do=f"wait until it is done and run the command again; to see who it is: fuser -v {shown}",
        path=shown,
        pid=holder.pid,
    )


def read_only(shown: str, path: Path | None, cause: sqlite3.Error) -> DatabaseReadOnly:
    moved = getattr(cause, "sqlite_errorname", "") == "SQLITE_READONLY_DBMOVED"
    if moved:
        return DatabaseReadOnly(
            f"{shown} was replaced while it was open",
            why="a restore, or somebody's mv, put another file in its place",
            do="run the command again",
            path=shown,
        )
    why = "the file, its folder, its file system, or `mode=ro` in the URL allows reading only"
    if path is not None and path.exists():
        denied = [str(place) for place in (path, path.parent) if not os.access(place, os.W_OK)]
        why = f"no right to write to {' and to '.join(denied)}" if denied else why
    return DatabaseReadOnly(
        f"{shown} cannot be written",
        why=why,
        do=f"give yourself the right: chmod u+w {shown} (and to its folder: SQLite writes a journal there)",
        path=shown,
    )


def cannot_open(shown: str, path: Path | None) -> MigrateError:
    if path is None:
        return DatabaseError(f"SQLite cannot open {shown}")
    if path.is_dir():
        return a_folder(path)
    if not path.parent.is_dir():
        return missing_folder(path)
    if path.exists() and not os.access(path, os.R_OK):
        return DatabaseReadOnly(f"{shown} cannot be read", why="no right to read it", do=f"chmod u+rw {shown}")
    if not path.exists():
        return DatabaseReadOnly(
            f"{shown} cannot be made",
            why=f"no right to write to the folder {path.parent}",
            do=f"chmod u+w {path.parent}",
            path=shown,
        )
    return DatabaseReadOnly(
        f"{shown} cannot be opened",
        why=f"SQLite may not write its journal to the folder {path.parent}",
        do=f"chmod u+w {path.parent}",
        path=shown,
    )


def not_a_database(shown: str) -> NotADatabase:
    return NotADatabase(
        f"{shown} is not a SQLite database",
        why="the file begins with something else (or it is encrypted)",
        do="look whether the database URL names the right file",
        path=shown,
    )


def a_folder(path: Path) -> NotADatabase:
    return NotADatabase(
        f"{path} is a folder, where the database file should be",
        do=f"name a file in it: sqlite:///{path.as_posix().rstrip('/')}/app.db",
        path=str(path),
    )


def require(path: Path) -> None:
    """Raise what is wrong with the path when there is no file at it; opening it would make one."""
    if path.is_dir():
        raise a_folder(path)
    if not path.exists():
        raise missing(path) if path.parent.is_dir() else missing_folder(path)


def missing_folder(path: Path) -> DatabaseMissing:
    file = next((parent for parent in path.parents if parent.is_file()), None)
    if file is not None:
        return DatabaseMissing(
            f"there can be no database at {path}",
            why=f"{file} is a file, not a folder",
            do="look whether the database URL names the right file",
            path=str(path),
        )
    return DatabaseMissing(
        f"the folder of the database {path} does not exist",
        do=f"mkdir -p {path.parent}",
        path=str(path),
    )


def missing(path: Path) -> DatabaseMissing:
    return DatabaseMissing(
        f"there is no database at {path} yet",
        do="oppman migrate upgrade makes it",
        path=str(path),
    )
