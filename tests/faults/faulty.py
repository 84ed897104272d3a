"""One run of `oppman` in which one thing goes wrong, at one place: the child's side of the fault suite.

A run passes *points*: each statement, COMMIT and ROLLBACK that a driver is given, whoever gives it, SQLAlchemy or not.
They are counted from 1 in the order in which they come, over all connections of the run. At one of them the fault
strikes: before the driver does what it was asked to, after it, or while the server is at it.

The hooks lie around the drivers' own methods, in this process only; nothing of the product knows of them.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

from faults.capabilities import obey_modes
from faults.drivers import Call, Driver, drivers
from faults.files import Files
from faults.system_calls import kill_at

Kind = Literal["kill", "error", "busy", "cut", "terminate", "interrupt", "readonly", "syscall"]
When = Literal["before", "during", "after", "twice", "beside"]
VERSION_TABLE = "alembic_version"


@dataclass(frozen=True)
class Fault:
    """What goes wrong, at which point."""

    kind: Kind
    when: When
    at: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.when}-{self.at}"


@dataclass(frozen=True)
class Run:
    """What the child is asked to do.

    Args:
        log: where it writes what it passed and where the fault struck, a JSON line each.
        points: write every point.
        states: write the database's state after each change of its recorded heads, as this connection sees it.
        files: what Python does to files counts as points, too.
        max_pages: SQLite's `max_page_count`, which makes the disk full.
        obey_modes: even as root, do not write what is read-only.
        calls: count the system calls that write.
    """

    arguments: list[str]
    log: str
    fault: Fault | None = None
    points: bool = False
    states: bool = False
    files: bool = False
    max_pages: int | None = None
    obey_modes: bool = False
    calls: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Run":
        found = json.loads(text)
        return cls(**{**found, "fault": Fault(**found["fault"]) if found["fault"] else None})


class Points:
    """Counts the points of this process; `passed` is called by the drivers' hooks."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.count = 0
        self._log = os.open(run.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._moved = False  # the heads, since the last state that was written
        self._looking = False

    def passed(self, driver: Driver, call: Call) -> Any:
        """One point: do what the driver is asked to, unless this is where the fault strikes."""
        if self._looking:
            return call.carry_out()
        self.count += 1
        if self.run.states:
            self._write_state(driver, call)
        if self.run.points:
            self._write(point=call.statement)
        fault = self.run.fault
        if fault is None or fault.kind == "syscall" or self.count != fault.at:
            return call.carry_out()
        self._write(struck=call.statement)
        return STRIKES[fault.kind](driver, call, fault.when)

    def _write_state(self, driver: Driver, call: Call) -> None:
        """Before whatever follows the statements that record the heads: they are written, and all before them is."""
        words = call.statement.split(None, 3)
        if words and words[0] in ("INSERT", "UPDATE", "DELETE") and VERSION_TABLE in words[1:3]:
            self._moved = True
        elif self._moved:
            self._moved, self._looking = False, True
            try:
                self._write(state=driver.read_state(call.connection))
            finally:
                self._looking = False

    def _write(self, **fact: Any) -> None:
        os.write(self._log, json.dumps(fact).encode() + b"\n")


# ---- what strikes


def _carry_out_anyhow(call: Call) -> None:
    """Let the driver do what it was asked to; a fault behind that does not wait for it to have gone well."""
    with contextlib.suppress(Exception):
        call.carry_out()


def _kill(driver: Driver, call: Call, when: When) -> NoReturn:
    if when == "during":
        driver.begin(call)
    elif when != "before":
        _carry_out_anyhow(call)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def _error(driver: Driver, call: Call, when: When) -> NoReturn:
    """Before: the server refuses the statement, its disk being full. After: it has done it, and the answer is lost."""
    if when == "before":
        driver.refuse(call)
    _carry_out_anyhow(call)
    raise driver.error()


def _busy(driver: Driver, call: Call, _when: When) -> None:
    """Somebody else holds a lock for longer than this statement may wait."""
    driver.refuse(call, busy=True)


def _cut(driver: Driver, call: Call, when: When) -> Any:
    """The server ends the session: the statement never arrives, or was done and the answer does not arrive.

    Beside: it ends the others of the run, so that the lock which one of them holds is lost.
    """
    if when == "after":
        _carry_out_anyhow(call)
    driver.cut(call.connection, beside=when == "beside")
    return driver.notice(call.connection) if when == "after" else call.carry_out()


def _signal(number: signal.Signals) -> Callable[[Driver, Call, When], Any]:
    def strike(_driver: Driver, call: Call, when: When) -> Any:
        if when != "after":
            os.kill(os.getpid(), number)
            return call.carry_out()
        try:
            return call.carry_out()
        finally:
            os.kill(os.getpid(), number)

    return strike


def _readonly(_driver: Driver, call: Call, _when: When) -> Any:
    """From here on the folder of the database, and the file, may only be read."""
    folder = Path(os.environ["FAULTS_FOLDER"])
    for path in (*folder.iterdir(), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return call.carry_out()


STRIKES: dict[str, Callable[[Driver, Call, When], Any]] = {
    "kill": _kill,
    "error": _error,
    "busy": _busy,
    "cut": _cut,
    "terminate": _signal(signal.SIGTERM),
    "interrupt": _signal(signal.SIGINT),
    "readonly": _readonly,
}


def carry_out(run: Run) -> NoReturn:
    """Run the command with the fault in it, and end the process as it would end."""
    fault = run.fault
    if not run.calls and (fault is None or fault.kind != "syscall"):
        _carry_out(run)

    def report(calls: int) -> None:
        fact = {"calls": calls} if fault is None or calls < fault.at else {"struck": f"system call {calls}"}
        with Path(run.log).open("a") as log:
            log.write(json.dumps(fact) + "\n")

    kill_at(fault.at if fault else 0, lambda: _carry_out(run), report)


def _carry_out(run: Run) -> NoReturn:
    from oppmigrate.cli import main

    if run.obey_modes or (run.fault is not None and run.fault.kind == "readonly"):
        obey_modes()
    points = Points(run)
    for driver in drivers():
        driver.hook_in(points.passed, max_pages=run.max_pages)
    if run.files:
        Files().hook_in(points.passed)
    # a shell that starts something in the background lets it ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.argv = ["oppman", *run.arguments]
    code: Any = 1
    try:
        code = main(run.arguments)
    except SystemExit as error:
        code = error.code
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code if isinstance(code, int) else 1)
