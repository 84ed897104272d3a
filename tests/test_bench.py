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


def test_table_tells_of_a_tool_that_is_not_installed():
    from bench.measuring import Table
    from bench.page import as_markdown

    medians = {"least": 0.02, "oppman": 0.03}
    with_it = Table("`upgrade`, 1 file", {**medians, "dbmate": 0.01}, "least", ("oppman",))
    without = Table("`upgrade`, 1000 files", medians, "least", ("oppman",), not_installed=["dbmate"])
    other = Table("`current`", medians, "least", ("oppman",))
    rows = as_markdown([without, with_it, other]).splitlines()
    assert rows[0] == "| work | least | oppman | dbmate | to reach |"
    assert rows[2:] == [
        "| `upgrade`, 1000 files | 0.020 | 0.030 (1.50 ×) | not installed |  |",
        "| `upgrade`, 1 file | 0.020 | 0.030 (1.50 ×) | 0.010 (0.50 ×) |  |",
        "| `current` | 0.020 | 0.030 (1.50 ×) | – |  |",
    ]


def test_table_of_memory_is_in_mb_and_keeps_to_its_limit():
    from bench.measuring import Table
    from bench.page import as_markdown

    def row(most):
        medians = {"sqlite3": 10.0, "oppman": most}
        return as_markdown([Table("`upgrade`", medians, "sqlite3", ("oppman",), at_most=60, unit="MB")]).splitlines()[
            -1
        ]

    assert row(20.04) == "| `upgrade` | 10.0 MB | 20.0 MB (2.00 ×) | 60 MB |"
    assert row(61).endswith("| 60 MB (not met) |")


def test_tables_with_another_least_stand_by_themselves():
    from bench.measuring import Table
    from bench.page import as_markdown

    tables = [Table(work, {work: 1.0, "ours": 1.5}, work, ("ours",)) for work in ("one", "two")]
    assert as_markdown(tables) == f"{as_markdown(tables[:1])}\n{as_markdown(tables[1:])}"


@pytest.mark.parametrize(("held_mb", "expected"), [(0, range(5, 60)), (100, range(100, 160))])
def test_peak_is_that_of_the_command(tmp_path, held_mb, expected):
    """What the measuring process itself holds does not count."""
    from bench.measuring import Timed, peak_mb

    own = b"x" * 200_000_000
    command = [sys.executable, "-c", f"held = b'x' * {held_mb}_000_000; print(len(held))"]
    assert int(peak_mb(Timed("holds", command, tmp_path))) in expected
    assert len(own) == 200_000_000


def test_migrations_of_other_tools_are_written_as_they_read_them():
    """Those that are installed run them; the files of the others can at least be read."""
    from bench.measuring import seconds
    from bench.others import DBMATE, DJANGO, TABLES, not_installed, others

    with others(3, TABLES, applied=False) as commands:
        timed = commands()
        assert {each.name for each in timed} == {DJANGO, DBMATE} - set(not_installed())
        for each in timed:
            seconds(each)
            with closing(sqlite3.connect(each.folder / "test.db")) as connection:
                found = connection.execute(
                    "SELECT name, sql FROM sqlite_master WHERE tbl_name LIKE 'table\\__' ESCAPE '\\'"
                )
                names = [name for name, sql in found if sql]
            assert len(names) == 6, f"three tables with an index each: {names}"


@pytest.mark.parametrize("words", ["COLUMNS", "TABLES"])
def test_migrations_of_other_tools_that_are_applied_leave_nothing_to_do(words):
    from bench import others
    from bench.measuring import seconds

    with others.others(3, getattr(others, words), applied=True) as commands:
        for each in commands():
            seconds(each)
            with closing(sqlite3.connect(each.folder / "test.db")) as connection:
                assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'table_1'").fetchone() == (
                    0,
                )


def test_ways_of_a_backup_copy_the_same_while_the_file_is_written_to(tmp_path):
    from bench.measuring import seconds
    from bench.projects import pair
    from bench.rows import backup_while_written as row

    with pair(1) as projects:
        row._fill(projects.ours / "test.db", 1, "WAL")
        with row._writing(projects.ours):
            for each in row._commands(projects.ours, 1):
                each.before()
                seconds(each)
                with closing(sqlite3.connect(projects.ours / "copy.db")) as connection:
                    rows = connection.execute("SELECT count(*) FROM people WHERE name LIKE 'name %'").fetchone()
                    assert rows == (row.MB // row.ROW_BYTES,), each.name


def test_what_an_upgrade_sends_is_sent_again_by_the_driver():
    from bench.measuring import Extent, seconds
    from bench.projects import unapplied_pair
    from bench.rows import upgrade_from_empty as row

    with unapplied_pair(2, None, row.WITH_TABLES) as projects:
        timed = {each.name: each for each in row._commands("sqlite", projects, None, Extent((2,), is_quick=True))}
        found = []
        for name in (row.OURS, row.SENT):
            timed[name].before()
            seconds(timed[name])
            with closing(sqlite3.connect(projects.ours / "test.db")) as connection:
                objects = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
                entries = connection.execute("SELECT revision, body FROM oppman_journal ORDER BY id").fetchall()
                found.append((objects, entries, connection.execute("SELECT * FROM alembic_version").fetchall()))
    assert found[0] == found[1]
    assert len(found[0][1]) == 2


@pytest.mark.parametrize("words", ["COLUMNS", "TABLES"])
def test_migrations_of_django_are_python(tmp_path, words):
    from bench import others

    others._write_django(tmp_path, 3, getattr(others, words))
    sources = [path.read_text() for path in tmp_path.rglob("*.py")]
    assert len([compile(source, "file", "exec") for source in sources]) == 8
    assert sum("migrations.Migration" in source for source in sources) == 3


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
