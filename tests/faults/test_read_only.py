"""A folder, a file, a file system that may only be read: refused in words, and nothing is touched."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fault_counts import FaultCounts
from faults.expectations import Expectations
from faults.places import SQLitePlace
from faults.shop import COMMANDS, DOWN, START, UP, Shop
from faults.small_disk import SmallDisk, small_disk
from fork_server import ForkServer

FOLDER, FILE = 0o555, 0o444


def digest(folder: Path) -> dict[str, str]:
    """What is in a folder, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def assert_refused(shop: Shop, leg: str, before: dict[str, str]) -> None:
    """The command is refused, says why, and leaves the files as they were."""
    done = shop.run(COMMANDS[leg], obey_modes=True)
    assert done.code == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr
    assert "do: " in done.stderr
    assert digest(shop.place.folder) == before


@pytest.mark.parametrize("leg", [UP, DOWN])
@pytest.mark.parametrize(("folder_mode", "file_mode"), [(FOLDER, FILE), (FOLDER, 0o644), (0o755, FILE)])
def test_what_may_only_be_read_is_left_as_it_is(
    leg: str,
    folder_mode: int,
    file_mode: int,
    shops: Callable[[str], Expectations],
    fault_counts: FaultCounts,
) -> None:
    expectations = shops("sqlite")
    shop, place = expectations.shop, expectations.shop.place
    assert isinstance(place, SQLitePlace)
    place.restore(START[leg])
    before = digest(place.folder)
    place.path.chmod(file_mode)
    place.folder.chmod(folder_mode)
    try:
        assert_refused(shop, leg, before)
    finally:
        place.unlock()
    shop.ok(COMMANDS[leg])
    assert place.read() == expectations.leg(leg).states[expectations.leg(leg).end]
    fault_counts.add("sqlite", "readonly")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 2**20) as disk:
        yield disk


@pytest.mark.parametrize("leg", [UP, DOWN])
def test_file_system_mounted_for_reading_only(
    leg: str, disk: SmallDisk, tmp_path: Path, python: ForkServer, fault_counts: FaultCounts
) -> None:
    database = disk.path / "database"
    database.mkdir()
    place = SQLitePlace(f"sqlite:///{database}/shop.db", database, tmp_path)
    shop = Shop(tmp_path, place, python)
    shop.prepare()
    place.restore(START[leg])
    before = digest(database)
    disk.remount("ro")
    assert_refused(shop, leg, before)
    disk.remount("rw")
    shop.ok(COMMANDS[leg])
    fault_counts.add("sqlite", "readonly")
