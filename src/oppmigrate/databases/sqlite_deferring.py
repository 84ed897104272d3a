"""What SQLite does not run inside of a transaction, and so waits until the migration's is committed.

VACUUM, PRAGMA journal_mode and the like change no rows. A run that is killed right after the commit leaves them undone.
`PRAGMA foreign_keys` is not among them: while migrating, keys are unenforced anyway, and switching them on before the
next revision would let a rebuilt table delete its children.
"""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event

from oppmigrate.databases.locking import autocommits

# refused in a transaction, or taken and not done; tried with SQLite 3.40
ONLY_OUTSIDE = re.compile(
    r"(\s|--[^\n]*\n|/\*.*?\*/)*"
    r"(VACUUM\b|PRAGMA\s+(\w+\.)?(wal_checkpoint\b|(journal_mode|synchronous|temp_store|auto_vacuum|page_size)\s*[=(]))",
    re.IGNORECASE | re.DOTALL,
)
NOTHING = "SELECT 1 WHERE 0"
Execute = Callable[[str, Any], object]


class Deferred:
    """The statements of one run that wait for its commit; those of a transaction that is rolled back are forgotten."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[tuple[str, Any]] = []

    def listen(self) -> None:
        """Begin to keep statements."""
        event.listen(self._connection, "before_cursor_execute", self._keep, retval=True)
        event.listen(self._connection, "rollback", self._forget)

    def stop(self) -> None:
        """Keep no more."""
        event.remove(self._connection, "before_cursor_execute", self._keep)
        event.remove(self._connection, "rollback", self._forget)

    def run(self, execute: Execute) -> None:
        """Run what waits."""
        while self._waiting:
            execute(*self._waiting.pop(0))

    def _keep(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> tuple[str, Any]:
        if autocommits(connection) or not ONLY_OUTSIDE.match(statement):
            return statement, parameters
        self._waiting.append((statement, parameters))
        return NOTHING, ()

    def _forget(self, _connection: Connection) -> None:
        self._waiting.clear()
