"""Models are imported in this process."""

import pytest


@pytest.fixture(autouse=True)
def _imports(fresh_imports: None) -> None:
    """Each test finds the process as if it had imported none."""
