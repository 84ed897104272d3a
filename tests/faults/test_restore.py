"""`restore` killed, or failing, at every step it takes: the old database is there or the new one, whole."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fault_counts import FaultCounts
from faults import system_calls
from faults.cases import takes_all
from faults.expectations import Expectations
from faults.faulty import Fault
from faults.places import Place, SQLitePlace
from faults.states import State

EVERY = 9  # of the steps, in a run that takes a part of them


class Restore:
    """A shop at its latest revision, with a backup of what it was at the first."""

    def __init__(self, expectations: Expectations, folder: Path) -> None:
        self.shop = expectations.shop
        self.place: Place = self.shop.place
        self.saved = folder / "saved.db"
        self.place.restore("filled")
        self.old_state = self.place.read()
        self.shop.ok(["backup", "--output", str(self.saved)])
        self.place.restore("latest")
        self.new_state = self.place.read()
        self.command = ["restore", str(self.saved), "--yes"]

    def points(self) -> list[str]:
        """The steps of an undisturbed restore: statements, and what is done to files."""
        self.place.restore("latest")
        done = self.shop.ok(self.command, points=True, files=True)
        assert self.place.read() == self.old_state
        self.shop.clear()
        return done.points

    def calls(self) -> int:
        """How many system calls of an undisturbed restore write."""
        self.place.restore("latest")
        done = self.shop.ok(self.command, calls=True)
        self.shop.clear()
        return done.calls

    def problems(self, fault: Fault) -> Iterator[str]:
        self.shop.clear()
        self.place.restore("latest")
        before = self.saved.read_bytes()
        done = self.shop.run(self.command, fault, files=True)
        if done.struck is None:
            yield "it never struck"
        state: State = self.place.read()
        if state not in (self.old_state, self.new_state):
            yield f"neither the old database nor the new one: {list(self.new_state.differences(state))[:3]}"
        yield from (each for each in self.place.complaints(killed=True) if ".part" not in each)
        yield from self._ended(fault, done.code, done.stderr, state)
        if self.saved.read_bytes() != before:
            yield "the backup is not what it was"
        self.shop.ok(self.command)
        if self.place.read() != self.old_state:
            yield "the next restore does not bring the backup back"

    def _ended(self, fault: Fault, code: int, stderr: str, state: State) -> Iterator[str]:
        allowed = {"kill": {-9}, "syscall": {-9}, "terminate": {143}}.get(fault.kind, {0, 1})
        if code not in allowed or "Traceback" in stderr:
            yield f"exit {code}:\n{stderr}"
        if code == 0 and state != self.old_state:
            yield "exit 0, and the backup is not there"
        if fault.kind not in ("kill", "syscall") and list(self.place.folder.glob(".*.part")):
            yield "a copy is left over"


@pytest.fixture(scope="module", params=["sqlite", "sqlite-wal"])
def restore(
    request: pytest.FixtureRequest, shops: Callable[[str], Expectations], tmp_path_factory: pytest.TempPathFactory
) -> Restore:
    expectations = shops(request.param)
    assert isinstance(expectations.shop.place, SQLitePlace)
    return Restore(expectations, tmp_path_factory.mktemp("restore"))


@pytest.mark.parametrize(
    ("kind", "when"),
    [("kill", "before"), ("kill", "after"), ("error", "before"), ("error", "after"), ("terminate", "before")],
)
def test_restore_leaves_the_old_database_or_the_new(
    kind: str, when: str, restore: Restore, fault_counts: FaultCounts
) -> None:
    points = restore.points()
    assert any(point.startswith("os.rename") for point in points)
    assert "os.fsync" in points
    failures = []
    for at in range(1, len(points) + 1, 1 if takes_all() else EVERY):
        problems = list(restore.problems(Fault(kind, when, at)))
        failures += [f"{kind} {when} point {at} ({points[at - 1][:80]}): {problem}" for problem in problems]
        if not problems:
            fault_counts.add("sqlite", "restore")
    assert not failures, "\n".join(failures)


def test_restore_killed_at_a_system_call_leaves_the_old_database_or_the_new(
    restore: Restore, fault_counts: FaultCounts
) -> None:
    if reason := system_calls.why_not():
        pytest.skip(reason)
    failures = []
    for at in range(1, restore.calls() + 1, 1 if takes_all() else EVERY):
        problems = list(restore.problems(Fault("syscall", "before", at)))
        failures += [f"system call {at}: {problem}" for problem in problems]
        if not problems:
            fault_counts.add("sqlite", "restore")
    assert not failures, "\n".join(failures)
