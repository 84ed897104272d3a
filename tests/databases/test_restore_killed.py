"""`restore`, killed at every step: the old database is there, or the new one, whole."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parents[1]


def killed_restores(url: str, folder: Path, every: int = 1) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "killed_restores.py"), url, str(folder), str(every)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_restore_leaves_the_old_database_or_the_new_one(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    told = killed_restores(request.getfixturevalue(f"{kind}_url"), tmp_path)
    assert set(told["ends"]) == {"old", "new"}
    assert told["kills"] > 10
    assert told["left"] == []


def test_killed_restore_on_mariadb_leaves_the_old_database_or_the_new_tables_and_can_be_run_again(
    mysql_url: str, tmp_path: Path
) -> None:
    """At every fourth step: each costs three restores."""
    told = killed_restores(mysql_url, tmp_path, every=4)
    assert set(told["ends"]) <= {"old", "tables", "new"} and {"old", "tables"} <= set(told["ends"])
    assert told["kills"] > 8
    assert told["left"] == []
