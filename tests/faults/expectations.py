"""What an undisturbed run does: every point it passes, and the state of the database at each revision on its way.

Worked out once in a test run and shared by the workers of pytest-xdist, in a folder of files.
"""

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults import system_calls
from faults.shop import AGAIN, COMMANDS, DOWN, START, Shop
from faults.states import State, named

# what changes nothing: a fault there is the same as one at the next statement that does
READING = re.compile(
    r"\s*(/\*.*?\*/\s*)?(EXPLAIN\b|(SELECT|SHOW|PRAGMA|SET|DESCRIBE|SAVEPOINT|RELEASE|ROLLBACK|WITH)\b"
    r"(?!.*(GET_LOCK|pg_try_advisory|INSERT INTO|UPDATE |DELETE FROM)))",
    re.IGNORECASE | re.DOTALL,
)
ENDING = re.compile(r"\s*(/\*.*?\*/\s*)?(COMMIT|CREATE|ALTER|DROP|RENAME|TRUNCATE|VACUUM)\b", re.IGNORECASE | re.DOTALL)
# how to come from the latest revision to where a downgrade passes by
WAYS = {
    "r12a, r12b": [["migrate", "downgrade", "r12a"]],
    "r12a": [["migrate", "downgrade", "r12a"], ["migrate", "downgrade", "r12b@-1"]],
    "r12b": [["migrate", "downgrade", "r12a"], ["migrate", "downgrade", "r12a@-1"]],
}


@dataclass(frozen=True)
class Leg:
    """An undisturbed run.

    Args:
        points: the statements, the first is point 1.
        steps: the revisions in the order in which they are run.
        calls: how many system calls write; 0 where that is not counted.
        states: by the heads as they are named, in the order of the run, the start and the end among them.
    """

    points: list[str]
    calls: int
    steps: list[str]
    states: dict[str, State]

    @property
    def start(self) -> str:
        return next(iter(self.states))

    @property
    def end(self) -> str:
        return next(reversed(self.states))

    @property
    def writing(self) -> list[int]:
        """The points at which something is changed, begun or committed."""
        return [number for number, point in enumerate(self.points, 1) if not READING.match(point)]

    @property
    def ending(self) -> list[int]:
        """Those of them at which something may be committed, and the last."""
        return [
            number for number in self.writing if ENDING.match(self.points[number - 1]) or number == self.writing[-1]
        ]

    @property
    def first_write(self) -> int:
        """The first point at which a step may be running."""
        ddl = re.compile(r"\s*(CREATE|ALTER|DROP|INSERT|UPDATE|DELETE|RENAME)\b", re.I)
        own = re.compile(r"alembic_version|oppman_", re.I)
        writes = (n for n, point in enumerate(self.points, 1) if ddl.match(point) and not own.search(point))
        return next(writes, len(self.points))


class Expectations:
    """Of one shop; worked out when first asked for."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop = shop
        self._folder = folder
        self._legs: dict[str, Leg] = {}
        self._finals: dict[str, State] = {}

    def struck(self, leg: str, kind: str, at: int) -> str:
        """The statement, or what else is there, at the point of a leg."""
        return f"system call {at}" if kind == "syscall" else " ".join(self.leg(leg).points[at - 1].split())[:200]

    def leg(self, name: str) -> Leg:
        if name not in self._legs:
            found = self._shared(f"leg-{name}", lambda: self._record(name))
            found["states"] = {heads: State.from_json(state) for heads, state in found["states"].items()}
            self._legs[name] = Leg(**found)
        return self._legs[name]

    def final(self, leg: str, heads: str) -> State:
        """Where the `upgrade` after a fault ends that begins at these heads of the leg."""
        name = f"{leg}-{heads.replace(', ', '+')}" if leg.startswith(DOWN) else leg
        if name not in self._finals:
            found = self._shared(f"final-{name}", lambda: self._upgraded(leg, heads))
            self._finals[name] = State.from_json(found)
        return self._finals[name]

    def _record(self, name: str) -> dict[str, Any]:
        shop = self.shop
        shop.place.restore(START[name])
        start = shop.place.read()
        steps = json.loads(shop.ok([*COMMANDS[name], "--plan", "--json"]).stdout)["steps"]
        shop.place.restore(START[name])
        seen = shop.ok(COMMANDS[name], states=True).log
        found = {named(start.heads): start.to_json()}
        for fact in seen:
            if "state" in fact:
                found[named(tuple(fact["state"]["heads"]))] = fact["state"]
        end = shop.place.read()
        found[named(end.heads)] = end.to_json()
        shop.clear()
        shop.place.restore(START[name])
        points = shop.ok(COMMANDS[name], points=True).points
        shop.clear()
        calls = 0
        if shop.place.is_file and system_calls.why_not() is None:
            shop.place.restore(START[name])
            calls = shop.ok(COMMANDS[name], calls=True).calls
            shop.clear()
        return {"points": points, "calls": calls, "steps": [step["revision"] for step in steps], "states": found}

    def _upgraded(self, leg: str, heads: str) -> dict[str, Any]:
        shop = self.shop
        shop.place.restore(START[leg])
        if leg.startswith(DOWN) and heads != named(shop.place.read().heads):
            for arguments in WAYS.get(heads, [["migrate", "downgrade", heads]]):
                shop.ok(arguments)
            assert named(shop.place.read().heads) == heads
        shop.ok(AGAIN[leg])
        shop.clear()
        return shop.place.read().to_json()

    def _shared(self, name: str, work: Any) -> Any:
        """What the worker that comes first has worked out."""
        file = self._folder / f"{name}.json"
        with _locked(self._folder / f"{name}.lock"):
            if not file.exists():
                file.write_text(json.dumps(work()), encoding="utf-8")
            return json.loads(file.read_text(encoding="utf-8"))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
