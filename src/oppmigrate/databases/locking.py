"""What the locks of the servers have in common: who holds one, waiting by polling, and a session beside another's."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, MissingGreenlet

from oppmigrate.errors import DatabaseLocked, LockLost
from oppmigrate.identity import user_at_host

SAVED = "oppmigrate.prepared"  # where a connection keeps what `release` has to put back
POLL_S = (0.05, 0.5)  # first and longest pause between two tries
TELL_S = 5.0  # who waits is told so often, though nothing has changed
BACKOFF_S = (0.5, 30.0)  # the longest pause after the first failure, and after any


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as far as the server tells.

    Args:
        description: in words: "process 4711 (oppmigrate root@web1, from 10.0.0.5)".
        since: UTC; None where nobody knows.
        pid: the server's number for the session; SQLite's is that of the process.
    """

    description: str
    since: datetime | None = None
    pid: int | None = None

    def holds(self, what: str) -> str:
        """In a sentence: who holds `what`, and since when."""
        since = f" since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        return f"{self.description} holds {what}{since}"


OnWait = Callable[[Holder], None]


class Lock:
    """The migration lock of a database, held."""

    def __init__(self, is_held: Callable[[], bool] = lambda: True) -> None:
        self._is_held = is_held

    def verify(self) -> None:
        """Look whether it is still held: the session that holds it can be ended from outside.

        Raises:
            LockLost: it is not, so that another run may have begun.
        """
        reason: DBAPIError | None = None
        try:
            if self._is_held():
                return
        except DBAPIError as error:
            reason = error
        raise LockLost(
            "the migration lock was lost in the middle of the run",
            why="the session that held it was ended (by an administrator, a failover, a proxy), "
            "so another migration may have begun meanwhile",
            do="run the command again: it looks where the database stands, and goes on from there",
        ) from reason


class Patience:
    """Waiting for a lock by polling: how long it may take yet, and who is told of it.

    Args:
        timeout_s: seconds to wait; 0 tries once.
        on_wait: called with the holder at once, when that changes, and every few seconds.
    """

    def __init__(self, timeout_s: float, on_wait: OnWait | None = None) -> None:
        self.timeout_s = timeout_s
        self._on_wait = on_wait
        self._deadline = time.monotonic() + timeout_s
        self._pause_s = POLL_S[0]
        self._told: tuple[Holder, float] | None = None

    @property
    def left_s(self) -> float:
        """Seconds until the time is over; not less than 0."""
        return max(self._deadline - time.monotonic(), 0.0)

    def tell(self, find: Callable[[], Holder]) -> None:
        """Tell who is waited for."""
        if self._on_wait is None:
            return
        holder, now = find(), time.monotonic()
        if self._told is None or self._told[0] != holder or now - self._told[1] >= TELL_S:
            self._told = holder, now
            self._on_wait(holder)

    def pause(self) -> None:
        """Sleep until the next try; a Ctrl-C ends it."""
        time.sleep(min(self._pause_s, self.left_s))
        self._pause_s = min(self._pause_s * 1.5, POLL_S[1])


def poll(
    take: Callable[[], bool],
    find: Callable[[], Holder],
    give_up: Callable[[Holder], DatabaseLocked],
    patience: Patience,
) -> None:
    """Call `take`, which answers at once, until it has the lock.

    Raises:
        DatabaseLocked: what `give_up` makes of the holder, once the time is over.
    """
    while not take():
        if not patience.left_s:
            raise give_up(find())
        patience.tell(find)
        patience.pause()


def roll_back_leftovers(connection: Connection, inside: bool) -> None:
    """Undo what was begun under the lock and is open yet, unless the transaction was there before: `inside`."""
    if inside or connection.closed or connection.invalidated or not connection.in_transaction():
        return
    with suppress(DBAPIError):  # a session that has ended has rolled it back
        connection.rollback()


@contextmanager
def by_itself(connection: Connection) -> Iterator[None]:
    """Commit what was begun here, so that the caller begins anew; leave the caller's own transaction alone."""
    inside = connection.in_transaction()
    try:
        yield
    except BaseException:
        if not inside and connection.in_transaction():
            connection.rollback()
        raise
    if not inside and connection.in_transaction():
        connection.commit()


@contextmanager
def session_beside(connection: Connection) -> Iterator[Connection]:
    """A session of its own, made as the connection's engine makes them: by env.py's creator, password and SSL.

    Its pool is a new one: an application's may have one connection only, which migrates. Nothing of it is left.
    """
    engine = connection.engine
    twin = Engine(engine.pool.recreate(), engine.dialect, engine.url)
    beside = twin.connect()
    try:
        yield beside
    finally:
        try:
            with suppress(DBAPIError):
                beside.close()
            twin.dispose()
        except MissingGreenlet:  # an async env.py gave up, and its event loop is gone
            beside.invalidate()


def autocommits(connection: Connection) -> bool:
    """Does each statement commit by itself here, as inside of Alembic's `autocommit_block`?"""
    return connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"


def run_by() -> str:
    """Who runs this process, for other sessions to see: `oppmigrate user@host`."""
    return f"oppmigrate {user_at_host()}"


def backoff_s(attempt: int, chance: Callable[[], float] = random.random) -> float:
    """How long to wait before the next try, in seconds: anything up to a limit that doubles, so that no two runs meet.

    Args:
        attempt: how many have failed: 1 after the first.
        chance: a number from 0 to 1.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (full jitter).
    """
    first, longest = BACKOFF_S
    limit: float = min(first * 2 ** min(attempt - 1, 16), longest)
    return limit * chance()
