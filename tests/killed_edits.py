"""Edits of a stored definition that are killed: before each statement, in a process of its own.

    python tests/killed_edits.py FOLDER

A line of JSON tells how often the database held the old table afterwards, and how often the new one.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

from databases.test_sqlite_schema_edit import PEOPLE, SETUP, TIGHT, changed, tighten
from sqlite_rows import execute
from sqlite_watched import watched


def main(folder: Path) -> None:
    ends: Counter[str] = Counter()
    made = folder / "made.db"
    execute(made, *SETUP)
    number, is_killed = 0, True
    while is_killed:
        number += 1
        path = folder / f"{number}.db"
        shutil.copyfile(made, path)
        is_killed = killed_at(path, number)
        ends[state(path)] += 1
    print(json.dumps(ends))


def killed_at(path: Path, number: int) -> bool:
    """Upgrade in a child, which is killed at that statement; False where it came to its end before."""
    child = os.fork()
    if child == 0:
        upgrade(path, number)
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0
    return os.WIFSIGNALED(status)


def upgrade(path: Path, number: int) -> None:
    left = number

    def seen(_statement: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with watched(path, seen) as people:
        # nothing is left in memory: the pages are written as soon as they are changed
        people.connection.connection.driver_connection.execute("PRAGMA cache_size = 1")  # type: ignore[union-attr]
        people.upgrade(changed(tighten))


def state(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT * FROM people").fetchall() == [(1, "Ada", 36, 1), (2, "Bob", 5, None)]
        (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'people'").fetchone()
        (others,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    assert others == len([each for each in SETUP if each.startswith("CREATE")])
    return {PEOPLE: "old", TIGHT: "new"}[sql]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
