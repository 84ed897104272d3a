"""What the locks of the servers have in common: statements of their own in a session, and waiting by polling."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from oppmigrate.errors import DatabaseLocked

SAVED = "oppmigrate.prepared"  # where a connection keeps what `release` has to put back
POLL_S = (0.05, 0.5)  # first and longest pause between two tries


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
def polled(
    connection: Connection, take: str, give_back: str, timeout_s: float, give_up: Callable[[], DatabaseLocked]
) -> Iterator[None]:
    """Hold the session's lock: `take` is a query that answers at once whether it was taken.

    What the block left open on the connection is rolled back before the lock goes.
    """
    inside = connection.in_transaction()
    deadline = time.monotonic() + timeout_s
    pause, longest = POLL_S
    while not ask(connection, take):
        left = deadline - time.monotonic()
        if left <= 0:
            raise give_up()
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, longest)
    try:
        yield
    finally:
        # a session that has ended has given its lock back
        if not connection.closed and not connection.invalidated:
            with suppress(DBAPIError):
                if not inside and connection.in_transaction():
                    connection.rollback()
                ask(connection, give_back)


def ask(connection: Connection, query: str) -> bool:
    with by_itself(connection):
        return bool(connection.exec_driver_sql(query).scalar())
