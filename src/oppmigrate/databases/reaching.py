"""Waiting for a server that is about to start."""

import time
from collections.abc import Callable
from typing import TypeVar

from oppmigrate.errors import DatabaseError

T = TypeVar("T")
POLL_S = (0.1, 1.0)  # first and longest pause between two tries
TELL_S = 5.0  # who waits is told so often, though nothing has changed


def until_reachable(
    attempt: Callable[[], T],
    comes_later: Callable[[DatabaseError], bool],
    timeout_s: float,
    on_wait: Callable[[str], None] | None = None,
) -> T:
    """What `attempt` returns, once it raises nothing that passes by itself.

    Args:
        comes_later: may the same attempt go well in a moment?
        timeout_s: seconds to try again; 0 tries once.
        on_wait: told what is the matter: at once, when that changes, and every few seconds.

    Raises:
        DatabaseError: the last one, with the seconds waited in its `why`.
    """
    started = told_at = time.monotonic()
    told, pause_s = None, POLL_S[0]
    while True:
        try:
            return attempt()
        except DatabaseError as error:
            now = time.monotonic()
            left_s = started + timeout_s - now
            if not comes_later(error):
                raise
            if left_s <= 0:
                if timeout_s:
                    waited = f"waited {now - started:.0f} s for it"
                    error.why = f"{error.why}; {waited}" if error.why else waited
                raise
            if on_wait and (told != error.what or now - told_at >= TELL_S):
                told, told_at = error.what, now
                on_wait(error.what)
        time.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 1.5, POLL_S[1])
