"""The migration locks of one run of `env.py`: each is held until what was done under it is committed."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import URL, Connection, event

from oppmigrate.databases import Database, Lock, OnWait


@dataclass(frozen=True, slots=True)
class _Held:
    connection: Connection
    is_theirs: bool  # the transaction was open before, and is theirs to commit
    lock: Lock
    stack: ExitStack


@dataclass(slots=True)
class Locks:
    """What is held, for each database and version table.

    Args:
        timeout_s, on_wait: as `Database.lock` has them.
    """

    timeout_s: float
    on_wait: OnWait | None
    _held: dict[tuple[URL, str], _Held] = field(default_factory=dict)
    _listening: ExitStack = field(default_factory=ExitStack)

    def hold(self, database: Database, connection: Connection, key: str) -> Lock:
        """Take the lock, or wait for it; one that this run has already is no second one.

        Raises:
            DatabaseLocked: as `Database.lock`.
        """
        place = connection.engine.url, key
        if place not in self._held:
            is_theirs, stack = connection.in_transaction(), ExitStack()
            lock = stack.enter_context(database.lock(connection, key, self.timeout_s, self.on_wait))
            self._held[place] = _Held(connection, is_theirs, lock, stack)
            self._give_back_with(connection, place)
        return self._held[place].lock

    def release(self, connection: Connection) -> None:
        """Give back what is held for the connection; where the transaction is theirs, it stays until they close it."""
        for place, held in list(self._held.items()):
            if held.connection is connection and not held.is_theirs:
                self._give_back(place)

    def close(self) -> None:
        """Give back whatever is held yet."""
        self._listening.close()
        for place in list(self._held):
            self._give_back(place)

    def _give_back_with(self, connection: Connection, place: tuple[URL, str]) -> None:
        """Give the lock back with the connection: on the event loop of an async env.py, which is gone afterwards."""
        pool, info = connection.engine.pool, connection.info

        def returned(_driver: Any, record: Any) -> None:
            if record.info is info:
                self._give_back(place)

        event.listen(pool, "checkin", returned)
        self._listening.callback(event.remove, pool, "checkin", returned)

    def _give_back(self, place: tuple[URL, str]) -> None:
        held = self._held.pop(place, None)
        if held is not None:
            held.stack.close()
