import os
import stat
from pathlib import Path

import pytest

from oppmigrate.errors import FileNotWritten
from oppmigrate.scaffold import InitPlan, PlannedFile, SetupPlan, textfile, write_files, writing


def new(folder: Path, name: str, text: str = "new\n") -> PlannedFile:
    return PlannedFile(path=folder / name, old=None, new=text, project=folder)


def change(path: Path, text: str) -> PlannedFile:
    return PlannedFile(path=path, old=textfile.read(path), new=text, project=path.parent)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_new_files_are_written_with_their_folders(tmp_path):
    (written,) = write_files(InitPlan(project=tmp_path, files=(new(tmp_path, "a/b/env.py"),)))
    assert (written.path, written.backup) == (tmp_path / "a/b/env.py", None)
    assert written.path.read_text(encoding="utf-8") == "new\n"
    assert names(tmp_path) == ["a", "a/b", "a/b/env.py"]


def test_changed_file_leaves_a_copy_and_never_takes_the_place_of_an_older_one(tmp_path):
    path = tmp_path / "alembic.ini"
    path.write_bytes(b"one\r\n\xff")
    for text in ("two", "three", "four"):
        write_files(SetupPlan(project=tmp_path, files=(change(path, text),)))
    assert names(tmp_path) == ["alembic.ini", "alembic.ini.bak", "alembic.ini.bak1", "alembic.ini.bak2"]
    assert (tmp_path / "alembic.ini.bak").read_bytes() == b"one\r\n\xff"
    assert (tmp_path / "alembic.ini.bak2").read_bytes() == b"three"


def test_rights_are_kept_also_on_the_copy(tmp_path):
    path = tmp_path / "alembic.ini"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o600)
    (written,) = write_files(SetupPlan(project=tmp_path, files=(change(path, "new"),)))
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, written.backup)] == [0o600, 0o600]


def test_link_stays_a_link(tmp_path):
    (tmp_path / "real.ini").write_text("old", encoding="utf-8")
    link = tmp_path / "alembic.ini"
    link.symlink_to("real.ini")
    write_files(SetupPlan(project=tmp_path, files=(change(link, "new"),)))
    assert link.is_symlink()
    assert (tmp_path / "real.ini").read_text(encoding="utf-8") == "new"


def test_file_that_appeared_meanwhile_is_not_overwritten(tmp_path):
    plan = InitPlan(project=tmp_path, files=(new(tmp_path, "a.py"), new(tmp_path, "b.py")))
    (tmp_path / "b.py").write_text("mine", encoding="utf-8")
    with pytest.raises(FileNotWritten, match="b.py was changed meanwhile"):
        write_files(plan)
    assert names(tmp_path) == ["b.py"]


def test_file_that_was_changed_meanwhile_is_not_overwritten(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("old", encoding="utf-8")
    plan = SetupPlan(project=tmp_path, files=(change(path, "new"),))
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(FileNotWritten):
        write_files(plan)
    assert names(tmp_path) == ["a.py"]


def test_file_that_takes_the_name_in_the_last_moment_is_not_overwritten(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_check_unchanged", lambda file: None)
    (tmp_path / "a.py").write_text("mine", encoding="utf-8")
    with pytest.raises(FileNotWritten):
        write_files(InitPlan(project=tmp_path, files=(new(tmp_path, "a.py"),)))
    assert (tmp_path / "a.py").read_text(encoding="utf-8") == "mine"


def test_full_disk_changes_nothing(tmp_path, monkeypatch):
    stage = writing._stage

    def fill(file):
        if file.path.name == "b.py":
            raise OSError(28, "No space left on device", str(file.path))
        return stage(file)

    monkeypatch.setattr(writing, "_stage", fill)
    plan = InitPlan(project=tmp_path, files=(new(tmp_path, "x/a.py"), new(tmp_path, "y/b.py")))
    with pytest.raises(FileNotWritten) as raised:
        write_files(plan)
    assert raised.value.why == "No space left on device"
    assert names(tmp_path) == []


def test_file_system_without_hard_links_is_written_to(tmp_path, monkeypatch):
    def refuse(self, target):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write_files(InitPlan(project=tmp_path, files=(new(tmp_path, "a.py"),)))
    assert names(tmp_path) == ["a.py"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_the_right_to_write_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(FileNotWritten, match="cannot be written"):
        write_files(InitPlan(project=tmp_path, files=(new(tmp_path, "a.py"),)))


def test_folder_where_a_file_belongs_is_named(tmp_path):
    (tmp_path / "a").write_text("", encoding="utf-8")
    with pytest.raises(FileNotWritten, match="cannot be written"):
        write_files(InitPlan(project=tmp_path, files=(new(tmp_path, "a/env.py"),)))


def test_diff_shows_no_password_and_no_line_ends(tmp_path):
    path = tmp_path / "alembic.ini"
    path.write_bytes(b"[alembic]\r\nsqlalchemy.url = postgresql://me:hunter2@host/db\r\n")
    file = change(path, path.read_bytes().decode() + "x = 1\r\n")
    assert file.diff.splitlines() == [
        "--- alembic.ini",
        "+++ alembic.ini",
        "@@ -1,2 +1,3 @@",
        " [alembic]",
        " sqlalchemy.url = postgresql://me:***@host/db",
        "+x = 1",
    ]
