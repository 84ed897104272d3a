"""The backup before an upgrade: when it is due, what it holds, what a person hears where there is none."""

import errno
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oppmigrate import load_settings
from oppmigrate.backups import backup_path, list_backups
from oppmigrate.config.policy import Policy
from oppmigrate.databases import sqlite_files
from oppmigrate.environment.session import Environment
from oppmigrate.errors import BackupError
from oppmigrate.planner import plan_downgrade, plan_upgrade, read_state
from oppmigrate.precautions import BackupDecision, backup_if_due, decide_backup
from oppmigrate.results import BackupNeed
from projects import Project
from shop_chain import Shop, write_revision

pytestmark = pytest.mark.usefixtures("fresh_imports")
MUST = Policy(backup="always")


class Guarded:
    """A shop with rows, seen from this process."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.environment = Environment(load_settings(shop.project.path, database_url=shop.url))
        self.folder = self.environment.settings.backup_directory

    def plan(self, target: str) -> tuple:
        state = read_state(self.environment)
        plan = plan_downgrade(state, target[1:]) if target.startswith("<") else plan_upgrade(state, target)
        assert plan.steps
        return state, plan

    def decide(self, target: str = "heads", policy: Policy | None = None, wanted: bool | None = None) -> BackupNeed:
        return decide_backup(self.environment, *self.plan(target), policy or Policy(), wanted)

    def take(self, target: str = "heads", policy: Policy | None = None, wanted: bool | None = None) -> BackupDecision:
        return backup_if_due(self.environment, *self.plan(target), policy or Policy(), wanted)

    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir()) if self.folder.is_dir() else []


@pytest.fixture
def on_sqlite(project: Project, sqlite_url: str) -> Guarded:
    shop = Shop(project, sqlite_url)
    shop.begin()
    return Guarded(shop)


@pytest.fixture(params=["postgresql", "mysql"])
def on_server(project: Project, request: pytest.FixtureRequest) -> Guarded:
    shop = Shop(project, request.getfixturevalue(f"{request.param}_url"))
    shop.begin()
    return Guarded(shop)


# ---- when


def test_file_is_saved_before_rows_change_and_not_before_a_column_is_added(on_sqlite: Guarded) -> None:
    assert on_sqlite.decide("r2") == BackupNeed(False, "no row is changed and nothing is dropped")
    assert on_sqlite.decide("r3").is_taken
    assert "revision r3: run SQL: UPDATE users" in on_sqlite.decide("r3").why
    on_sqlite.shop.ok("migrate", "upgrade", "r2")
    need = on_sqlite.decide("<r1")
    assert (need.is_taken, need.why) == (True, "revision r2: drop column users.note; and 1 more")


def test_server_is_saved_before_values_are_lost_only(on_server: Guarded) -> None:
    for target in ("r2", "r3", "r6"):
        assert on_server.decide(target) == BackupNeed(False, "nothing is lost for good")
    assert on_server.decide("r7") == BackupNeed(True, "revision r7: drop column users.email")
    assert on_server.decide("<base").is_taken


def test_what_cannot_be_told_counts_as_a_loss(on_server: Guarded) -> None:
    write_revision(
        on_server.shop.folder, "r9", "r8", "In Python", ["op.get_bind().scalar(sa.text('SELECT 1'))"], ["pass"]
    )
    on_server.shop.ok("migrate", "upgrade", "r8", "--no-backup")
    assert on_server.decide().is_taken


def test_nothing_is_saved_where_there_are_no_rows(project: Project, database_url: str) -> None:
    guarded = Guarded(Shop(project, database_url))
    if "sqlite" in database_url:
        assert guarded.decide() == BackupNeed(False, "there is no database yet")
    guarded.shop.ok("migrate", "upgrade", "r1")
    assert guarded.decide("<base") == BackupNeed(False, "the database holds no rows")
    guarded.shop.execute("INSERT INTO users (id, name) VALUES (1, 'Ada')")
    assert guarded.decide("<base").is_taken


def test_large_database_on_a_server_is_left_out_with_a_note(on_server: Guarded) -> None:
    decision = on_server.take("r7", Policy(backup_limit_mb=0.001))
    assert decision.path is None
    assert decision.note is not None
    assert "over the limit of 0.001 MB (backup_limit_mb)" in decision.note
    assert on_server.files() == []


def test_server_without_its_dump_program_gives_a_note_or_where_one_must_be_taken_an_error(
    on_server: Guarded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("oppmigrate.databases.postgresql_dump._debian_folders", list)
    decision = on_server.take("r7")
    assert decision.path is None
    assert "is not on the PATH" in str(decision.note)
    with pytest.raises(BackupError, match="nothing was changed") as caught:
        on_server.take("r2", MUST)
    assert "--no-backup" in str(caught.value.do)


@pytest.mark.parametrize(
    ("policy", "wanted", "is_taken"),
    [
        (Policy(), None, False),
        (Policy(), True, True),
        (MUST, None, True),
        (MUST, False, False),
        (Policy(backup="never"), None, False),
        (Policy(backup="never"), True, True),
    ],
)
def test_flag_goes_above_policy(on_sqlite: Guarded, policy: Policy, wanted: bool | None, is_taken: bool) -> None:
    assert on_sqlite.decide("r2", policy, wanted).is_taken is is_taken


def test_never_is_never(on_sqlite: Guarded) -> None:
    assert on_sqlite.take("r7", Policy(backup="never")) == BackupDecision()
    assert on_sqlite.take("r7", wanted=False) == BackupDecision()
    assert on_sqlite.files() == []


# ---- what


def test_backup_holds_the_rows_as_they_were(on_sqlite: Guarded) -> None:
    path = on_sqlite.take("r7").path
    assert path is not None
    (listed,) = list_backups(on_sqlite.folder, "test")
    assert (listed.path, listed.revision, listed.is_automatic) == (path, "r1", True)
    on_sqlite.shop.ok("migrate", "upgrade")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT email FROM users ORDER BY id").fetchall() == [("ada@x",), (None,), ("cy@x",)]


def test_backup_is_taken_beside_the_write_lock_that_a_migration_holds(on_sqlite: Guarded) -> None:
    with closing(sqlite3.connect(str(on_sqlite.environment.database().path), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert on_sqlite.take("r7").path is not None


def test_backup_of_a_server_brings_everything_back(on_server: Guarded) -> None:
    path = on_server.take("r7").path
    assert path is not None
    assert path.name.endswith(("-r1-auto.dump", "-r1-auto.sql"))
    on_server.shop.ok("migrate", "upgrade", "--no-backup")
    on_server.shop.ok("restore", path.name, "--yes")
    assert on_server.shop.rows("SELECT email FROM users ORDER BY id") == [("ada@x",), (None,), ("cy@x",)]
    assert on_server.shop.heads() == [("r1",)]


def test_full_disk_refuses_with_the_way_out_and_leaves_nothing(
    on_sqlite: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sqlite_files, "_hold_moment", full)
    with pytest.raises(BackupError, match="there is no backup, and so nothing was changed") as caught:
        on_sqlite.take("r7")
    assert caught.value.why == "No space left on device"
    assert "--no-backup" in str(caught.value.do)
    assert on_sqlite.files() == []


@pytest.fixture
def small_disk(on_sqlite: Guarded) -> Iterator[Path]:
    """The backups' folder on a file system of its own, of one megabyte."""
    on_sqlite.folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", on_sqlite.folder], capture_output=True)
    if done.returncode:
        pytest.skip(f"no small file system can be made here: {done.stderr.decode().strip()}")
    yield on_sqlite.folder
    subprocess.run(["umount", on_sqlite.folder], check=True)


