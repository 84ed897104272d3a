"""The numbers in docs/reliability.md, made from those of the last run of every fault (`make faults`).

python tests/reliability_page.py            print them
python tests/reliability_page.py --write    write them
"""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from fault_counts import NAMES, RESULTS

PAGE = RESULTS.with_suffix(".md")
BLOCK = re.compile(
    r"(?<=<!-- faults: made from docs/reliability.json, which `make faults` writes -->\n).*?(?=<!-- end)", re.DOTALL
)
ORDER = ("kill", "syscall", "error", "busy", "cut", "terminate", "interrupt", "full", "readonly", "restore")


def table(results: dict[str, Any]) -> str:
    """Which part of the faults was taken; a row for each kind of fault, a column for each server."""
    survived, every = results["survived"], results["every"]
    part = "every fault" if every == 1 else f"one fault in {every} (`make faults PART=1/{every}`)"
    header = ["| what goes wrong |", *(f" {name} |" for name in NAMES.values()), " together |"]
    rows = ["".join(header), "|---|" + "---:|" * (len(NAMES) + 1), *_rows(survived)]
    return f"\nThe last run took {part}:\n\n" + "\n".join(rows) + "\n\n"


def _rows(survived: dict[str, int]) -> Iterator[str]:
    for kind in ORDER:
        yield _row(f"`{kind}`", [survived.get(f"{server} {kind}", 0) for server in NAMES])
    yield _row("**all**", [sum(survived.get(f"{server} {kind}", 0) for kind in ORDER) for server in NAMES])


def _row(name: str, numbers: list[int]) -> str:
    return f"| {name} |" + "".join(f" {number:,} |" if number else " – |" for number in [*numbers, sum(numbers)])


def page() -> str:
    """The whole page, with the numbers of now."""
    text = PAGE.read_text(encoding="utf-8")
    return BLOCK.sub(lambda _: table(json.loads(RESULTS.read_text(encoding="utf-8"))), text)


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page())
