"""One application of a plan, as far as it has come."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from oppmigrate import __version__
from oppmigrate.databases import OnWait
from oppmigrate.identity import user_at_host
from oppmigrate.planner import State
from oppmigrate.recorder import Journal
from oppmigrate.results import Plan, Step
from oppmigrate.safety import Noted


class Progress(Protocol):
    """Told of each step as it begins, and once it is committed; the command line draws it."""

    def __call__(self, step: Step, event: Literal["begin", "end"], duration_ms: float) -> None: ...


class Story(Protocol):
    """Told, in words, of what is waited for and what is done beside the steps."""

    def __call__(self, text: str) -> None: ...


@dataclass
class Run:
    """One application of a plan.

    Args:
        before: called once, under the lock, with what is going to be run and before anything is; returns the backup
            that was taken.
        noted: what each revision would do, for servers where what was done cannot be undone.
        drops_leftovers: drop what a crash of the stock command has left, rather than refuse to go on beside it.
        ran: the steps that are in a transaction yet, with the milliseconds that each took.
        done: the steps that are committed.
        running: the step that is in a transaction now, or was when the run ended.
        ends: where each database that env.py migrates is to be.
    """

    state: State
    plan: Plan
    progress: Progress | None = None
    tell: Story | None = None
    before: Callable[[Plan], Path | None] | None = None
    noted: Mapping[str, Noted] = field(default_factory=dict)
    drops_leftovers: bool = False
    ran: list[tuple[Step, float]] = field(default_factory=list)
    done: list[Step] = field(default_factory=list)
    begun: bool = False
    running: Step | None = None
    ends: list[tuple[str, ...]] = field(default_factory=list)
    backup: Path | None = None
    journal: Journal | None = None  # of the database that was migrated last
    by: str = field(default_factory=user_at_host)

    def prepare(self, plan: Plan) -> None:
        """Take the backup that is due, once, before the first step that this run carries out."""
        if plan.steps and self.before is not None:
            before, self.before = self.before, None
            self.backup = before(plan)

    def discard_backup(self) -> None:
        """Remove the backup again: the run was refused, and the database is still what it holds."""
        if self.backup is not None and not self.done:
            self.backup.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # other backups are in it
                self.backup.parent.rmdir()
            self.backup = None

    def committed(self) -> None:
        """What has run is in the database for good."""
        for step, duration_ms in self.ran:
            self.done.append(step)
            if self.progress:
                self.progress(step, "end", duration_ms)
        self.ran.clear()
        self.running = None

    def entry_facts(self, step: Step) -> dict[str, Any]:
        """What the journal keeps of a step, however it ends."""
        return {
            "revision": step.revision,
            "direction": step.direction,
            "checksum": step.checksum,
            "body": step.path.read_bytes(),
            "by": self.by,
            "version": __version__,
            "backup": str(self.backup) if self.backup else None,
        }

    def say(self, text: str) -> None:
        if self.tell is not None:
            self.tell(text)


def waiting(tell: Story | None) -> OnWait | None:
    """Tells whom a run waits for."""
    return None if tell is None else lambda holder: tell(f"waiting: {holder.holds('the database')}")
