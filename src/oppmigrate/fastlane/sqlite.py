"""What a SQLite database records, read without the right to write."""

from __future__ import annotations

import os

from oppmigrate.fastlane.recorded import HEADS, VERSION_TABLE, Recorded, Uncertain, done_query, unfinished_query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PREFIXES = ("sqlite:///", "sqlite+pysqlite:///", "sqlite+aiosqlite:///")
HEADER = b"SQLite format 3\0"
WAL = 2  # in bytes 18 and 19 of the header: the journal mode is WAL
# a query, an escape, a fragment: SQLAlchemy reads them, and SQLite reads some of them again
SPECIAL = frozenset("?%#")
TABLES = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND lower(name) IN (lower(?), lower(?))"


def path_of(url: str, project: str) -> str:
    """The file of a SQLite URL. Raises Uncertain where it says more than where the file lies."""
    prefix = next((each for each in PREFIXES if url.startswith(each)), None)
    if prefix is None or os.name != "posix":
        raise Uncertain("a driver that is not used here")
    path = url[len(prefix) :]
    if not path or path != path.strip() or path.startswith((":memory:", "file:")) or not SPECIAL.isdisjoint(path):
        raise Uncertain("an address with more in it")
    if "aiosqlite" in prefix:
        from oppmigrate.fastlane.addresses import is_installed

        if not is_installed("aiosqlite", "greenlet"):
            raise Uncertain("the driver is not installed")
    found = os.path.realpath(os.path.join(project, path))
    if not SPECIAL.isdisjoint(found):
        raise Uncertain("a path that would have to be escaped")
    return found


def read(path: str, journal: str, *, with_done: bool) -> Recorded:
    """What the file records.

    Raises:
        Uncertain: it is not there, is no database, is locked, has to be repaired, or records what is not understood.
    """
    import sqlite3

    before = _mode(path)
    try:
        connection = sqlite3.connect(f"file:{path}?{before[0]}", uri=True, timeout=0, isolation_level=None)
        try:
            recorded = _read(connection, journal, with_done)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise Uncertain(str(error)) from error
    if _mode(path) != before:
        raise Uncertain("somebody has begun to write")
    return recorded


def _mode(path: str) -> tuple[str, tuple[int, ...]]:
    """How the file is opened for reading alone, with what must be the same afterwards.

    In WAL mode a reader makes two files beside it, and one that may not write cannot remove them: where they are not
    there, nobody writes, and the file by itself is all there is.
    """
    try:
        with open(path, "rb") as file:
            header = file.read(20)
            found = os.fstat(file.fileno())
    except OSError as error:
        raise Uncertain(str(error)) from error
    if len(header) < 20 or not header.startswith(HEADER):
        raise Uncertain("no database")
    if header[19] != WAL:
        return "mode=ro", ()
    has_wal, has_index = (os.path.exists(path + suffix) for suffix in ("-wal", "-shm"))
    if has_wal and has_index:
        return "mode=ro", ()
    if has_wal or has_index:
        raise Uncertain("a write-ahead log without its index")
    return "immutable=1", (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


def _read(connection: Any, journal: str, with_done: bool) -> Recorded:
    connection.execute("BEGIN")
    tables = {name for (name,) in connection.execute(TABLES, (VERSION_TABLE, journal))}
    if {name.lower() for name in tables} != {name.lower() for name in tables & {VERSION_TABLE, journal}}:
        raise Uncertain("the name of a table is written otherwise")
    recorded = Recorded()
    if VERSION_TABLE in tables:
        recorded.take_heads(connection.execute(HEADS).fetchall())
    if journal in tables:
        quoted = f'"{journal}"'
        recorded.take_unfinished(connection.execute(unfinished_query(quoted)).fetchall())
        if with_done:
            recorded.done = connection.execute(done_query(quoted)).fetchall()
    return recorded
