"""Where backups lie and how they are named."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from oppmigrate.backups import Backup, backup_path, find_backup, list_backups, prune
from oppmigrate.errors import AmbiguousBackup, BackupNotFound

NOW = datetime(2026, 11, 23, 14, 1, 2, 987654, tzinfo=UTC)


def make(directory: Path, *names: str) -> None:
    directory.mkdir(exist_ok=True)
    for name in names:
        (directory / name).write_text(name)


def names(backups: tuple[Backup, ...]) -> list[str]:
    return [backup.path.name for backup in backups]


# ---- new names


@pytest.mark.parametrize(
    ("revision", "name"),
    [
        ("3f2a91bc", "test-20261123T140102Z-3f2a91bc.db"),
        (None, "test-20261123T140102Z-base.db"),
        ("", "test-20261123T140102Z-base.db"),
        ((), "test-20261123T140102Z-base.db"),
        (["b2", "a1"], "test-20261123T140102Z-a1+b2.db"),
        ("v3.2.0.a", "test-20261123T140102Z-v3.2.0.a.db"),
        ("odd/one two", "test-20261123T140102Z-odd_one_two.db"),
    ],
)
def test_name_tells_time_and_revision(tmp_path: Path, revision: str | None, name: str) -> None:
    assert backup_path(tmp_path, "test", revision, ".db", NOW) == tmp_path / name


def test_time_is_written_in_utc(tmp_path: Path) -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert backup_path(tmp_path, "test", "a1", ".db", there).name == "test-20261123T140102Z-a1.db"


def test_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    for ending in ("", "-2", "-3"):
        path = backup_path(tmp_path, "test", "a1", ".db", NOW)
        assert path.name == f"test-20261123T140102Z-a1{ending}.db"
        path.touch()


def test_many_heads_stay_within_what_a_file_system_takes(tmp_path: Path) -> None:
    heads = [f"{number:012x}" for number in range(100)]
    path = backup_path(tmp_path, "x" * 300, heads, ".dump", NOW)
    assert len(path.name) < 240
    path.touch()
    (backup,) = list_backups(tmp_path, "x" * 300)
    assert str(backup.revision).endswith("+more")


def test_label_never_leaves_the_directory(tmp_path: Path) -> None:
    assert backup_path(tmp_path, "../../etc/x", "a1", ".db", NOW).parent == tmp_path


# ---- listing


def test_list_is_newest_first_with_what_the_names_tell(tmp_path: Path) -> None:
    make(
        tmp_path,
        "test-20261123T140102Z-a1.db",
        "test-20261123T140102Z-a1-2.db",
        "test-20261123T140102Z-a1-10.db",
        "test-20251123T140102Z-base.db",
        "test-20261124T000000Z-a1+v3.2.0.a.db",
    )
    backups = list_backups(tmp_path, "test")
    assert names(backups) == [
        "test-20261124T000000Z-a1+v3.2.0.a.db",
        "test-20261123T140102Z-a1-10.db",
        "test-20261123T140102Z-a1-2.db",
        "test-20261123T140102Z-a1.db",
        "test-20251123T140102Z-base.db",
    ]
    assert [backup.revision for backup in backups] == ["a1+v3.2.0.a", "a1", "a1", "a1", "base"]
    assert backups[0].created == datetime(2026, 11, 24, tzinfo=UTC)
    assert backups[0].size_bytes == len("test-20261124T000000Z-a1+v3.2.0.a.db")


def test_list_leaves_out_what_is_something_else(tmp_path: Path) -> None:
    make(
        tmp_path,
        "test-20261123T140102Z-a1.db",
        "test-2-20261123T140102Z-a1.db",
        "other-20261123T140102Z-a1.db",
        ".test-20261123T140102Z-a1.db.12ab.part",
        "test-20261123T140102Z-a1.db.part",
        "test-20261399T140102Z-a1.db",
        "test.db",
        "notes.txt",
    )
    assert names(list_backups(tmp_path, "test")) == ["test-20261123T140102Z-a1.db"]
    assert names(list_backups(tmp_path, "test-2")) == ["test-2-20261123T140102Z-a1.db"]


def test_list_of_a_directory_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert list_backups(tmp_path / "none", "test") == ()


def test_what_is_made_is_what_is_listed(tmp_path: Path) -> None:
    for label in ("test", "my shop", "a/b", ".hidden"):
        path = backup_path(tmp_path, label, "a1", ".dump", NOW)
        path.touch()
        assert names(list_backups(tmp_path, label)) == [path.name]


# ---- finding


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "backups"
    make(directory, "test-20261123T140102Z-a1b2.db", "test-20261124T140102Z-a1c3.db", "test-20261125T140102Z-f0+e9.db")
    return directory


def test_nothing_given_is_the_newest(directory: Path) -> None:
    assert find_backup(directory, "test", None).path.name == "test-20261125T140102Z-f0+e9.db"


@pytest.mark.parametrize(
    "text",
    ["test-20261123T140102Z-a1b2.db", "test-20261123", "20261123", "a1b", "20261123T140102Z-a1b2"],
)
def test_name_or_the_beginning_of_it_finds_one(directory: Path, text: str) -> None:
    assert find_backup(directory, "test", text).revision == "a1b2"


def test_each_head_finds_its_backup(directory: Path) -> None:
    assert find_backup(directory, "test", "e9") == find_backup(directory, "test", "f0")


def test_path_is_taken_as_it_is(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "copy of monday.db"
    elsewhere.write_text("12345")
    monkeypatch.chdir(tmp_path)
    for text in (str(elsewhere), "copy of monday.db"):
        found = find_backup(directory, "test", text)
        assert (found.size_bytes, found.revision) == (5, None)
        assert found.created.tzinfo is UTC
    assert find_backup(directory, "test", "backups/test-20261123T140102Z-a1b2.db").revision == "a1b2"


def test_several_fitting_backups_are_listed(directory: Path) -> None:
    with pytest.raises(AmbiguousBackup, match="2 backups fit `a1`") as caught:
        find_backup(directory, "test", "a1")
    candidates = ["test-20261124T140102Z-a1c3.db", "test-20261123T140102Z-a1b2.db"]
    assert caught.value.facts["candidates"] == candidates
    assert all(name in str(caught.value.why) for name in candidates)


@pytest.mark.parametrize("text", ["2027", "zz", "", "none.db", ".."])
def test_unknown_backup_shows_what_there_is(directory: Path, text: str) -> None:
    with pytest.raises(BackupNotFound, match="no backup fits") as caught:
        find_backup(directory, "test", text)
    assert "test-20261123T140102Z-a1b2.db" in str(caught.value.why)


@pytest.mark.parametrize("text", [None, "a1"])
def test_no_backup_yet(tmp_path: Path, text: str | None) -> None:
    with pytest.raises(BackupNotFound):
        find_backup(tmp_path / "backups", "test", text)


# ---- those that are taken by themselves


def automatic(directory: Path, *days: int, label: str = "test") -> list[Path]:
    """Automatic backups of so many days ago."""
    paths = [backup_path(directory, label, "a1", ".db", NOW - timedelta(days=day), automatic=True) for day in days]
    make(directory, *(path.name for path in paths))
    return paths


def test_name_tells_who_took_it(tmp_path: Path) -> None:
    first = backup_path(tmp_path, "test", "a1", ".db", NOW, automatic=True)
    assert first.name == "test-20261123T140102Z-a1-auto.db"
    first.touch()
    assert backup_path(tmp_path, "test", "a1", ".db", NOW, automatic=True).name == "test-20261123T140102Z-a1-auto-2.db"
    make(
        tmp_path, "test-20261123T140102Z-a1-auto-2.db", "test-20261123T140102Z-auto.db", "test-20261123T140102Z-a1-3.db"
    )
    told = {each.path.name: (each.revision, each.is_automatic) for each in list_backups(tmp_path, "test")}
    assert told == {
        "test-20261123T140102Z-a1-auto.db": ("a1", True),
        "test-20261123T140102Z-a1-auto-2.db": ("a1", True),
        "test-20261123T140102Z-auto.db": ("auto", False),  # a revision of that name
        "test-20261123T140102Z-a1-3.db": ("a1", False),
    }


@pytest.mark.parametrize(
    ("keep", "keep_days", "left"),
    [
        (2, 5, [0, 1, 4]),
        (2, 1, [0, 1]),
        (3, 0, [0, 1, 4]),
        (0, 0, [0]),
        (1, 100, [0, 1, 4, 6, 9]),
        (9, 0, [0, 1, 4, 6, 9]),
    ],
)
def test_what_is_surplus_and_old_goes(tmp_path: Path, keep: int, keep_days: float, left: list[int]) -> None:
    paths = dict(zip((0, 1, 4, 6, 9), automatic(tmp_path, 0, 1, 4, 6, 9), strict=True))
    gone = prune(tmp_path, "test", keep=keep, keep_days=keep_days, now=NOW)
    assert [day for day, path in paths.items() if path.exists()] == left
    assert set(gone) == {path for day, path in paths.items() if day not in left}


def test_nothing_else_goes(tmp_path: Path) -> None:
    mine = ["test-20201123T140102Z-a1.db", "test-20201123T140102Z-a1-2.db", "test-20201123T140102Z-a1-auto.txt.bak"]
    make(tmp_path, *mine)
    (other,) = automatic(tmp_path, 900, label="other")
    elsewhere = tmp_path / "elsewhere"
    (precious,) = automatic(elsewhere, 901)
    link = tmp_path / precious.name
    link.symlink_to(precious)
    (tmp_path / "test-20191123T140102Z-a1-auto.db").symlink_to(tmp_path / "nowhere")
    new, old = automatic(tmp_path, 0, 800)
    assert prune(tmp_path, "test", keep=1, keep_days=1, now=NOW) == (old,)
    assert all((tmp_path / name).exists() for name in mine)
    assert other.exists() and precious.exists() and link.is_symlink() and new.exists()


def test_another_process_may_remove_them_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = automatic(tmp_path, 0, 50, 60)
    unlink = Path.unlink

    def removed_before(path: Path, missing_ok: bool = False) -> None:
        unlink(path)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", removed_before)
    assert set(prune(tmp_path, "test", keep=1, keep_days=1, now=NOW)) == set(paths[1:])


def test_nothing_to_remove_in_a_directory_that_is_not_there(tmp_path: Path) -> None:
    assert prune(tmp_path / "none", "test", keep=1, keep_days=1, now=NOW) == ()
