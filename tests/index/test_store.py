"""What was kept is believed only when it is whole, of this version, and nobody else's."""

import marshal
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from oppmigrate.index import Store, store


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A store with a value in it."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    kept = Store(str(tmp_path), "facts")
    kept.save({"a": (1, b"x", None)})
    return kept


def left_beside(kept):
    """What lies beside the file."""
    path = Path(kept.path)
    return [each.name for each in path.parent.iterdir() if each != path]


def test_value_comes_back(kept, tmp_path):
    assert kept.load() == {"a": (1, b"x", None)}
    assert kept.path == str(tmp_path / "__pycache__" / f"oppman.facts.{sys.implementation.cache_tag}")
    assert stat.S_IMODE(Path(kept.path).stat().st_mode) == 0o600
    assert left_beside(kept) == []


def test_nothing_was_kept(tmp_path):
    assert Store(str(tmp_path), "facts").load() is None


def test_torn_file_is_not_believed(kept):
    whole = Path(kept.path).read_bytes()
    for length in range(len(whole)):
        Path(kept.path).write_bytes(whole[:length])
        assert kept.load() is None, length


def test_changed_byte_is_not_believed(kept):
    whole = Path(kept.path).read_bytes()
    for place in range(len(whole)):
        Path(kept.path).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert kept.load() is None, place


@pytest.mark.parametrize("maker", [(*store.MAKER[:1], "0.0.1", sys.version), (0, *store.MAKER[1:]), None])
def test_another_version_s_is_not_believed(kept, monkeypatch, maker):
    monkeypatch.setattr(store, "MAKER", maker)
    kept.save({"b": 2})
    monkeypatch.undo()
    assert kept.load() is None


def test_value_that_is_no_pair_is_not_believed(kept, monkeypatch):
    monkeypatch.setattr(marshal, "dumps", lambda _pair, dumps=marshal.dumps: dumps(7))
    kept.save({"b": 2})
    monkeypatch.undo()
    assert kept.load() is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_file_that_others_may_write_is_not_believed(kept, mode):
    Path(kept.path).chmod(mode)
    assert kept.load() is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_file_of_somebody_else_is_not_believed_and_replaced(kept):
    os.chown(kept.path, 12345, 12345)
    assert kept.load() is None
    kept.save({"mine": 1})
    assert kept.load() == {"mine": 1}
    assert Path(kept.path).stat().st_uid == os.geteuid()


def test_link_and_pipe_are_not_followed(kept, tmp_path):
    Path(kept.path).rename(tmp_path / "elsewhere")
    Path(kept.path).symlink_to(tmp_path / "elsewhere")
    assert kept.load() is None
    Path(kept.path).unlink()
    os.mkfifo(kept.path)
    assert kept.load() is None


def test_place_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "__pycache__").write_text("a file in the way")
    kept = Store(str(tmp_path), "facts")
    kept.save({"a": 1})
    assert kept.load() is None


def test_full_disk_leaves_what_was_there(kept, monkeypatch):
    def fail(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    kept.save({"b": 2})
    monkeypatch.undo()
    assert kept.load() == {"a": (1, b"x", None)}
    assert left_beside(kept) == []


def test_whoever_wants_no_bytecode_gets_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    Store(str(tmp_path), "facts").save({"a": 1})
    assert list(tmp_path.iterdir()) == []


def test_prefix_of_bytecode_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "prefix"))
    (tmp_path / "project").mkdir()
    kept = Store(str(tmp_path / "project"), "facts")
    kept.save({"a": 1})
    assert list((tmp_path / "project").iterdir()) == []
    assert kept.load() == {"a": 1}
    assert Store(str(tmp_path / "other"), "facts").load() is None


def test_writers_beside_each_other_leave_one_whole_value(kept):
    values = [{"a": number, "b": "x" * 10_000} for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda value: (kept.save(value), kept.load())[1], values):
            assert found in (None, {"a": (1, b"x", None)}, *values)
    assert kept.load() in values or kept.load() == {"a": (1, b"x", None)}
    assert left_beside(kept) == []


def test_writer_that_was_killed_is_in_nobody_s_way_for_long(kept):
    half = Path(f"{kept.path}.new")
    half.write_bytes(b"half")
    kept.save({"b": 2})
    assert kept.load() == {"a": (1, b"x", None)}
    assert half.exists(), "somebody may be writing it"
    os.utime(half, (0, 0))
    kept.save({"b": 2})
    kept.save({"b": 2})
    assert kept.load() == {"b": 2}
    assert left_beside(kept) == []
