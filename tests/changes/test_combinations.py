"""Two to five changes at once, drawn at random, on every server: the schema, the rows and the way back."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, assume, given, note, settings

import servers
from changes.changed import Changed, check
from changes.combining import Combination, as_change, combinations
from changes.taking import VARIABLE

EXAMPLES = 100 if os.environ.get(VARIABLE) == "all" else 2
OPTIONS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)


@pytest.mark.parametrize("server", ["sqlite", "postgresql", "mysql"])
def test_combination(initialised: Path, server: str, request: pytest.FixtureRequest) -> None:
    base = None if server == "sqlite" else request.getfixturevalue(f"{server}_server")

    @OPTIONS
    @given(combinations())
    def checked(combination: Combination) -> None:
        assume(len(combination.told) > 1)
        # changes that undo one another are none
        assume(combination.code() != Combination().code())
        note("; ".join(combination.told))
        note(" ".join(combination.flags))
        with tempfile.TemporaryDirectory() as folder, servers.new_database(server, base) as url:
            shutil.copytree(initialised, Path(folder) / "project")
            check(Changed(Path(folder) / "project", url, server, as_change(combination, "combination")))

    checked()
