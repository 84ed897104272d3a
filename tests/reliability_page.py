"""The numbers in docs/reliability.md, made from those of the last run of every fault (`make faults`).

python tests/reliability_page.py            print them
python tests/reliability_page.py --write    write them
"""

import json
import re
import sys
from typing import Any

from fault_counts import NAMES, RESULTS

NONE_YET = "\nThere are no numbers of this version yet: `make faults` has not been run to its end on it.\n\n"
PAGE = RESULTS.with_suffix(".md")
BLOCK = re.compile(
    r"(?<=<!-- faults: made from docs/reliability.json, which `make faults` writes -->\n).*?(?=<!-- end)", re.DOTALL
)


def table(results: dict[str, Any]) -> str:
    """Which part of the faults was taken, and a row for each server."""
    survived, every = results["survived"], results["every"]
    part = "every fault" if every == 1 else f"one fault in {every} (`make faults PART=1/{every}`)"
    rows = [f"| {name} | {survived[server]:,} |" for server, name in NAMES.items()]
    total = f"| **together** | {sum(survived.values()):,} |"
    return "\n".join(
        [
            f"\nThe last run took {part}:\n",
            "| server | faults injected and survived |",
            "|---|---:|",
            *rows,
            total,
            "\n",
        ]
    )


def page() -> str:
    """The whole page, with the numbers of now."""
    text = PAGE.read_text(encoding="utf-8")
    if not RESULTS.exists():
        return BLOCK.sub(lambda _: NONE_YET, text)
    return BLOCK.sub(lambda _: table(json.loads(RESULTS.read_text(encoding="utf-8"))), text)


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page())
