"""Which of the changes a run takes: most of the weighty ones, each on one server, and a part of the others; or all.

OPPMAN_TEST_CHANGES is `all`, `1/3` for every third, or a part of the name of those to take.
"""

import os
import re
from collections.abc import Iterator

from changes.change import Change
from changes.groups import EVERY

VARIABLE = "OPPMAN_TEST_CHANGES"
EVERY_NTH = 40


def taken() -> list[tuple[Change, str]]:
    """The changes of this run, each with a server."""
    wanted = os.environ.get(VARIABLE, "")
    pairs = [(change, server) for change in EVERY for server in change.servers]
    if part := re.fullmatch(r"all|1/([1-9]\d*)", wanted):
        return pairs[:: int(part[1] or 1)]
    if wanted:
        return [pair for pair in pairs if wanted in pair[0].name]
    return list(_a_part(pairs))


def _a_part(pairs: list[tuple[Change, str]]) -> Iterator[tuple[Change, str]]:
    """Two thirds of the weighty changes, each on one server and the next one on another; and some of the others."""
    weighty = [change for change in EVERY if change.weighty]
    others = 0
    for change, server in pairs:
        if change.weighty:
            number = weighty.index(change)
            if number // 3 % 3 < 2 and server == change.servers[number % len(change.servers)]:
                yield change, server
            continue
        others += 1
        if others % EVERY_NTH == 0:
            yield change, server
