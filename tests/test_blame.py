"""The user's own line behind an exception."""

import importlib.util

import pytest

from oppmigrate.blame import SourceLine, one_line, own_line


def error_of(path):
    """The exception that a file raises when it is imported."""
    spec = importlib.util.spec_from_file_location("blamed", path)
    module = importlib.util.module_from_spec(spec)
    with pytest.raises(Exception) as caught:
        spec.loader.exec_module(module)
    return caught.value


def test_own_line_is_the_last_of_the_project(project):
    """A library that is called in the end is not to blame."""
    path = project.write("models.py", "import json\n\nsettings = json.loads('{')\n")
    error = error_of(path)
    line = own_line(error, project.path)
    assert line == SourceLine(path, 3, "settings = json.loads('{')")
    assert line.shown(project.path) == "models.py:3: settings = json.loads('{')"


def test_syntax_error_is_at_the_line_that_cannot_be_read(project):
    path = project.write("models.py", "x = 1\ny = (\n")
    assert own_line(error_of(path), project.path).shown(project.path) == "models.py:2: y = ("


def test_syntax_error_in_an_import_is_at_the_imported_file(project, monkeypatch):
    monkeypatch.syspath_prepend(project.path)
    broken = project.write("broken_part.py", "def f(:\n")
    path = project.write("models.py", "import broken_part\n")
    assert own_line(error_of(path), project.path).path == broken


def test_error_that_passed_through_no_own_code_has_no_own_line(project, tmp_path):
    elsewhere = tmp_path / "elsewhere.py"
    elsewhere.write_text("1 / 0\n", encoding="utf-8")
    assert own_line(error_of(elsewhere), project.path) is None


@pytest.mark.parametrize("folder", [".venv/lib/python3.11/site-packages/pkg", "env/Lib/site-packages/pkg"])
def test_library_in_a_venv_below_the_project_is_not_its_own(project, folder):
    path = project.write(f"{folder}/module.py", "1 / 0\n")
    assert own_line(error_of(path), project.path) is None


def test_line_elsewhere_is_shown_with_its_whole_path(project, tmp_path):
    assert SourceLine(tmp_path / "x.py", 3, "x").shown(project.path) == f"{tmp_path / 'x.py'}:3: x"


def test_line_without_text_is_shown_by_its_place(project):
    assert SourceLine(project.path / "x.py", 3, "").shown(project.path) == "x.py:3"


class OwnError(Exception):
    """One whose text goes over two lines."""

    def __str__(self):
        return "\n first\nsecond"


def noted():
    error = KeyError("x")
    error.add_note("a note")
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NameError("name 'x' is not defined"), "NameError: name 'x' is not defined"),
        (OwnError(), "OwnError: first"),
        (ValueError(), "ValueError"),
        (noted(), "KeyError: 'x'"),
        (SyntaxError("invalid syntax", ("models.py", 3, 1, "x y", 3, 2)), "SyntaxError: invalid syntax"),
    ],
)
def test_exception_on_one_line(error, text):
    assert one_line(error) == text
