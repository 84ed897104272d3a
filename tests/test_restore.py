"""`restore`: the backup goes in whole, nothing is thrown away, and no migration runs meanwhile."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from oppmigrate import MigrationManager, load_settings
from oppmigrate.databases import open_database
from projects import Project
from shop_chain import Shop


def make_database(path: Path) -> None:
    def work(connection: object) -> None:
        connection.exec_driver_sql("CREATE TABLE note (id INTEGER PRIMARY KEY, text VARCHAR)")  # type: ignore[attr-defined]
        rows = ", ".join(f"({n}, '{'x' * 200}')" for n in range(500))
        connection.exec_driver_sql(f"INSERT INTO note VALUES {rows}")  # type: ignore[attr-defined]
        connection.commit()  # type: ignore[attr-defined]

    open_database(f"sqlite:///{path}").run(work)


def scramble_everything(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def scramble_a_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 2 : 4096 * 3] = b"\xff" * 4096
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [scramble_everything, scramble_a_page])
def test_damaged_database_is_replaced_and_kept_aside(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = tmp_path / "test.db"
    make_database(path)
    manager = MigrationManager(load_settings(tmp_path))
    saved = manager.backup()
    damage(path)
    damaged = path.read_bytes()

    result = manager.restore()

    assert result.restored == saved.path
    assert result.saved is None
    assert result.note is not None
    (aside,) = tmp_path.glob("test.db.unreadable-*")
    assert aside.read_bytes() == damaged
    count = open_database(f"sqlite:///{path}").run(
        lambda connection: connection.exec_driver_sql("SELECT count(*) FROM note").scalar_one()
    )
    assert count == 500


@pytest.mark.parametrize("is_there", [True, False])
def test_left_wal_is_not_applied_to_what_is_restored(tmp_path: Path, is_there: bool) -> None:
    """Of a database that somebody removed, or put another one in the place of, by hand."""
    path = tmp_path / "test.db"
    make_database(path)
    manager = MigrationManager(load_settings(tmp_path))
    manager.backup()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("DELETE FROM note")
        wal = path.with_name("test.db-wal").read_bytes()
    if is_there:
        scramble_everything(path)
    else:
        path.unlink()
    path.with_name("test.db-wal").write_bytes(wal)
    manager.restore()
    assert not path.with_name("test.db-wal").exists()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM note").fetchone() == (500,)
    (aside,) = tmp_path.glob("test.db-wal.unreadable-*")
    assert aside.read_bytes() == wal


def test_damaged_database_stays_in_its_place_until_another_one_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test.db"
    make_database(path)
    manager = MigrationManager(load_settings(tmp_path))
    manager.backup()
    scramble_everything(path)

    def interrupted(*_: object) -> None:
        assert path.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        manager.restore()
    assert path.read_bytes() == b"no database at all" * 100


@pytest.mark.parametrize("command", [("restore", "--yes"), ("delete", "--yes")])
def test_what_replaces_the_database_waits_for_a_migration(
    project: Project, database_url: str, command: tuple[str, ...]
) -> None:
    shop = Shop(project, database_url)
    shop.begin()
    shop.ok("backup")
    shop.env["OPPMAN_LOCK_TIMEOUT"] = "0.2"
    database = shop.database

    def while_migrating(connection: Connection) -> None:
        database.prepare(connection)
        with database.lock(connection, "", 5), connection.begin():
            connection.exec_driver_sql("SELECT 1").close()
            done = shop.run(*command)
            assert done.returncode == 1
            assert "error:" in done.stderr and "Traceback" not in done.stderr

    database.run(while_migrating)
    assert shop.rows("SELECT count(*) FROM users") == [(3,)]
    shop.ok(*command)
