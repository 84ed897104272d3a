"""A versions folder for each test."""

from pathlib import Path

import pytest

from revision_files import Versions


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(tmp_path / "versions")
