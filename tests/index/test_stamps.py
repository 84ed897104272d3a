"""When a file's stamp tells that it was not changed, and when its contents have to be looked at."""

import os
import time

import pytest

from oppmigrate.index import Oddity, digest_of_file, is_settled, list_folder, look_again, stamp_of, watch

SECOND_NS = 1_000_000_000
LATER_NS = 10 * SECOND_NS


def later():
    return time.time_ns() + LATER_NS


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("one")
    return path


# ---- one file


@pytest.mark.parametrize(
    ("age_s", "settled"), [(10, True), (3, True), (1, False), (0, False), (-1, False), (-3600, False)]
)
def test_only_the_stamp_of_a_file_older_than_a_clock_s_tick_is_relied_on(age_s, settled):
    now = time.time_ns()
    then = now - age_s * SECOND_NS
    assert is_settled((3, then, then, 1), now) is settled
    assert is_settled((3, then, 0, 1), now) is settled
    assert is_settled((3, 0, then, 1), now) is settled


def test_same_size_and_same_mtime_are_not_the_same_file(file):
    """A tool that puts the time back (`touch -r`, `cp -p`, `rsync -t`) cannot put the ctime back."""
    before = watch(str(file), later())
    os.utime(file, ns=(0, 0))
    told = stamp_of(str(file))
    time.sleep(0.01)
    file.write_text("two")
    os.utime(file, ns=(0, 0))
    assert stamp_of(str(file)) != told
    assert look_again(before, later()) is None


def test_edit_within_one_tick_is_seen(file):
    """The same size, and, as on a coarse clock, the same times: the contents are compared."""
    young = watch(str(file), time.time_ns())
    assert young[2] is False
    file.write_text("two")
    again = (young[0], stamp_of(str(file)), *young[2:])
    assert look_again(again, later()) is None


def test_file_from_the_future_is_compared(file):
    """A clock was set back: what was written before it lies in the future."""
    ahead = time.time_ns() + 3600 * SECOND_NS
    os.utime(file, ns=(ahead, ahead))
    seen = watch(str(file), time.time_ns())
    assert seen[2] is False
    assert look_again(seen, time.time_ns()) == seen
    file.write_text("two")
    os.utime(file, ns=(ahead, ahead))
    assert look_again((seen[0], stamp_of(str(file)), *seen[2:]), time.time_ns()) is None


def test_touched_file_is_the_same_and_relied_on_from_then_on(file):
    seen = watch(str(file), later())
    os.utime(file, ns=(5, 5))
    again = look_again(seen, later())
    assert again is not None and again != seen
    assert look_again(again, 0) is again, "its contents were looked at once more"


def test_file_that_goes_and_file_that_comes(file, tmp_path):
    there, absent = watch(str(file), later()), watch(str(tmp_path / "b.py"), later())
    folder = watch(str(tmp_path), later())
    assert look_again(absent, later()) == absent
    assert look_again(folder, later()) == folder
    file.rename(tmp_path / "b.py")
    assert look_again(there, later()) is None
    assert look_again(absent, later()) is None
    file.mkdir()
    assert look_again(there, later()) is None
    gone = (str(tmp_path / "nowhere"), *folder[1:])
    assert look_again(gone, later()) is None


def test_pipe_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    pipe = watch(str(tmp_path / "pipe"), later())
    assert look_again(pipe, later()) == pipe
    (tmp_path / "pipe").unlink()
    assert look_again(pipe, later()) is None


def test_empty_file_is_not_a_missing_one(tmp_path):
    (tmp_path / "empty").write_text("")
    empty, absent = watch(str(tmp_path / "empty"), later()), watch(str(tmp_path / "absent"), later())
    (tmp_path / "empty").rename(tmp_path / "absent")
    assert look_again(empty, later()) is None
    assert look_again(absent, later()) is None


# ---- a folder


def test_folder_lists_what_ends_in_py(tmp_path):
    for name in ("b.py", "a.py", "c.txt", "py", ".#a.py", "__init__.py"):
        (tmp_path / name).write_text(name)
    (tmp_path / "d.py").mkdir()
    listing = list_folder(str(tmp_path))
    assert [each[0] for each in listing] == [".#a.py", "__init__.py", "a.py", "b.py"]
    assert all(each[1:] == stamp_of(str(tmp_path / each[0])) for each in listing)


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("a.py"), lambda path: os.mkfifo(path)])
def test_what_is_no_plain_file_is_odd(file, tmp_path, make):
    make(tmp_path / "b.py")
    with pytest.raises(Oddity):
        list_folder(str(tmp_path))


def test_name_with_a_line_end_is_odd(tmp_path):
    """Alembic's pattern takes `a.py` with a line end for a revision."""
    (tmp_path / "a.py\n").write_text("")
    with pytest.raises(Oddity):
        list_folder(str(tmp_path))


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(OSError):
        list_folder(str(tmp_path / "nowhere"))


def test_digest_is_of_the_contents(file):
    before = digest_of_file(str(file))
    file.write_text("two")
    assert digest_of_file(str(file)) != before
