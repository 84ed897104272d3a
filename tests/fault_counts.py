"""How many faults a test run injected and survived, on each server: summed over the workers, said at the end."""

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from faults_kept import FaultsKept

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "reliability.json"
VARIABLE = "OPPMAN_TEST_FAULTS"
KEY = "faults"
# servers in the order in which they are named; SQLite's several settings are one server
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}


class FaultCounts:
    """A plugin of pytest."""

    def __init__(self) -> None:
        self.survived: Counter[str] = Counter()  # "sqlite kill" -> number
        self._of_test: Counter[str] = Counter()  # the same of the test that runs
        self._kept: FaultsKept | None = None

    def add(self, server: str, kind: str) -> None:
        """One more that was survived."""
        self._of_test[f"{server.partition('-')[0]} {kind}"] += 1

    def on(self, server: str) -> int:
        return sum(number for name, number in self.survived.items() if name.split()[0] == server)

    def line(self) -> str:
        """All of it in a line."""
        parts = [f"{server} {self.on(server):,}" for server in NAMES if self.on(server)]
        return f"faults: {self.survived.total():,} injected and survived ({', '.join(parts)})"

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what a run of every fault has survived that was stopped."""
        if not _is_whole(config):
            return
        self._kept = FaultsKept(taken_part() or 1)
        before = self._kept.read()
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in before])
        items[:] = [item for item in items if item.nodeid not in before]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what a test has survived, in the process that has run it."""
        if hasattr(report, "node") or report.when != "call":
            return
        self.survived.update(self._of_test)
        if self._kept is not None and report.passed:
            self._kept.add(report.nodeid, self._of_test)
        self._of_test.clear()

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """A worker hands its numbers over; a run of all faults, or every Nth, keeps them for the page."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[KEY] = dict(self.survived)
        elif exitstatus in (0, pytest.ExitCode.NO_TESTS_COLLECTED) and _is_whole(session.config):
            kept = FaultsKept(taken_part() or 1)
            self.survived = sum(kept.read().values(), Counter())
            if all(map(self.on, NAMES)):
                results = {"every": taken_part(), "survived": {server: self.on(server) for server in NAMES}}
                RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
                kept.forget()
                session.exitstatus = pytest.ExitCode.OK

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        self.survived.update(getattr(node, "workeroutput", {}).get(KEY, {}))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.survived:
            terminalreporter.write_line(self.line())


def taken_part() -> int | None:
    """1 in a run that takes every fault, N in one that takes every Nth; None in any other."""
    found = re.fullmatch(r"all|1/([1-9]\d*)", os.environ.get(VARIABLE, ""))
    return int(found[1] or 1) if found else None


def _is_whole(config: pytest.Config) -> bool:
    """Every fault or every Nth, and no part of them chosen on the command line."""
    return taken_part() is not None and not (config.option.keyword or config.option.markexpr)
