"""Ctrl-C, and the SIGTERM of a deploy that is called off: both end a command the same way, rolled back."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

# what a process has by default; a signal that somebody has set otherwise (nohup, an application) stays as it is
WANTED = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


class Interruption(KeyboardInterrupt):
    """Raised by `Interrupts`, with the signal that came."""

    received: signal.Signals = signal.SIGINT


class Interrupts:
    """Which signal came last."""

    received: signal.Signals = signal.SIGINT

    @property
    def exit_code(self) -> int:
        """As shells have it: 130 for a Ctrl-C, 143 for SIGTERM."""
        return 128 + self.received

    @property
    def word(self) -> str:
        """What happened to the command."""
        return "terminated" if self.received is signal.SIGTERM else "interrupted"

    @contextlib.contextmanager
    def raised(self) -> Iterator[None]:
        """Raise KeyboardInterrupt for either, right where the code stands.

        Python's own handler would do for SIGINT, but asyncio puts another in its place, which only cancels the task:
        a revision on an async driver would sleep on.
        """
        saved = {}
        for number, default in WANTED.items():
            with contextlib.suppress(ValueError):  # not in the main thread, where no signal comes
                if signal.getsignal(number) == default:
                    saved[number] = signal.signal(number, self._raise)
        try:
            yield
        finally:
            for number, before in saved.items():
                signal.signal(number, before)

    def _raise(self, number: int, _frame: FrameType | None) -> NoReturn:
        self.received = signal.Signals(number)
        interruption = Interruption()
        interruption.received = self.received
        raise interruption
