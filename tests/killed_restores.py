"""Restores that are killed: one for each line of the code that restores, in a process of its own.

    python tests/killed_restores.py URL FOLDER [EVERY]

With EVERY the kill is tried at every so many lines only.
What is there afterwards is compared with what was there before and with what the backup holds; a line of JSON tells how
often it was the one, the other, or the other but for what a further restore brings (`tables`).
"""

import hashlib
import json
import os
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import mysql_rows
import postgresql_rows
import sqlite_rows
from oppmigrate.databases import Database, open_database

# where a kill is tried: at every line of these functions (None: of all) of these modules
PLACES: dict[str, set[str] | None] = {
    "sqlite_files.py": None,
    "postgresql_dump.py": {"restore", "_send"},
    "mysql.py": {"restore", "_swap"},
}
# and at every call of these, which run a statement each
CALLS = {"mysql_swap.py": {"run", "_make_one"}}
PATIENCE_S = 30
POLL_S = 0.02


def main(url: str, folder: Path, every: int = 1) -> None:
    victim = VICTIMS[open_database(url).url.get_backend_name()](open_database(url))
    database = victim.database
    victim.fill()
    old, old_backup = victim.state(), folder / "old.backup"
    database.backup(old_backup)
    victim.change()
    new, new_backup = victim.state(), folder / "new.backup"
    database.backup(new_backup)
    assert old != new
    database.restore(old_backup)
    assert victim.state() == old
    ends: Counter[str] = Counter()
    number = 1 - every
    finished = False
    while not finished:
        number += every
        finished = run_killed(lambda: database.restore(new_backup), number)
        victim.wait()
        state = victim.state()
        end = "old" if state == old else "new" if state == new else "tables" if victim.has_tables_of(new) else "broken"
        ends[end] += 1
        if end == "broken":
            print(f"killed at line {number}: neither the old nor the new database is there", file=sys.stderr)
        if end == "tables":
            database.restore(new_backup)
            assert victim.state() == new, f"killed at line {number}: a further restore does not bring everything"
        if end != "old":
            database.restore(old_backup)
            assert victim.state() == old
    left = [each.name for each in folder.iterdir() if "unreadable" in each.name]
    print(
        json.dumps({"kills": ends.total() - 1, "ends": ends, "finished": finished, "left": left + victim.leftovers()})
    )


def run_killed(work: Callable[[], Any], number: int) -> bool:
    """Do the work in a forked process that is killed at the line of that number; whether it came to its end."""
    pid = os.fork()
    if pid == 0:
        sys.settrace(killer(number))
        work()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def killer(number: int) -> Any:
    left = number

    def step() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def count(_frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            step()
        return count

    def enter(frame: FrameType, _event: str, _argument: Any) -> Any:
        file = Path(frame.f_code.co_filename).name
        if frame.f_code.co_name in CALLS.get(file, ()):
            step()
        functions = PLACES.get(file, set())
        return count if functions is None or frame.f_code.co_name in functions else None

    return enter


class Victim:
    """A database with rows and objects of many kinds."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def wait(self) -> None:
        """Wait until the server has noticed that a client was killed."""

    def has_tables_of(self, _state: Any) -> bool:
        return False

    def leftovers(self) -> list[str]:
        return []


class SQLiteVictim(Victim):
    """A file in WAL mode, with rows that are only in the -wal."""

    @property
    def path(self) -> Path:
        return Path(str(self.database.url.database))

    def fill(self) -> None:
        sqlite_rows.fill(self.path, wal=True)

    def change(self) -> None:
        sqlite_rows.execute(self.path, "INSERT INTO parents (name) VALUES ('Edsger')", "DROP VIEW named")

    def state(self) -> list[str]:
        with closing(sqlite3.connect(self.path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return sqlite_rows.dump(self.path)


class PostgreSQLVictim(Victim):
    """A database with two schemas."""

    def fill(self) -> None:
        postgresql_rows.query(self.database, postgresql_rows.SCHEMA)

    def change(self) -> None:
        postgresql_rows.query(
            self.database, "INSERT INTO parents (name, age) VALUES ('Edsger', 1); REFRESH MATERIALIZED VIEW counted"
        )

    def state(self) -> list[Any]:
        return postgresql_rows.state(self.database)

    def wait(self) -> None:
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        wait_until(lambda: postgresql_rows.query(self.database, others)[0][0] == 0)


class MySQLVictim(Victim):
    """A database with named keys, views, triggers, routines and events."""

    def fill(self) -> None:
        key = "CREATE TABLE pets (id INT PRIMARY KEY, owner INT, CONSTRAINT fk_owner FOREIGN KEY (owner)"
        mysql_rows.query(self.database, *mysql_rows.SCHEMA, key + " REFERENCES parents (id) ON DELETE SET NULL)")

    def change(self) -> None:
        mysql_rows.query(
            self.database, "INSERT INTO parents (name) VALUES ('Edsger')", "INSERT INTO pets VALUES (1, 40)"
        )

    def state(self) -> list[Any]:
        return mysql_rows.state(self.database)

    def rows(self) -> list[Any]:
        return [mysql_rows.query(self.database, f"SELECT * FROM {name}") for name in ("parents", "children", "pets")]

    def has_tables_of(self, state: Any) -> bool:
        return all(rows in state for table in self.rows() for rows in table)

    def wait(self) -> None:
        others = f"SELECT count(*) FROM information_schema.processlist WHERE db = '{self.database.label}'"
        others += " AND id <> CONNECTION_ID()"
        beside = f"SELECT count(*) FROM information_schema.processlist WHERE db = '{self.beside}'"
        wait_until(lambda: mysql_rows.query(self.database, others)[0][0] == 0)
        wait_until(lambda: mysql_rows.query(self.database, beside)[0][0] == 0)

    def leftovers(self) -> list[str]:
        return [row[0] for row in mysql_rows.query(self.database, f"SHOW DATABASES LIKE '{self.beside}'")]

    @property
    def beside(self) -> str:
        return "oppman_scratch_restore_" + hashlib.sha256(self.database.label.encode()).hexdigest()[:12]


VICTIMS: dict[str, type[Any]] = {"sqlite": SQLiteVictim, "postgresql": PostgreSQLVictim, "mysql": MySQLVictim}


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "the server still works for a client that was killed"
        time.sleep(POLL_S)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:]))
