"""What a run of every fault has survived so far: it takes an hour and more, and goes on where it was stopped.

A line for each test, in a folder of caches; of another product, or another part of the faults, in another file.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("src", "tests/faults/chain")  # what the faults are injected into


class FaultsKept:
    """The file of one part of the faults.

    Args:
        part: 1 for all of them, N for every Nth.
    """

    def __init__(self, part: int) -> None:
        self.path = ROOT / ".cache" / "faults" / f"{part}-{_digest()}.jsonl"

    def add(self, test: str, survived: Mapping[str, int]) -> None:
        """A test that has passed, and how many faults of which kind it has survived; safe among several workers."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"test": test, "survived": dict(survived)}) + "\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def read(self) -> dict[str, Counter[str]]:
        """What was survived, by test."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        return {entry["test"]: Counter(entry["survived"]) for entry in map(json.loads, lines)}

    def forget(self) -> None:
        """Let the next run begin anew."""
        self.path.unlink(missing_ok=True)


def _digest() -> str:
    found = hashlib.sha256()
    for path in sorted(path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")):
        found.update(f"{path.relative_to(ROOT)}\n".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:16]
