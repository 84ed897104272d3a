"""Projects that both lanes answer for."""

import pytest

from quick_projects import QuickProject


@pytest.fixture
def quick(tmp_path, monkeypatch, capsys):
    """A project with a line of three revisions, all recorded."""
    project = QuickProject.make(tmp_path / "project", monkeypatch, capsys)
    project.versions.write_line("a1", "a2", "a3")
    project.record("a3")
    return project
