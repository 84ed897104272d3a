"""`stamp` with a fault at every statement: the old heads are recorded or the new ones, and nothing else is touched."""

from collections.abc import Callable, Iterator

import pytest

from fault_counts import FaultCounts
from faults.cases import takes_all
from faults.expectations import READING, Expectations
from faults.faulty import Fault
from faults.shop import Shop
from faults.states import State, named

STAMP = ["migrate", "stamp", "r12a"]
EVERY = 5  # of the points at which something is changed, in a run that takes a part of them


@pytest.mark.parametrize("place", ["sqlite", "postgresql", "mysql"])
@pytest.mark.parametrize(
    ("kind", "when"), [("kill", "before"), ("kill", "after"), ("error", "after"), ("terminate", "before")]
)
def test_stamp_is_done_or_not(
    kind: str, when: str, place: str, shops: Callable[[str], Expectations], fault_counts: FaultCounts
) -> None:
    shop = shops(place).shop
    shop.place.restore("latest")
    before = shop.place.read()
    points = shop.ok(STAMP, points=True).points
    assert shop.place.read().heads == ("r12a",)
    writing = [number for number, point in enumerate(points, 1) if not READING.match(point)]
    failures = []
    for at in writing if takes_all() else writing[::EVERY]:
        problems = list(problems_of(shop, before, Fault(kind, when, at)))
        failures += [f"{kind} {when} point {at} ({points[at - 1][:80]}): {problem}" for problem in problems]
        if not problems:
            fault_counts.add(place, kind)
    assert not failures, "\n".join(failures)


def problems_of(shop: Shop, before: State, fault: Fault) -> Iterator[str]:
    shop.place.restore("latest")
    done = shop.run(STAMP, fault)
    if done.struck is None:
        yield "it never struck"
    shop.place.settle()
    after = shop.place.read()
    if after.heads not in (before.heads, ("r12a",)):
        yield f"it stands at {named(after.heads)}"
    if (after.schema, after.rows) != (before.schema, before.rows):
        yield "more than the version table was touched"
    if done.code not in {"kill": {-9}, "terminate": {143}}.get(fault.kind, {0, 1}) or "Traceback" in done.stderr:
        yield f"exit {done.code}\n{done.stderr}"
    shop.ok(STAMP)
    if shop.place.read().heads != ("r12a",):
        yield "stamped again, it does not stand there"
