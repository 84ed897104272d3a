import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from oppmigrate.errors import RevisionFileBroken
from oppmigrate.revisions import RevisionFile, read_revision_file
from revision_files import Versions


def read(versions: Versions, text: str, name: str = "ab12_x.py") -> RevisionFile:
    return read_revision_file(versions.write_text(name, text))


def refusal(versions: Versions, text: str, name: str = "x.py") -> RevisionFileBroken:
    with pytest.raises(RevisionFileBroken) as caught:
        read(versions, text, name)
    assert name in caught.value.what
    assert caught.value.do
    return caught.value


def test_template_of_alembic_is_read_whole(versions: Versions):
    path = versions.write(
        "ab12",
        ("cd34", "ef56"),
        labels="shop",
        depends_on=("a1", "b2"),
        message="add users",
        created="2024-05-06 07:08:09",
    )
    file = read_revision_file(path)
    assert (file.revision, file.down_revisions) == ("ab12", ("cd34", "ef56"))
    assert (file.branch_labels, file.depends_on) == (("shop",), ("a1", "b2"))
    assert file.message == "add users"
    assert file.docstring.startswith("add users\n\nRevision ID: ab12")
    assert file.created == datetime(2024, 5, 6, 7, 8, 9)
    assert file.path == path


@pytest.mark.parametrize(
    ("line", "parents"),
    [
        ("down_revision = None", ()),
        ("down_revision = 'a1'", ("a1",)),
        ("down_revision: str | None = 'a1'", ("a1",)),
        ("down_revision = ('a1', 'b2')", ("a1", "b2")),
        ("down_revision = ['a1', 'b2']", ("a1", "b2")),
        ("down_revision = {'a1'}", ("a1",)),
        ("down_revision = ()", ()),
        ("down_revision = ('a1'\n    '_and_more')", ("a1_and_more",)),
        ("down_revision = 'old'\ndown_revision = 'a1'", ("a1",)),
        ("Revises = down_revision = 'a1'", ("a1",)),
    ],
)
def test_parents_are_read_in_every_form_that_alembic_takes(versions: Versions, line: str, parents: tuple[str, ...]):
    assert read(versions, f"revision = 'ab12'\n{line}\n").down_revisions == parents


@pytest.mark.parametrize("revision", ["v3.2.0.a", "1", "0001_initial", "ае1027a6acf", "with space"])
def test_any_id_that_alembic_takes_is_taken(versions: Versions, revision: str):
    assert read(versions, f"revision = {revision!r}\ndown_revision = None\n").revision == revision


def test_labels_and_dependencies_may_be_absent(versions: Versions):
    file = read(versions, "revision = 'ab12'\ndown_revision = None\n")
    assert (file.branch_labels, file.depends_on, file.message, file.created) == ((), (), "", None)


def test_message_is_the_first_paragraph(versions: Versions):
    file = read(versions, '"""\nadd users\nand groups\n\nmore\n"""\nrevision = "ab12"\ndown_revision = None\n')
    assert file.message == "add users and groups"  # on one line, as it is shown


def test_file_without_revision_takes_its_id_from_a_legacy_name(versions: Versions):
    assert read(versions, "down_revision = None\n", "1975ea83b712.py").revision == "1975ea83b712"


def test_file_without_revision_is_refused_when_its_name_is_no_id(versions: Versions):
    error = refusal(versions, "down_revision = None\n", "add_users.py")
    assert "no revision id" in error.what
    assert "revision =" in (error.do or "")


def test_empty_file_is_refused(versions: Versions):
    assert "no revision id" in refusal(versions, "", "add_users.py").what


def test_empty_file_with_a_legacy_name_lacks_a_parent(versions: Versions):
    assert "names no parent" in refusal(versions, "", "1975ea83b712.py").what


def test_file_is_not_run(versions: Versions):
    file = read(versions, "revision = 'ab12'\ndown_revision = None\nraise SystemExit(3)\n")
    assert file.revision == "ab12"


# ---- the date


@pytest.mark.parametrize(
    ("written", "created"),
    [
        ("2024-01-01 12:00:00.123456", datetime(2024, 1, 1, 12, 0, 0, 123456)),
        ("2024-01-01 12:00:00", datetime(2024, 1, 1, 12)),
        ("2024-01-01 12:00:00.5+02:00", datetime(2024, 1, 1, 12, 0, 0, 500000, timezone(timedelta(hours=2)))),
        ("2024-01-01T12:00:00Z", datetime(2024, 1, 1, 12, tzinfo=UTC)),
        ("last Tuesday", None),
        ("", None),
    ],
)
def test_date_is_kept_as_written(versions: Versions, written: str, created: datetime | None):
    assert read_revision_file(versions.write("ab12", created=written)).created == created


# ---- files that compute their ids


