"""Commands, run in turns: what else the machine does then falls on all of them alike, and ratios hold."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

LEAST_RUNS = 7
QUICK_RUNS = 5
SERVER_RUNS = 3  # of stock Alembic on servers, where all of it takes a quarter of an hour already
# what would change the work, or make every start of Python compile everything anew
LEFT_OUT = ("PYTHON", "OPPMAN_", "DATABASE_URL", "ALEMBIC_")
# Linux counts to a process what its parent held when it was started, so the parent is as small as can be
PEAK = """
import os, resource, sys
pid = os.fork()
if not pid:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print("\\n%d" % (usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)))
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Timed:
    """One command to be timed.

    Args:
        runs: how often; the slow ones of others may be run less.
        starts: it is the least that the work could cost, by which the others are divided.
        to_first_line: the time until it has said the first line, and not until it ends.
        before: called before each run, and not timed: makes what the command is to change what it was.
        answers: the exit codes that are no failure.
    """

    name: str
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    runs: int = LEAST_RUNS
    starts: bool = False
    to_first_line: bool = False
    before: Callable[[], None] | None = None
    answers: Sequence[int] = (0,)


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Args:
        sizes: numbers of revision files.
        is_quick: the commonest alone, with one run of stock Alembic.
    """

    sizes: Sequence[int]
    is_quick: bool

    @property
    def runs(self) -> int:
        """How often a short command is run."""
        return QUICK_RUNS if self.is_quick else LEAST_RUNS


@dataclass(frozen=True)
class Table:
    """What one piece of work took: the median of each command, in seconds, or in another unit.

    Args:
        target: at most so many times the least; None where nothing was promised.
        faster: at least so many times faster than the command of this name.
        margin_s: at most so many seconds more than the least.
        at_most: no more than this, whatever the others take.
        not_installed: commands that would stand here, too.
    """

    work: str
    medians: Mapping[str, float]
    least: str
    ours: Sequence[str]
    target: float | None = None
    faster: tuple[str, float] | None = None
    margin_s: float | None = None
    at_most: float | None = None
    unit: Literal["s", "MB"] = "s"
    not_installed: Sequence[str] = ()

    def ratio(self, name: str) -> float:
        """How many times the least it took."""
        return self.medians[name] / self.medians[self.least]

    def over(self, name: str) -> float:
        """How many seconds more than the least it took."""
        return self.medians[name] - self.medians[self.least]

    @property
    def is_met(self) -> bool:
        """Does every command of ours keep to what was promised?"""
        slowest, least = max(self.medians[name] for name in self.ours), self.medians[self.least]
        return not (
            (self.target is not None and slowest > self.target * least)
            or (self.margin_s is not None and slowest > least + self.margin_s)
            or (self.at_most is not None and slowest > self.at_most)
            or (self.faster is not None and slowest * self.faster[1] > self.medians[self.faster[0]])
        )

    @property
    def to_reach(self) -> str:
        """What was promised, in words; empty where nothing was."""
        words = [] if self.target is None else [f"{self.target:g} ×"]
        words += [] if self.margin_s is None else [f"+{self.margin_s:g} s"]
        words += [] if self.at_most is None else [f"{self.at_most:g} {self.unit}"]
        words += [] if self.faster is None else [f"{self.faster[1]:g} × as fast as {self.faster[0]}"]
        return ", ".join(words) + ("" if self.is_met else " (not met)")


def run_in_turns(commands: Sequence[Timed], measure: Callable[[Timed], float] | None = None) -> dict[str, float]:
    """The median of each; every command is run once beforehand, so that files are read and bytecode is there.

    Args:
        measure: what is told of a run; where nothing is given, its seconds.
    """
    measure = measure or seconds
    found: dict[str, list[float]] = {each.name: [] for each in commands}
    for number in range(max(each.runs for each in commands) + 1):
        for each in commands:
            if number <= each.runs:
                if each.before is not None:
                    each.before()
                found[each.name].append(measure(each))
    return {name: statistics.median(values[1:]) for name, values in found.items()}


def clean_environment() -> dict[str, str]:
    """This process's environment without what would change the work."""
    return {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}


def seconds(timed: Timed) -> float:
    """How long one run takes."""
    began = time.perf_counter()
    with subprocess.Popen(
        timed.command,
        cwd=timed.folder,
        env={**clean_environment(), **timed.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        if timed.to_first_line:
            process.stdout.readline()
        first_line = time.perf_counter() - began
        process.stdout.read()
        said = process.stderr.read()
    if process.returncode not in timed.answers:
        sys.exit(f"{' '.join(timed.command)} ended with {process.returncode}\n{said.decode()}")
    return first_line if timed.to_first_line else time.perf_counter() - began


def peak_mb(timed: Timed) -> float:
    """The most memory that one run holds: the peak of its resident set, in MB of 1,000,000 bytes."""
    command = [sys.executable, "-S", "-c", PEAK, *timed.command]
    environment = {**clean_environment(), **timed.environment}
    done = subprocess.run(command, cwd=timed.folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in timed.answers:
        sys.exit(f"{' '.join(timed.command)} ended with {done.returncode}\n{done.stderr}")
    return int(done.stdout.splitlines()[-1]) / 1e6
