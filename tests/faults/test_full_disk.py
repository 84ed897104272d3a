"""A disk that is full before the work is done, whatever there is room for: nothing lost, and with room all goes on."""

import itertools
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

import servers
from fault_counts import FaultCounts
from faults.cases import takes_all
from faults.expectations import Expectations
from faults.places import PostgreSQLPlace, SQLitePlace
from faults.shop import LEGS, START, Shop
from faults.small_disk import BLOCK_BYTES, SmallDisk, small_disk
from faults.survival import Survival
from fork_server import ForkServer

SIZE_BYTES = 4 * 2**20
TABLESPACE_BYTES = 32 * 2**20  # an empty database takes a quarter of it
LEGS_OF_ALL = [leg for legs in LEGS.values() for leg in legs]


@pytest.mark.parametrize("leg", LEGS_OF_ALL)
def test_sqlite_database_that_may_not_grow(
    leg: str, shops: Callable[[str], Expectations], fault_counts: FaultCounts
) -> None:
    """Limited by SQLite itself, a page more each time, until there is enough."""
    expectations = shops("sqlite")
    place = expectations.shop.place
    assert isinstance(place, SQLitePlace)
    place.restore(START[leg])
    with closing(sqlite3.connect(place.path)) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    for more in itertools.count(0, 1 if takes_all() else 7):
        survival = Survival(expectations.shop, expectations, leg, options={"max_pages": pages + more})
        assert survival.problems() == [], f"{more} pages more than at the start"
        assert survival.outcome is not None
        if survival.outcome.code == 0:
            break
        assert "no space left" in survival.outcome.stderr
        fault_counts.add("sqlite", "full")
    assert more > 0 or leg not in ("first", "up")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(tmp_path_factory.mktemp("small") / "disk", SIZE_BYTES) as disk:
        yield disk


@pytest.fixture(scope="module")
def shop_on_disk(disk: SmallDisk, python: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop whose database is there; what is kept for its tests is elsewhere."""
    folder = tmp_path_factory.mktemp("shop")
    database = disk.path / "database"
    database.mkdir()
    shop = Shop(folder, SQLitePlace(f"sqlite:///{database}/shop.db", database, folder), python)
    shop.prepare()
    return shop


@pytest.mark.parametrize("backups_there", [False, True], ids=["database", "database-and-backups"])
@pytest.mark.parametrize("leg", LEGS_OF_ALL)
def test_sqlite_on_a_disk_that_is_full(
    leg: str,
    backups_there: bool,
    disk: SmallDisk,
    shop_on_disk: Shop,
    shops: Callable[[str], Expectations],
    fault_counts: FaultCounts,
) -> None:
    """The file system's own end, a block later each time, until there is enough."""
    shop, expectations = shop_on_disk, shops("sqlite")
    environment = {"OPPMAN_BACKUP_DIRECTORY": str(disk.path / "backups")} if backups_there else {}
    for blocks in itertools.count(0, 2 if takes_all() else 15):
        shop.clear()
        disk.clear()
        disk.empty("backups")
        shop.place.restore(START[leg])
        disk.leave(blocks * BLOCK_BYTES)
        survival = Survival(shop, expectations, leg, environment=environment, mend=disk.clear)
        assert survival.problems_from_here() == [], f"{blocks} blocks free"
        assert survival.outcome is not None
        if survival.outcome.code == 0:
            break
        fault_counts.add("sqlite", "full")
    assert blocks > 0


@pytest.fixture(scope="module")
def tablespace(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallDisk, str]]:
    """A small disk on which the server keeps its tables, and the tablespace's name."""
    with servers.connect_postgresql(postgresql_server) as connection:
        (data,) = connection.execute("SHOW data_directory").fetchone()
        if make_url(postgresql_server).host not in (None, "localhost", "127.0.0.1", "::1") or not Path(data).is_dir():
            pytest.skip("the server has to be on this machine, so that its disk can be made full")
        # its user may not be allowed to look into pytest's folders
        with tempfile.TemporaryDirectory(prefix="oppman-pg-") as folder:
            Path(folder).chmod(0o755)
            with small_disk(Path(folder) / "disk", TABLESPACE_BYTES) as disk:
                home = disk.path / "tables"
                home.mkdir()
                shutil.chown(home, Path(data).stat().st_uid)
                name = servers.fresh_name()
                connection.execute(f"CREATE TABLESPACE {name} LOCATION '{home}'")
                try:
                    yield disk, name
                finally:
                    connection.execute(f"DROP TABLESPACE {name}")


@pytest.fixture(scope="module")
def shop_on_tablespace(
    postgresql_server: str,
    tablespace: tuple[SmallDisk, str],
    python: ForkServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    with servers.postgresql_database(postgresql_server) as url:
        name = make_url(url).database
        with servers.connect_postgresql(postgresql_server) as connection:
            connection.execute(f"ALTER DATABASE {name} SET TABLESPACE {tablespace[1]}")
        place = PostgreSQLPlace(url, folder, folder)
        shop = Shop(folder, place, python)
        shop.prepare()
        yield shop
        place.close()


@pytest.mark.parametrize("leg", LEGS_OF_ALL)
def test_postgresql_on_a_disk_that_is_full(
    leg: str,
    tablespace: tuple[SmallDisk, str],
    shop_on_tablespace: Shop,
    shops: Callable[[str], Expectations],
    fault_counts: FaultCounts,
) -> None:
    shop, disk, expectations = shop_on_tablespace, tablespace[0], shops("postgresql")
    for blocks in itertools.count(0, 8 if takes_all() else 32):
        shop.clear()
        disk.clear()
        shop.place.restore(START[leg])
        shop.place.execute("CHECKPOINT")  # what was dropped takes its room until then
        disk.leave(blocks * BLOCK_BYTES)
        survival = Survival(shop, expectations, leg, mend=disk.clear)
        assert survival.problems_from_here() == [], f"{blocks} blocks free"
        assert survival.outcome is not None
        if survival.outcome.code == 0:
            break
        fault_counts.add("postgresql", "full")
    assert blocks > 0 or leg == "down"
