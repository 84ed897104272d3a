"""One fault, and all that has to hold after it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from faults.expectations import Expectations, Leg
from faults.faulty import Fault
from faults.shop import AGAIN, COMMANDS, START, Outcome, Shop
from faults.states import State, named

# revisions that an autocommit_block splits where the server rolls the rest back
SPLIT = frozenset({"r08", "r09", "r11"})
CODES = {"kill": {-9}, "syscall": {-9}, "terminate": {143}, "interrupt": {130}}
SHOWN = 3


@dataclass
class Survival:
    """The shop, the leg and the fault; `problems()` is empty where all that is promised held.

    Args:
        fault: None for one that lies in the surroundings.
        options: those of `Run`.
        environment: more variables for every run.
        mend: takes away what was wrong with the surroundings, before the run that follows.
        outcome: of the run that met the fault.
    """

    shop: Shop
    expectations: Expectations
    leg_name: str
    fault: Fault | None = None
    options: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    mend: Callable[[], None] | None = None
    outcome: Outcome | None = None

    def __post_init__(self) -> None:
        # worked out now, before the fault: with the same shop, it would change where the database stands
        self.leg: Leg = self.expectations.leg(self.leg_name)

    def problems(self) -> list[str]:
        """Begin where the leg begins, inject the fault, look, let an `upgrade` follow, look again."""
        self.shop.clear()
        self.shop.place.restore(START[self.leg_name])
        return self.problems_from_here()

    def problems_from_here(self) -> list[str]:
        """The same, from where the database stands."""
        place = self.shop.place
        outcome = self.outcome = self.shop.run(COMMANDS[self.leg_name], self.fault, self.environment, **self.options)
        place.unlock()
        if self.mend:
            self.mend()
        if self.fault and outcome.struck is None:
            return [f"it never struck: the run passed it by, and ended with {outcome.code}\n{outcome.stderr}"]
        place.settle()
        state = place.read()
        stands, half = self._whereabouts(state)
        found = [*self._ended(outcome, state), *place.complaints(killed=outcome.code == -9)]
        if stands is None:
            return [*found, f"it stands at {named(state.heads)}, where the run never passes", outcome.stderr]
        if self.shop.place.one_transaction and stands not in (self.leg.start, self.leg.end):
            found.append(f"it stands at {stands}, a part of the way, where all of it or nothing was to be done")
        if half and not self._may_be_half_way(stands):
            found += self._short("it is not what it was at", stands, self.leg.states[stands], state)
        if self.fault and self.fault.when == "twice":
            again = Fault("kill", "after", 1 + self.fault.at * 7 % len(self.leg.points))
            self.shop.run(AGAIN[self.leg_name], again, self.environment)
            place.settle()
            found += [f"after the second kill: {each}" for each in place.complaints(killed=True)]
        found += self.shop.spoilt_backups()
        return found + list(self._recovered(stands, half))

    # ---- after the fault

    def _whereabouts(self, state: State) -> tuple[str | None, bool]:
        """At which recorded revision the database stands, and whether it is on its way to the next."""
        heads, states = named(state.heads), self.leg.states
        return (heads, states[heads] != state) if heads in states else (None, False)

    def _may_be_half_way(self, heads: str) -> bool:
        step = self._next_step(heads)
        return step is not None and (not self.shop.place.rolls_back or self._is_split(step))

    def _is_split(self, step: str) -> bool:
        return not self.shop.place.one_transaction and step in SPLIT

    def _next_step(self, heads: str) -> str | None:
        done = list(self.leg.states).index(heads)
        return self.leg.steps[done] if done < len(self.leg.steps) else None

    def _ended(self, outcome: Outcome, state: State) -> Iterator[str]:
        """How the run has to end, and what it has to say."""
        if "Traceback" in outcome.stderr:
            yield f"a traceback:\n{outcome.stderr}"
        if "Warning: " in outcome.stderr:
            yield f"a library's warning:\n{outcome.stderr}"
        allowed = CODES.get(self.fault.kind if self.fault else "", {0, 1})
        if outcome.code not in allowed:
            yield f"exit {outcome.code}, not {' or '.join(map(str, sorted(allowed)))}:\n{outcome.stderr}"
        is_at_end = state == self.leg.states[self.leg.end]
        if outcome.code == 0 and not is_at_end:
            yield f"exit 0, and the database is not where the command was to bring it:\n{outcome.stderr}"
        if outcome.code in (1, 130, 143):
            yield from self._says_where_it_stands(outcome, state)

    def _says_where_it_stands(self, outcome: Outcome, state: State) -> Iterator[str]:
        begun = self.fault is not None and self.fault.at >= self.leg.first_write
        moved = state != self.leg.states[self.leg.start]
        says = re.search(rf"stands at {re.escape(named(state.heads))}(?![\w])", outcome.stderr)
        if self.fault is not None and self.fault.kind == "readonly":
            # what SQLite would have to take back first cannot be read until it may be written
            says = says or "cannot be written" in outcome.stderr
        if (begun or moved) and not says:
            yield f"the message does not say that the database stands at {named(state.heads)}:\n{outcome.stderr}"
        if self._whereabouts(state)[1] and "half way in the" not in outcome.stderr:
            yield f"the message does not say that the database is half way in a revision:\n{outcome.stderr}"

    # ---- the run that follows

    def _recovered(self, stands: str, half: bool) -> Iterator[str]:
        """An `upgrade` has to end well, and where an undisturbed one ends."""
        place, heads = self.shop.place, list(self.leg.states)
        done = self.shop.run(AGAIN[self.leg_name], environment=self.environment)
        place.settle()
        if done.code != 0 or "Traceback" in done.stderr:
            yield f"the next upgrade: exit {done.code}\n{done.stdout}{done.stderr}"
        if half and "going on with" not in done.stderr and not (self.fault and self.fault.when == "twice"):
            yield f"the next upgrade does not say that it goes on with what was half done:\n{done.stderr}"
        state = place.read()
        candidates = [stands, *(heads[heads.index(stands) + 1 :][:1] if half else [])]
        finals = [self.expectations.final(self.leg_name, each) for each in candidates]
        if state not in finals:
            yield from self._short("after the next upgrade it is not what it is to be from", stands, finals[0], state)
        killed = self.fault is not None and self.fault.kind in ("kill", "syscall")
        yield from (f"after the next upgrade: {each}" for each in place.complaints(killed=killed))

    def _short(self, words: str, heads: str, wanted: State, found: State) -> Iterator[str]:
        lines = list(wanted.differences(found))
        more = f"\n    and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
        yield f"{words} {heads} (wanted <> found):\n    " + "\n    ".join(lines[:SHOWN]) + more
