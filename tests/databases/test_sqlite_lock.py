"""SQLite's write lock as the migration lock: who has it, what ends it, and what waits for its commit."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from held_locks import held
from oppmigrate.databases import Database, Holder, sqlite_holder
from oppmigrate.databases.sqlite_holder import find_holder
from oppmigrate.errors import DatabaseError, DatabaseLocked
from server_checks import assert_dead_holder_blocks_nobody
from sqlite_rows import dump, execute

needs_proc = pytest.mark.skipif(not sqlite_holder.LOCKS.exists(), reason="/proc/locks is Linux's")


def migrate(database: Database, work: Callable[[Connection], None], *, timeout_s: float = 5) -> None:
    """Do the work as a migration does: under the lock, in one transaction."""

    def locked(connection: Connection) -> None:
        database.prepare(connection)
        with database.lock(connection, "key", timeout_s):
            with connection.begin():
                work(connection)
            database.after_commit(connection)

    database.run(locked)


# ---- who has it


@needs_proc
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_waiting_tells_of_the_process(database: Database, plain: Database, path: Path, mode: str) -> None:
    execute(path, f"PRAGMA journal_mode = {mode}", "CREATE TABLE t (x)")
    told: list[Holder] = []

    def wait(connection: Connection) -> None:
        database.prepare(connection)
        with database.lock(connection, "key", 1, told.append):
            connection.begin()

    with held(plain, "INSERT INTO t VALUES (1)") as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(DatabaseLocked, match="more than 1 s") as caught:
            database.run(wait)
    assert {holder.pid for holder in told} == {process.pid}
    assert f"process {process.pid} (python" in told[0].description
    assert told[0].description in str(caught.value.why)
    assert caught.value.facts["pid"] == process.pid


@needs_proc
def test_run_of_ours_is_said_to_have_it_since_it_began(path: Path) -> None:
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE')"
    )
    for name, known in (("oppman.py", True), ("other.py", False)):
        script = path.parent / name
        script.write_text(f"{program}\nprint(flush=True)\nsys.stdin.read()")
        command = [sys.executable, script, path, "postgresql://ada:secret@host/db"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            holder = find_holder(path)
            process.kill()
        assert (holder.pid, holder.since is not None) == (process.pid, known)
        assert name in holder.description
        assert "secret" not in holder.description


def test_nobody_is_named_where_the_system_does_not_tell(
    path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_holder(path).pid is None
    writer.execute("BEGIN IMMEDIATE")
    for lines in ("", "1: POSIX", f"1: POSIX ADVISORY WRITE -1 08:01:{path.stat().st_ino} 0 EOF"):
        monkeypatch.setattr(sqlite_holder, "LOCKS", path.with_name("locks"))
        path.with_name("locks").write_text(lines)
        assert find_holder(path) == Holder("another process")
    path.with_name("locks").unlink()
    assert find_holder(path) == find_holder(None) == Holder("another process")


# ---- what ends it


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_killed_holder_blocks_nobody(plain: Database, path: Path, mode: str) -> None:
    execute(path, f"PRAGMA journal_mode = {mode}", "CREATE TABLE t (x)")
    assert_dead_holder_blocks_nobody(plain, "INSERT INTO t VALUES (1)")
    assert "INSERT" not in "".join(dump(path))
    migrate(plain, lambda connection: connection.exec_driver_sql("INSERT INTO t VALUES (2)").close())
    assert 'INSERT INTO "t" VALUES(2);' in dump(path)


# ---- what waits for its commit


def test_what_sqlite_runs_only_outside_is_run_after_the_commit(database: Database, path: Path) -> None:
    execute(path, "CREATE TABLE t (x)", "PRAGMA user_version = 1")

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("-- tidy\n/* up */ vacuum")
        connection.exec_driver_sql("PRAGMA main.page_size = 8192")
        connection.exec_driver_sql("PRAGMA user_version = 2")  # this one can be rolled back
        connection.exec_driver_sql("SELECT * FROM t")
        assert path.read_bytes()[18] == 1  # the file's journal mode

    migrate(database, work)
    assert path.read_bytes()[18] == 2
    assert 'INSERT INTO "t" VALUES(1);' in dump(path)
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (2,)


def test_what_waits_is_forgotten_with_what_is_rolled_back(database: Database, path: Path) -> None:
    execute(path, "CREATE TABLE t (x)")

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("no sql")

    before = path.read_bytes()
    with pytest.raises(Exception, match="syntax error"):
        migrate(database, work)
    assert path.read_bytes() == before


def test_what_waits_is_run_when_the_owner_of_the_transaction_has_committed(plain: Database, path: Path) -> None:
    execute(path, "CREATE TABLE t (x)")

    def work(connection: Connection) -> None:
        plain.prepare(connection)
        with connection.begin() as transaction, plain.lock(connection, "key", 1):
            connection.exec_driver_sql("INSERT INTO t VALUES (1)")
            connection.exec_driver_sql("VACUUM")
            plain.after_commit(connection)
            assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar() == 1
            transaction.commit()

    plain.run(work)
    assert 'INSERT INTO "t" VALUES(1);' in dump(path)


def test_failure_after_the_commit_says_what_to_run(plain: Database, path: Path) -> None:
    execute(path, "CREATE TABLE t (x)")

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        connection.exec_driver_sql(f"VACUUM INTO '{path}'")

    with pytest.raises(DatabaseError, match="is committed, and after it this failed: VACUUM INTO") as caught:
        migrate(plain, work)
    assert "exists" in str(caught.value.why)
    assert 'INSERT INTO "t" VALUES(1);' in dump(path)


def test_foreign_keys_are_not_switched_on_after_the_commit(plain: Database, path: Path) -> None:
    """In the middle of an upgrade that would let the next rebuild delete children."""
    execute(path, "CREATE TABLE t (x)")

    def work(connection: Connection) -> None:
        plain.prepare(connection)
        with plain.lock(connection, "key", 1):
            with connection.begin():
                connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            plain.after_commit(connection)
            with connection.begin():
                assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 0

    plain.run(work)