def test_disk_that_fills_up_refuses_with_the_way_out_and_leaves_nothing(on_sqlite: Guarded, small_disk: Path) -> None:
    for _ in range(5):
        on_sqlite.shop.execute(f"INSERT INTO users (name, email) VALUES ('x', '{'y' * 500_000}')")
    with pytest.raises(BackupError, match="there is no backup, and so nothing was changed") as caught:
        on_sqlite.take("r7")
    assert "make room and run it again; to go on without a backup: --no-backup" in str(caught.value.do)
    assert list(small_disk.iterdir()) == []


# ---- for how long


def test_old_automatic_backups_go_and_others_stay(on_sqlite: Guarded) -> None:
    folder = on_sqlite.folder
    folder.mkdir()
    for days in range(1, 6):
        for automatic in (True, False):
            backup_path(
                folder, "test", "r1", ".db", datetime.now(UTC) - timedelta(days=days), automatic=automatic
            ).touch()
    on_sqlite.environment.settings = replace(
        on_sqlite.environment.settings, policy=Policy(backup_keep=2, backup_keep_days=2.5)
    )
    assert on_sqlite.take("r7").note is None
    ages = [(datetime.now(UTC) - each.created).days for each in list_backups(folder, "test") if each.is_automatic]
    assert ages == [0, 1, 2]
    assert sum(not each.is_automatic for each in list_backups(folder, "test")) == 5


def test_backup_that_cannot_be_removed_is_no_reason_to_stop(
    on_sqlite: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("oppmigrate.precautions.prune", refused)
    decision = on_sqlite.take("r7")
    assert decision.path is not None
    assert decision.note == "old backups in backups could not be removed: Permission denied"