@pytest.mark.parametrize(
    "text",
    [
        "PREFIX = 'ab'\nrevision = PREFIX + '12'\ndown_revision = None\n",
        "number = 12\nrevision = f'ab{number}'\ndown_revision = None\n",
        "revision, down_revision = 'ab12', None\n",
        "if True:\n    revision = 'ab12'\ndown_revision = None\n",
        "down_revision = None\nfor revision in ['ab11', 'ab12']:\n    pass\n",
        "down_revision = None\nprint(revision := 'ab12')\n",
        "from ids_of_this_test import revision\ndown_revision = None\n",
        "from ids_of_this_test import *\ndown_revision = None\n",
        "revision = 'ab'\nrevision += '12'\ndown_revision = None\n",
    ],
)
def test_computed_id_is_found_by_running_the_file(
    versions: Versions, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    versions.write_text("ids_of_this_test.py", "revision = 'ab12'\n")
    monkeypatch.syspath_prepend(versions.folder)
    assert read(versions, text).revision == "ab12"
    assert capsys.readouterr().out == ""


def test_name_inside_a_function_is_not_the_files_own(versions: Versions):
    text = "revision = 'ab12'\ndown_revision = None\ndef upgrade():\n    revision = f()\n"
    assert read(versions, text).revision == "ab12"


def test_file_that_raises_while_it_computes_names_its_line(versions: Versions):
    error = refusal(versions, "down_revision = None\nrevision = str(1 / 0)\n")
    assert "x.py:2` raises ZeroDivisionError" in error.what
    assert "revision = str(1 / 0)" in (error.why or "")


def test_file_that_exits_while_it_computes_does_not_end_the_command(versions: Versions):
    error = refusal(versions, "import sys\nrevision = str(1)\ndown_revision = None\nsys.exit(4)\n")
    assert "x.py:4` raises SystemExit" in error.what


# ---- files that cannot be read


def test_syntax_error_names_file_line_and_source(versions: Versions):
    error = refusal(versions, "revision = 'ab12'\ndown_revision = None\ndef upgrade(:\n    pass\n")
    assert "x.py:3" in error.what
    assert error.why == "the line reads `def upgrade(:`"
    assert error.facts["line"] == 3
    assert error.facts["source_line"] == "def upgrade(:"


def test_file_that_is_not_utf8_names_the_byte_and_its_line(versions: Versions):
    path = versions.folder / "x.py"
    path.write_bytes(b"revision = 'ab12'\nname = 'caf\xe9'\ndown_revision = None\n")
    with pytest.raises(RevisionFileBroken) as caught:
        read_revision_file(path)
    assert "x.py:2" in caught.value.what
    assert "0xe9" in caught.value.what
    assert "coding: latin-1" in (caught.value.do or "")


def test_file_that_names_its_encoding_is_read_in_it(versions: Versions):
    path = versions.folder / "x.py"
    path.write_bytes(b'# -*- coding: latin-1 -*-\n"""caf\xe9"""\nrevision = "ab12"\ndown_revision = None\n')
    assert read_revision_file(path).message == "café"


def test_byte_order_mark_and_windows_line_ends_are_read(versions: Versions):
    path = versions.folder / "x.py"
    path.write_bytes(b'\xef\xbb\xbf"""add\r\n\r\nmore"""\r\nrevision = "ab12"\r\ndown_revision = None\r\n')
    assert read_revision_file(path).message == "add"


def test_null_bytes_are_refused(versions: Versions):
    assert "null byte" in refusal(versions, "revision = 'ab12'\n\0\n").what


def test_missing_file_is_refused(versions: Versions):
    with pytest.raises(RevisionFileBroken, match="cannot be opened"):
        read_revision_file(versions.folder / "gone.py")


def test_invalid_escape_in_an_old_file_gives_no_warning(versions: Versions):
    assert read(versions, "revision = 'ab12'\ndown_revision = None\npattern = '\\d'\n").revision == "ab12"


@pytest.mark.parametrize("sign", ["@", "-", "+", ":"])
def test_id_with_a_sign_that_alembic_refuses_is_refused(versions: Versions, sign: str):
    error = refusal(versions, f"revision = 'ab{sign}12'\ndown_revision = None\n")
    assert sign in (error.why or "")
    assert "ab_12" in (error.do or "")


@pytest.mark.parametrize(
    "header",
    [
        "revision = 1\ndown_revision = None",
        "revision = ''\ndown_revision = None",
        "revision = None\ndown_revision = None",
        "revision = 'ab12'\ndown_revision = 1",
        "revision = 'ab12'\ndown_revision = ('a1', None)",
        "revision = 'ab12'\ndown_revision = None\ndepends_on = 2.5",
    ],
)
def test_value_of_the_wrong_kind_is_refused(versions: Versions, header: str):
    assert "sets" in refusal(versions, header).what


def test_reading_imports_neither_alembic_nor_sqlalchemy(versions: Versions):
    path = versions.write("ab12")
    code = (
        "import sys, pathlib; from oppmigrate.revisions import load_graph\n"
        f"graph = load_graph([pathlib.Path({str(path.parent)!r})])\n"
        "assert graph.heads == graph.bases == ('ab12',) and graph.applied(['ab12'])\n"
        "sys.exit('alembic' in sys.modules or 'sqlalchemy' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_path_in_a_message_is_relative_to_the_working_directory(versions: Versions, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(versions.folder)
    with pytest.raises(RevisionFileBroken) as caught:
        read_revision_file(versions.write_text("x.py", "("))
    assert "`x.py:1`" in caught.value.what
    assert Path(caught.value.facts["path"]).is_absolute()
