"""Waiting for a lock, and trying again: the parts that are the same for every server."""

import pytest

from oppmigrate.databases import Holder, backoff_s, locking
from oppmigrate.databases.locking import Patience, poll
from oppmigrate.errors import DatabaseLocked

ADA, GRACE = Holder("Ada", pid=1), Holder("Grace", pid=2)


class Clock:
    """Time that passes only while one sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(locking, "time", clock)
    return clock


def give_up(holder: Holder) -> DatabaseLocked:
    return DatabaseLocked(holder.description)


def test_who_waits_is_told_at_once_of_a_change_and_now_and_then(clock: Clock) -> None:
    told: list[tuple[float, Holder]] = []
    patience = Patience(60, lambda holder: told.append((clock.now - 100, holder)))
    poll(lambda: clock.now > 112, lambda: ADA if clock.now < 103 else GRACE, give_up, patience)
    assert [holder for _, holder in told] == [ADA, GRACE, GRACE]
    assert told[0][0] == 0
    assert told[1][0] == pytest.approx(3, abs=0.5)
    assert told[2][0] == pytest.approx(8, abs=1)


def test_time_to_wait_is_kept_to(clock: Clock) -> None:
    with pytest.raises(DatabaseLocked, match="Ada"):
        poll(lambda: False, lambda: ADA, give_up, Patience(7.3))
    assert clock.now == pytest.approx(107.3)


def test_no_time_to_wait_is_one_try_and_no_word(clock: Clock) -> None:
    tries: list[int] = []
    with pytest.raises(DatabaseLocked):
        poll(lambda: bool(tries.append(1)), lambda: ADA, give_up, Patience(0, lambda _holder: pytest.fail("told")))
    assert (tries, clock.now) == ([1], 100)


def test_pause_before_the_next_try_doubles_up_to_a_limit_and_is_never_the_same() -> None:
    assert [backoff_s(attempt, lambda: 1.0) for attempt in (1, 2, 3, 7, 10_000)] == [0.5, 1, 2, 30, 30]
    assert backoff_s(5, lambda: 0.25) == 2
    assert len({backoff_s(4) for _ in range(20)}) == 20
