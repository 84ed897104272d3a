"""`restore` when what it replaces is damaged: the backup goes in, and nothing is thrown away."""

from collections.abc import Callable
from pathlib import Path

import pytest

from oppmigrate import MigrationManager, load_settings
from oppmigrate.databases import open_database


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
