"""What a server's database records; a Ctrl-C, or a SIGTERM, ends the waiting for it as it ends a full command."""

from __future__ import annotations

from oppmigrate.fastlane import mysql, postgresql
from oppmigrate.fastlane.recorded import Recorded, Uncertain
from oppmigrate.interrupts import Interrupts

READERS = {"postgresql": postgresql.read, "mysql": mysql.read, "mariadb": mysql.read}


def read(backend: str, url: str, journal: str, *, with_done: bool) -> Recorded:
    """What the database records. Raises Uncertain, also for what a driver raises beside its own errors."""
    try:
        with Interrupts().raised():
            return READERS[backend](url, journal, with_done=with_done)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise Uncertain(str(error)) from error
