"""A project that `init` was run in, for all of the changes."""

from pathlib import Path

import pytest

from changes.change import HEAD, table
from projects import Project


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No two of them would differ."""
    project = Project(tmp_path_factory.mktemp("initialised"))
    project.write("models.py", HEAD + table())
    done = project.run("migrate", "init")
    assert done.returncode == 0, done.stderr
    return project.path
