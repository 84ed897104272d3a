"""SQLite: backups of a file that others write to."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from oppmigrate.databases import Database, open_database
from oppmigrate.errors import (
    BackupError,
    BackupUnreadable,
    DatabaseLocked,
    DatabaseMissing,
    DatabaseReadOnly,
    NotADatabase,
)
from sqlite_rows import dump, execute, fill

# ---- backups


@pytest.mark.parametrize("wal", [False, True])
def test_backup_holds_every_row_and_restore_brings_them_back(database: Database, path: Path, wal: bool) -> None:
    fill(path, wal=wal)
    before = dump(path)
    target = path.with_name("backups") / "b.db"
    database.backup(target)
    database.verify_backup(target)
    execute(path, "DELETE FROM parents", "DROP VIEW named", "CREATE TABLE later (x)")
    database.restore(target)
    assert dump(path) == before
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["backups", "test.db"]
    assert [entry.name for entry in target.parent.iterdir()] == ["b.db"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == ("wal" if wal else "delete")


def test_backup_holds_what_is_only_in_the_wal(plain: Database, path: Path, writer: sqlite3.Connection) -> None:
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    writer.execute("CREATE TABLE t (x)")
    writer.execute("BEGIN")
    writer.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(50_000)])
    writer.execute("COMMIT")
    target = path.with_name("b.db")
    plain.backup(target)
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (50_000,)


WRITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
print("ready", flush=True)
number = 0
while True:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO pairs VALUES (?, ?)", [(number, side) for side in ("left", "right")])
    connection.execute("COMMIT")
    number += 1
"""


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_backup_is_whole_while_another_process_writes(plain: Database, path: Path, mode: str) -> None:
    execute(path, f"PRAGMA journal_mode = {mode}", "CREATE TABLE pairs (number INTEGER, side TEXT)")
    execute(
        path,
        "INSERT INTO pairs SELECT value, 'x' FROM (WITH RECURSIVE c(value) AS "
        "(SELECT 1 UNION ALL SELECT value + 1 FROM c LIMIT 300000) SELECT value FROM c)",
        "DELETE FROM pairs",
    )
    with subprocess.Popen([sys.executable, "-c", WRITE, path], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        try:
            for number in range(3):
                target = path.with_name(f"b{number}.db")
                plain.backup(target)
                with closing(sqlite3.connect(target)) as connection:
                    odd = connection.execute("SELECT number FROM pairs GROUP BY number HAVING count(*) <> 2").fetchall()
                assert odd == []
        finally:
            other.kill()


def test_backup_reports_progress(plain: Database, path: Path) -> None:
    execute(path, "CREATE TABLE t (x)", "INSERT INTO t VALUES (zeroblob(20000000))")
    reports: list[tuple[int, int]] = []
    plain.backup(path.with_name("b.db"), progress=lambda done, total: reports.append((done, total)))
    assert len(reports) > 2
    assert reports[-1][0] == reports[-1][1] == path.stat().st_size


def test_backup_never_overwrites(plain: Database, path: Path) -> None:
    fill(path)
    target = path.with_name("b.db")
    target.write_text("precious")
    with pytest.raises(BackupError, match="exists already"):
        plain.backup(target)
    assert target.read_text() == "precious"
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["b.db", "test.db"]


def test_backup_on_a_full_disk_leaves_nothing(plain: Database, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(path)

    def connect(place: Path, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{place}?mode={mode}", uri=True, isolation_level=None)
        if place.suffix == ".part":
            connection.execute("PRAGMA max_page_count = 2")
        return connection

    monkeypatch.setattr("oppmigrate.databases.sqlite_files._connect", connect)
    with pytest.raises(BackupError, match=r"no space left for .*b\.db"):
        plain.backup(path.with_name("b.db"))
    assert [entry.name for entry in path.parent.iterdir()] == ["test.db"]


def test_backup_is_readable_by_its_owner_only(plain: Database, path: Path) -> None:
    fill(path)
    plain.backup(path.with_name("b.db"))
    assert path.with_name("b.db").stat().st_mode & 0o777 == 0o600


def test_backup_of_nothing_makes_no_database(plain: Database, path: Path) -> None:
    with pytest.raises(DatabaseMissing):
        plain.backup(path.with_name("b.db"))
    assert list(path.parent.iterdir()) == []


def test_backup_of_an_empty_file_can_be_restored(plain: Database, path: Path) -> None:
    path.touch()
    target = path.with_name("b.db")
    plain.backup(target)
    fill(path)
    plain.restore(target)
    assert dump(path) == ["BEGIN TRANSACTION;", "COMMIT;"]


def test_backup_of_a_damaged_database_is_not_kept(plain: Database, path: Path) -> None:
    fill(path)
    damage(path)
    with pytest.raises((NotADatabase, BackupUnreadable)):
        plain.backup(path.with_name("b.db"))
    assert [entry.name for entry in path.parent.iterdir()] == ["test.db"]


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 + 100 : 8192] = b"\xff" * (4096 - 100)
    path.write_bytes(data)


def spoil_truncate(data: bytes) -> bytes:
    return data[: len(data) // 2]


SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "truncated": spoil_truncate,
    "one byte short": lambda data: data[:-1],
    "a page short": lambda data: data[:-4096],
    "empty": lambda data: b"",
    "text": lambda data: b"-- a dump of another server\n" * 100,
    "header only": lambda data: data[:100],
    "overwritten": lambda data: data[:4096] + b"\xff" * 4096 + data[8192:],
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_restore_of_a_spoilt_backup_changes_nothing(plain: Database, path: Path, spoil: str) -> None:
    fill(path)
    target = path.with_name("b.db")
    plain.backup(target)
    target.write_bytes(SPOILS[spoil](target.read_bytes()))
    execute(path, "INSERT INTO parents (name) VALUES ('Edsger')")
    before = path.read_bytes()
    with pytest.raises(BackupUnreadable, match=r"b\.db"):
        plain.restore(target)
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["b.db", "test.db"]


def test_restore_of_a_missing_file_is_refused(plain: Database, path: Path) -> None:
    with pytest.raises(BackupUnreadable, match="No such file"):
        plain.restore(path.with_name("none.db"))


def test_restore_makes_the_database_where_there_is_none(plain: Database, path: Path) -> None:
    fill(path)
    before = dump(path)
    plain.backup(path.with_name("b.db"))
    plain.delete()
    plain.restore(path.with_name("b.db"))
    assert dump(path) == before


@pytest.mark.parametrize("content", [b"not a database\n" * 500, b"SQLite format 3\0" + b"\xff" * 8192])
def test_restore_keeps_what_is_no_database_aside(plain: Database, path: Path, content: bytes) -> None:
    fill(path)
    before = dump(path)
    plain.backup(path.with_name("b.db"))
    path.write_bytes(content)
    path.with_name("test.db-wal").write_bytes(b"of the old one")
    plain.restore(path.with_name("b.db"))
    assert dump(path) == before
    kept = {entry.name.split(".unreadable-")[0]: entry for entry in path.parent.glob("*.unreadable-*")}
    assert kept["test.db"].read_bytes() == content
    assert kept["test.db-wal"].read_bytes() == b"of the old one"


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
@pytest.mark.parametrize("deed", ["restore", "delete"])
def test_deed_is_refused_while_somebody_writes(
    plain: Database, path: Path, mode: str, deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oppmigrate.databases.sqlite_files.LOCK_WAIT_S", 0.2)
    fill(path, wal=mode == "WAL")
    target = path.with_name("b.db")
    plain.backup(target)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO parents (name) VALUES ('Edsger')")
        with pytest.raises(DatabaseLocked, match="locked"):
            plain.restore(target) if deed == "restore" else plain.delete()
        other.execute("COMMIT")
    assert "Edsger" in "".join(dump(path))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0].upper() == mode


def test_restore_is_refused_while_an_idle_connection_has_the_wal_open(
    plain: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its later writes would go to the old file, which has no name any more."""
    monkeypatch.setattr("oppmigrate.databases.sqlite_files.LOCK_WAIT_S", 0.2)
    fill(path, wal=True)
    plain.backup(path.with_name("b.db"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("SELECT * FROM parents").fetchall()
        with pytest.raises(DatabaseLocked):
            plain.restore(path.with_name("b.db"))
        other.execute("INSERT INTO parents (name) VALUES ('Edsger')")
    assert "Edsger" in "".join(dump(path))


def test_idle_connection_cannot_lose_a_write_after_restore(plain: Database, path: Path) -> None:
    fill(path)
    plain.backup(path.with_name("b.db"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("SELECT * FROM parents").fetchall()
        plain.restore(path.with_name("b.db"))
        with pytest.raises(sqlite3.OperationalError) as caught:
            other.execute("INSERT INTO parents (name) VALUES ('lost')")
    explained = plain.explain(caught.value)
    assert isinstance(explained, DatabaseReadOnly)
    assert "replaced" in explained.what


def test_restore_keeps_the_rights_of_the_file(plain: Database, path: Path) -> None:
    fill(path)
    plain.backup(path.with_name("b.db"))
    path.chmod(0o640)
    plain.restore(path.with_name("b.db"))
    assert path.stat().st_mode & 0o777 == 0o640


def test_restore_goes_through_a_symbolic_link(path: Path) -> None:
    fill(path)
    before = dump(path)
    link = path.with_name("link.db")
    link.symlink_to(path)
    database = open_database(f"sqlite:///{link}")
    database.backup(path.with_name("b.db"))
    execute(path, "DELETE FROM parents")
    database.restore(path.with_name("b.db"))
    assert link.is_symlink()
    assert dump(path) == before


@pytest.mark.parametrize("wal", [False, True])
def test_delete_leaves_no_file(database: Database, path: Path, wal: bool) -> None:
    fill(path, wal=wal)
    assert database.delete() == (f"file {path}",)
    assert list(path.parent.iterdir()) == []


def test_delete_takes_the_files_of_a_killed_process_along(plain: Database, path: Path) -> None:
    program = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA journal_mode=WAL');"
        "c.execute('CREATE TABLE t (x)'); c.commit(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", program, path], check=False)
    assert path.with_name("test.db-wal").exists()
    removed = plain.delete()
    assert removed == (f"file {path}", f"file {path}-wal", f"file {path}-shm")
    assert list(path.parent.iterdir()) == []


def test_delete_leaves_a_file_that_is_no_database(plain: Database, path: Path) -> None:
    path.write_text("def f(): ...\n" * 100)
    with pytest.raises(NotADatabase, match="not a SQLite database"):
        plain.delete()
    assert path.exists()


def test_size_counts_the_wal(plain: Database, path: Path, writer: sqlite3.Connection) -> None:
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE t (x)")
    assert plain.size_bytes() == path.stat().st_size + path.with_name("test.db-wal").stat().st_size
