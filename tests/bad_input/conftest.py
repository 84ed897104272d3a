"""A project that `init` has set up, copied for each test: on each server, or on SQLite where that does not matter."""

from pathlib import Path

import pytest

from bad_projects import MODELS, Shop
from projects import Project


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("initialised")
    project = Project(folder)
    project.write("models.py", MODELS)
    assert project.run("migrate", "init").returncode == 0
    return folder


@pytest.fixture
def shop(project: Project, initialised: Path, database_url: str) -> Shop:
    """On each kind of server in turn."""
    return Shop(project, initialised, database_url)


@pytest.fixture
def small_shop(project: Project, initialised: Path, sqlite_url: str) -> Shop:
    """On SQLite."""
    return Shop(project, initialised, sqlite_url)
