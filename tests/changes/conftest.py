"""A project that `init` was run in, for all of the changes."""

from pathlib import Path

import pytest

from changes.changed import initialised_in


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return initialised_in(tmp_path_factory.mktemp("initialised"))
