"""Which faults a test run injects: all of them, a fixed part of them, or one.

OPPMAN_TEST_FAULTS is `all` for every point, `1/5` for every fifth, or names faults to be injected again, such as
`mysql:up-r08:kill:before:57`, several with commas between; without it a run takes far fewer, others for each kind.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fault_counts import VARIABLE, taken_part
from faults.expectations import Expectations
from faults.faulty import Fault
from faults.shop import STRETCHES

# of the points at which something is changed, in a run that takes a part of them: by what a run costs on the server
EVERY = {"sqlite": 401, "postgresql": 347, "mysql": 613}
# behind a statement that ends nothing, they leave what is left before the next one
ENDING = {("kill", "after"), ("error", "after"), ("cut", "after")}
CHUNKS = 8  # test cases that share the faults of one kind, in a run that takes all

ON_EVERY_SERVER = (
    ("kill", "before"),
    ("kill", "during"),
    ("kill", "after"),
    ("kill", "twice"),
    ("error", "before"),
    ("error", "after"),
    ("busy", "before"),
    ("terminate", "before"),
    ("interrupt", "after"),
)
BY_SERVERS_END = (("cut", "before"), ("cut", "after"))
KINDS = {
    "sqlite": (*ON_EVERY_SERVER, ("readonly", "before"), ("syscall", "before")),
    "sqlite-wal": (("kill", "before"), ("kill", "during"), ("error", "before"), ("syscall", "before")),
    "sqlite-revision": (("kill", "before"), ("error", "before"), ("terminate", "after")),
    "postgresql": (*ON_EVERY_SERVER, *BY_SERVERS_END, ("cut", "beside")),
    "mysql": (*ON_EVERY_SERVER, *BY_SERVERS_END),
}


@dataclass(frozen=True)
class Case:
    """A part of the faults of one kind on one server: what one test injects."""

    place: str
    direction: str
    kind: str
    when: str
    chunk: int = 0
    chunks: int = 1
    only: tuple[str, int] | None = None

    def __str__(self) -> str:
        part = f"-{self.chunk + 1}of{self.chunks}" if self.chunks > 1 else ""
        return f"{self.place}-{self.direction}-{self.kind}-{self.when}{part}"

    def faults(self, expectations: Expectations) -> Iterator[tuple[str, Fault]]:
        """The faults, each with the leg that it strikes."""
        if self.only:
            leg, at = self.only
            yield leg, Fault(self.kind, self.when, at)
            return
        legs = STRETCHES[self.direction]
        for leg, at in self._taken([(each, point) for each in legs for point in self._points(expectations, each)]):
            yield leg, Fault(self.kind, self.when, at)

    def _points(self, expectations: Expectations, leg: str) -> Sequence[int]:
        found = expectations.leg(leg)
        if self.kind == "syscall":
            return range(1, found.calls + 1)
        if takes_all() and (self.kind, self.when) == ("kill", "before"):
            return range(1, len(found.points) + 1)  # at those that only read, too
        if (self.kind, self.when) in ENDING:
            return found.ending
        return found.writing

    def _taken(self, points: list[tuple[str, int]]) -> list[tuple[str, int]]:
        """Those of this case: all, or a part."""
        kinds = KINDS[self.place]
        number = kinds.index((self.kind, self.when))
        if self.chunks > 1:
            part = taken_part() or 1
            return points[number % part :: part][self.chunk :: self.chunks]
        every = EVERY[self.place.partition("-")[0]]
        offset = number * every // len(kinds) + every // 2 * (self.direction == "downgrade")
        return points[offset % min(every, len(points)) :: every]

    def again(self, leg: str, fault: Fault) -> str:
        """The command that injects this one fault again."""
        name = f"{self.place}:{leg}:{fault.kind}:{fault.when}:{fault.at}"
        return f"{VARIABLE}={name} .venv/bin/pytest tests/faults/test_faults.py"


def takes_all() -> bool:
    """Is this a run that takes every fault?"""
    return taken_part() == 1


def cases() -> list[Case]:
    """The cases of this run.

    Raises:
        ValueError: OPPMAN_TEST_FAULTS is nothing known.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted and not taken_part():
        return [_named(name) for name in wanted.split(",")]
    chunks = CHUNKS if taken_part() else 1
    return [
        Case(place, direction, kind, when, chunk, chunks)
        for place, kinds in KINDS.items()
        for direction in STRETCHES
        for kind, when in kinds
        for chunk in range(chunks)
    ]


def _named(name: str) -> Case:
    place, leg, kind, when, at = (name.split(":") + [""] * 5)[:5]
    directions = [direction for direction, legs in STRETCHES.items() if leg in legs]
    if (kind, when) not in KINDS.get(place, ()) or not directions or not at.isdecimal():
        raise ValueError(
            f"{VARIABLE}={name}: write `all`, `1/N`, or PLACE:LEG:KIND:WHEN:POINT, as a failing test prints it"
        )
    return Case(place, directions[0], kind, when, only=(leg, int(at)))
