"""The walk-through that `make demo` shows: every command in it ends as it should, and leaves what it says."""

import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from warm_python import warm_python

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module, with a Python that starts quickly."""
    monkeypatch.syspath_prepend(str(PROJECT))
    from scripts.migrate import example

    with tempfile.TemporaryDirectory(prefix="example-") as folder, warm_python(Path(folder)) as programs:
        monkeypatch.setattr(sys, "executable", str(programs / "python"))
        yield example


def test_walk_through_leaves_what_it_says(example, tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/mine.db")
    monkeypatch.setenv("OPPMAN_BACKUP_DIRECTORY", str(tmp_path / "mine"))
    copy = tmp_path / "copy"
    code = example.walk_through(keep=copy)
    said = capfd.readouterr().out
    assert code == 0, said
    assert said.endswith("# Done: every command ended as it should.\n")
    with closing(sqlite3.connect(copy / "test.db")) as database:
        columns = {row[1]: row[3] for row in database.execute("PRAGMA table_info(orders)")}
        ((head,),) = database.execute("SELECT version_num FROM alembic_version")
    assert columns["quantity"] == 1  # NOT NULL
    (merge,) = (copy / "alembic" / "versions").glob("*_join_quantities_and_refunds.py")
    assert merge.name.startswith(head)
    assert len(list((copy / "backups").glob("test-*.db"))) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_walk_through_says_what_went_otherwise(example, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(example, "STORY", (example.Step("migrate show nosuch"),))
    assert example.walk_through(keep=tmp_path / "copy") == 1
    said = capfd.readouterr().out
    assert "not as expected: python oppman.py migrate show nosuch ended with exit code 1 instead of 0" in said


def test_guide_begins_with_the_model_of_the_walk_through(example):
    guide = (PROJECT / "scripts" / "migrate" / "README.md").read_text(encoding="utf-8")
    assert f"```python{example.ORDER_MODEL}```" in guide
