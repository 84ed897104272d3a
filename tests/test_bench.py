"""What `make bench` writes, with no time measured: the tables, the picture, and that each kind of work is whole."""

import importlib
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import closing
from pathlib import Path

import pytest

from oppmigrate.fastlane.asking import understand

ROOT = Path(__file__).resolve().parents[1]
ROWS = sorted(path.stem for path in (ROOT / "bench" / "rows").glob("[a-z]*.py"))


@pytest.fixture(autouse=True)
def _bench_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.mark.parametrize("name", ROWS)
def test_kind_of_work_is_whole(name):
    module = importlib.import_module(f"bench.rows.{name}")
    assert module.TITLE and module.NOTE.endswith(".") and callable(module.measure)


def test_what_is_timed_is_what_is_answered_quickly():
    from bench.rows.nothing_to_do import COMMANDS

    assert [command for command in COMMANDS if understand(["migrate", *command.split()]) is None] == []


def test_table_says_what_was_not_reached():
    from bench.measuring import Table
    from bench.page import as_markdown

    def table(seconds, target):
        return Table("`current`", {"least": 0.02, "oppman": seconds, "alembic": 1.0}, "least", ("oppman",), target)

    assert as_markdown([table(0.03, 2.0)]).splitlines() == [
        "| work | least | oppman | alembic | to reach |",
        "| --- | --- | --- | --- | --- |",
        "| `current` | 0.020 | 0.030 (1.50 ×) | 1.000 (50.00 ×) | 2 × |",
    ]
    assert "2 × (not met)" in as_markdown([table(0.05, 2.0)])
    assert as_markdown([table(0.05, None)]).endswith("|  |\n")


@pytest.mark.parametrize("way", ["raw statements", "oppman", "alembic"])
def test_change_that_is_timed_is_made(tmp_path, way):
    """The raw statements leave the table as ours do, so that the same is compared."""
    from bench import changing

    for number, change in enumerate(changing.CHANGES):
        path = tmp_path / f"{number}.db"
        changing.make(path, 10)
        with closing(sqlite3.connect(path)) as connection:
            before = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'people'").fetchone()
        assert changing.WAYS[way](path, change)[way] > 0
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT sql FROM sqlite_master WHERE name = 'people'").fetchone() != before
            assert connection.execute("SELECT count(*) FROM people").fetchone() == (10,)
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_table_with_seconds_to_keep_to_says_how_many_more_they_are():
    from bench.measuring import Table
    from bench.page import as_markdown

    def row(seconds):
        medians = {"import models": 6.0, "oppman": seconds, "alembic": 11.0}
        return as_markdown([Table("`check`", medians, "import models", ("oppman",), margin_s=1.0)]).splitlines()[-1]

    assert row(6.9) == "| `check` | 6.000 | 6.900 (+0.90 s) | 11.000 (+5.00 s) | +1 s |"
    assert row(7.1).endswith("| +1 s (not met) |")


def test_models_with_many_tables_can_be_imported(tmp_path):
    from bench.many_tables import models_source

    (tmp_path / "models.py").write_text(models_source(30))
    count = "import models; print(len(models.SQLModel.metadata.tables))"
    done = subprocess.run([sys.executable, "-c", count], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "30\n"


def test_picture_is_drawn():
    from bench.growth import draw

    drawn = draw({"oppman current": [(1, 0.03), (1000, 0.05)], "alembic current": [(1, 0.7), (1000, 1.2)]})
    lines = ET.fromstring(drawn).findall("{http://www.w3.org/2000/svg}polyline")
    assert [line.get("stroke-dasharray") for line in lines] == [None, "5 4"]
    (first, second) = (line.get("points").split() for line in lines)
    assert len(first) == len(second) == 2
    assert float(first[0].split(",")[1]) > float(second[0].split(",")[1]), "the slower line lies above"
