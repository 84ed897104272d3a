"""The shop of `chain/`, with a database, and its commands run with a fault in them."""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from faults.faulty import Fault, Run
from faults.places import Place
from faults.states import named, read_sqlite
from fork_server import ForkServer
from projects import clean_environment

HERE = Path(__file__).resolve().parent
CHAIN = HERE / "chain"
TIMEOUT_S = 60
ROWS = (HERE / "rows.sql").read_text(encoding="utf-8")

# where each leg begins, and what is run there
FIRST, UP, DOWN = "first", "up", "down"
STOPS = ("r05", "r08", "r11")  # between the first revision and the latest
START = {FIRST: "empty", UP: "filled", DOWN: "latest"}
COMMANDS = {
    FIRST: ["migrate", "upgrade", "r01"],
    UP: ["migrate", "upgrade"],
    DOWN: ["migrate", "downgrade", "base"],
}
AGAIN = {FIRST: COMMANDS[FIRST], UP: COMMANDS[UP], DOWN: COMMANDS[UP]}  # what is run after a fault
LEGS = {"upgrade": (FIRST, UP), "downgrade": (DOWN,)}
# the same from stop to stop: a fault late in the chain need not wait for all that comes before
for _start, _end in pairwise(("filled", *STOPS, "r15")):
    START[f"up-{_end}"], COMMANDS[f"up-{_end}"] = _start, ["migrate", "upgrade", _end]
    AGAIN[f"up-{_end}"] = COMMANDS[f"up-{_end}"]
for _start, _end in pairwise(("latest", *reversed(STOPS), "base")):
    START[f"down-{_end}"], COMMANDS[f"down-{_end}"] = _start, ["migrate", "downgrade", _end]
    AGAIN[f"down-{_end}"] = ["migrate", "upgrade", _start.replace("latest", "r15")]
STRETCHES = {
    "upgrade": (FIRST, *(name for name in START if name.startswith("up-"))),
    "downgrade": tuple(name for name in START if name.startswith("down-")),
}


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and what it wrote into its log."""

    code: int
    stdout: str
    stderr: str
    log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def struck(self) -> str | None:
        """The statement at which the fault struck."""
        return next((str(fact["struck"]) for fact in self.log if "struck" in fact), None)

    @property
    def calls(self) -> int:
        """How many system calls wrote."""
        return next(int(fact["calls"]) for fact in self.log if "calls" in fact)

    @property
    def points(self) -> list[str]:
        return [str(fact["point"]) for fact in self.log if "point" in fact]


class Shop:
    """The project in a folder of its own. One `ForkServer` runs its commands."""

    def __init__(self, folder: Path, place: Place, python: ForkServer) -> None:
        self.project = folder / "project"
        self.place = place
        self._python = python
        self._log = folder / "log"
        shutil.copytree(CHAIN, self.project, ignore=shutil.ignore_patterns("__pycache__"))

    def run(
        self,
        arguments: list[str],
        fault: Fault | None = None,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Outcome:
        """Run a command with the fault in it.

        Args:
            options: those of `Run`.
        """
        self._log.unlink(missing_ok=True)
        run = Run(arguments, str(self._log), fault, **options)
        env = {**clean_environment(), **self.place.environment, **(environment or {})}
        done = self._python.run([run.to_json()], input="", cwd=self.project, env=env, timeout_s=TIMEOUT_S)
        lines = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        return Outcome(done.returncode, done.stdout, done.stderr, [json.loads(line) for line in lines])

    def ok(self, arguments: list[str], **options: Any) -> Outcome:
        """The same without a fault, for a command that has to end well."""
        done = self.run(arguments, **options)
        assert done.code == 0, f"{arguments}: exit {done.code}\n{done.stdout}\n{done.stderr}"
        return done

    def prepare(self) -> None:
        """Save where each leg begins: nothing; the first revision with the shop's rows; the stops; the latest."""
        if self.place.server == "sqlite":
            self.place.execute("VACUUM")
        self.place.save("empty")
        self.ok(["migrate", "upgrade", "r01"])
        self.place.execute(ROWS)
        self.place.save("filled")
        for stop in STOPS:
            self.ok(["migrate", "upgrade", stop])
            self.place.save(stop)
        self.ok(["migrate", "upgrade"])
        self.place.save("latest")

    def spoilt_backups(self) -> Iterator[str]:
        """Which of the backups that the runs took are not the whole of a SQLite database as it was before one."""
        for path in sorted((self.project / "backups").glob("*.db")):
            with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
                whole = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                heads = read_sqlite(lambda statement: connection.execute(statement).fetchall()).heads
            if not whole or f"-{'+'.join(heads) or 'base'}-" not in path.name:
                yield f"the backup {path.name} is not whole, or stands at {named(heads)}"

    def clear(self) -> None:
        """Remove what a run has left in the project."""
        shutil.rmtree(self.project / "backups", ignore_errors=True)


def start_python() -> ForkServer:
    return ForkServer(clean_environment(), str(HERE / "warm.py"))
