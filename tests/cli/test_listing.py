"""Revisions in lines."""

import datetime
from pathlib import Path

from oppmigrate.cli.listing import print_revisions, warn_of_edits
from oppmigrate.cli.terminal import Terminal
from oppmigrate.config import Settings
from oppmigrate.lines import STATUS_STYLES
from oppmigrate.results import EditedRevision, RevisionInfo, Status

CREATED = datetime.datetime(2026, 1, 31, 12, 30)


def info(revision, message, status="applied", *, head=False, parents=(), labels=(), needs=(), created=CREATED, doc=""):
    return RevisionInfo(revision, message, created, status, head, parents, labels, needs, Path(f"/{revision}.py"), doc)


def printed(capsys, *infos, verbose=False):
    print_revisions(Terminal(), infos, verbose=verbose)
    return capsys.readouterr().out.splitlines()


def test_columns_stand_under_each_other(capsys):
    assert printed(
        capsys,
        info("a1b2c3", "Add users", "current", head=True, labels=("main",), parents=("b1", "b2")),
        info("b1", "First", created=None),
    ) == [
        "a1b2c3  current  2026-01-31 12:30  Add users  (head) (merge) [main]",
        "b1      applied                    First",
    ]


def test_long_message_does_not_push_the_others_marks_away(capsys):
    lines = printed(capsys, info("a", "x" * 200, head=True), info("b", "short", head=True))
    assert lines[0].endswith("x" * 200 + "  (head)")
    assert len(lines[1]) < 110


def test_no_revisions_print_nothing(capsys):
    assert printed(capsys) == []


def test_details(capsys):
    doc = "Add users\n\nRevision ID: a1\nRevises: b1\nCreate Date: 2026-01-31\n\n  because they were missing\n"
    assert printed(capsys, info("a1", "Add users", parents=("b1",), needs=("c1",), doc=doc), verbose=True)[1:] == [
        "    parent   b1",
        "    depends  c1",
        "    file     /a1.py",
        "    because they were missing",
    ]


def test_first_revision_s_parent_is_base(capsys):
    assert "    parent   base" in printed(capsys, info("a1", "First"), verbose=True)


def test_every_status_has_a_style():
    assert set(STATUS_STYLES) == set(Status.__args__)


def test_edited_files_are_a_note_each(capsys):
    applied = datetime.datetime(2026, 1, 31, 12, 30, tzinfo=datetime.UTC)
    edited = EditedRevision("a1", "first", Path("/project/alembic/versions/a1.py"), applied, "ada@tower")
    warn_of_edits(Terminal(), (edited, edited), Settings(project=Path("/project")))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("note: alembic/versions/a1.py was edited after it was applied (2026-01-31 12:30 UTC by ada@") == 2
