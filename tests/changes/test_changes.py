"""Every single change on every server, by the command line: found, applied with rows there, undone, done again."""

import shutil
from pathlib import Path

import pytest

from changes.change import Change
from changes.changed import Changed, check
from changes.groups import EVERY
from changes.taking import VARIABLE, taken


@pytest.mark.parametrize(("change", "server"), taken(), ids=lambda each: each if isinstance(each, str) else each.name)
def test_change(change: Change, server: str, initialised: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{server}_url")
    folder = tmp_path / "project"
    shutil.copytree(initialised, folder)
    check(Changed(folder, url, server, change))


def test_every_change_is_one_and_has_a_name_of_its_own() -> None:
    assert len({change.name for change in EVERY}) == len(EVERY)
    assert [change.name for change in EVERY if change.before == change.after] == []


@pytest.mark.parametrize(("wanted", "number"), [("", 30), ("1/9", 10), ("all", 150), ("CHECK", 6)])
def test_run_takes_a_part_of_the_changes(wanted: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, wanted)
    pairs = sum(len(change.servers) for change in EVERY)
    assert number <= len(taken()) <= pairs
    assert (len(taken()) == pairs) is (wanted == "all")
