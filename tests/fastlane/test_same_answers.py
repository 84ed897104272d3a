"""Random histories and states of a database: whatever the fast lane says, the full command says, letter for letter."""

import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from journal_entries import replace_bodies, write_down
from quick_projects import QUICK, QuickProject
from random_histories import Node, histories, make, recorded_revisions

LINE = (Node("ab12", (), name="a.py"), Node("cd34", ("ab12",), name="b.py"), Node("0001", ("cd34",), name="c.py"))
FORK = (*LINE, Node("v3", ("ab12",), labels=("shop",), name="d.py"))
DEPENDENT = (
    Node("ab12", (), labels=("shop",), name="0.py"),
    Node("ab123", (), depends_on=("ab12",), name="1.py"),
    Node("ab2345", (), depends_on=("ab12",), name="2.py"),
)
# what becomes of the files, and of the journal, after the database has come to stand where it stands
FILES = ("as they were", "broken", "twice", "empty", "computed", "none")
JOURNALS = ("none", "whole", "edited", "reformatted", "half done", "undone since", "of another", "older", "no journal")
TABLES = ("there", "empty", "none")


@st.composite
def cases(draw):
    nodes = draw(histories())
    recorded = draw(recorded_revisions(nodes))
    if draw(st.booleans()):
        recorded = tips_of(nodes)
    files = draw(st.sampled_from(FILES)) if not draw(st.integers(0, 3)) else FILES[0]
    return nodes, recorded, files, draw(st.sampled_from(JOURNALS)), draw(st.sampled_from((*TABLES[:1] * 4, *TABLES)))


def tips_of(nodes):
    by_name = {name: node.revision for node in nodes for name in (node.revision, *node.labels)}
    needed = {by_name[name] for node in nodes for name in (*node.parents, *node.depends_on)}
    return tuple(node.revision for node in nodes if node.revision not in needed)


@pytest.fixture
def answered():
    """How many questions the fast lane answered; a test in which it answers none compares nothing."""
    counts = Counter()
    yield counts
    assert counts["quickly"] * 6 > counts["all"], counts


@example(case=(LINE, ("0001",), "as they were", "whole", "there"))
@example(case=(FORK, ("0001", "v3"), "as they were", "whole", "there"))
@example(case=(FORK, ("ab12",), "as they were", "none", "there"))
@example(case=(LINE, ("0001",), "as they were", "edited", "there"))
@example(case=(LINE, ("0001",), "as they were", "half done", "there"))
@example(case=(DEPENDENT, ("ab12", "ab123"), "as they were", "none", "there"))
@example(case=(LINE, (), "as they were", "none", "none"))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_both_lanes_say_the_same(case, answered, monkeypatch, capsys):
    nodes, recorded, files, journal, tables = case
    with tempfile.TemporaryDirectory() as folder:
        project = QuickProject.make(Path(folder) / "project", monkeypatch, capsys)
        make(nodes, project.path / "alembic")
        project.record(*(recorded if tables == "there" else ()))
        write_journal(project, journal)
        if tables == "none":
            execute(project, "DROP TABLE alembic_version")
        change_files(project, files)
        answered["quickly"] += project.same(*QUICK)
        answered["all"] += len(QUICK)


def write_journal(project, kind):
    if kind == "none":
        return
    paths = sorted(project.versions.folder.glob("*.py"))
    if kind == "no journal":
        execute(project, "CREATE TABLE oppman_journal (revision TEXT, direction TEXT)")
        return
    write_down(project.url, *paths)
    if kind == "half done":
        write_down(project.url, paths[0], outcome="failed")
        execute(project, "UPDATE oppman_journal SET progress = '{\"done\": []}' WHERE outcome = 'failed'")
    elif kind == "undone since":
        write_down(project.url, paths[0], direction="downgrade")
        write_down(project.url, paths[0], direction="downgrade", outcome="failed")
    elif kind == "of another":
        execute(project, "UPDATE oppman_journal SET version_table = 'another', outcome = 'failed', progress = '[]'")
    elif kind == "older":
        execute(project, "ALTER TABLE oppman_journal DROP COLUMN body_digest")
    elif kind in ("edited", "reformatted"):
        statement = "x = 1" if kind == "edited" else "# a comment"
        source = paths[-1].read_text()
        paths[-1].write_text(f"{source}\n{statement}\n")
        if kind == "edited":
            replace_bodies(project.url, source.encode())


def execute(project, statement):
    with closing(sqlite3.connect(project.path / "test.db")) as connection, connection:
        connection.execute(statement)


def change_files(project, kind):
    paths = sorted(project.versions.folder.glob("*.py"))
    text = paths[0].read_text()
    if kind == "broken":
        paths[0].write_text(text + "\n(\n")
    elif kind == "twice":
        project.versions.write_text("zz.py", text)
    elif kind == "empty":
        project.versions.write_text("zz.py", "")
    elif kind == "computed":
        project.versions.write_text("zz.py", text.replace("revision: str = ", "revision: str = 'z' + ", 1))
    elif kind == "none":
        for path in paths:
            path.unlink()
