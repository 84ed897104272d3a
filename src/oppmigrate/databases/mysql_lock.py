"""The migration lock of MariaDB and MySQL: GET_LOCK, in the session that migrates.

In that session and not beside it, so that the lock lasts as long as what the session does: these servers go on with an
ALTER whose client was killed, and the next run may begin only after it. It is lost with the session. The lock is one
server's own: on a Galera cluster or with several primaries, let the database URL name the same node everywhere. A proxy
has to keep the session for the client; ProxySQL and MaxScale do so after GET_LOCK.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases.locking import Holder, Lock, Patience, by_itself, poll, roll_back_leftovers
from oppmigrate.errors import DatabaseLocked

# `time` is that of the session's present statement, so nobody knows since when it has the lock
SESSION = "SELECT user, SUBSTRING_INDEX(host, ':', 1) FROM information_schema.processlist WHERE id = {}"
# MySQL, and MariaDB with performance_schema = ON
PROGRAM = """
SELECT attr_value FROM performance_schema.session_account_connect_attrs
WHERE processlist_id = {} AND attr_name = 'program_name'
"""


def lock_name(key: str) -> str:
    """The servers' locks are for the whole server, and their names have at most 64 characters."""
    return "oppman:" + hashlib.sha256(key.encode()).hexdigest()[:48]


@contextmanager
def hold(connection: Connection, name: str, patience: Patience) -> Iterator[Lock]:
    """Hold the lock of that name; what the block left open is rolled back before it goes."""
    inside, driver = connection.in_transaction(), connection.connection.dbapi_connection
    poll(
        lambda: bool(_ask(connection, f"SELECT GET_LOCK('{name}', 0)")),
        lambda: _find_holder(connection, name),
        lambda holder: _held(connection, holder, patience.timeout_s),
        patience,
    )
    try:
        yield Lock(
            lambda: bool(connection.exec_driver_sql(f"SELECT IS_USED_LOCK('{name}') = CONNECTION_ID()").scalar())
        )
    finally:
        roll_back_leftovers(connection, inside)
        if not connection.invalidated:
            _release(connection, driver, name)


def _release(connection: Connection, driver: Any, name: str) -> None:
    """By the driver's own connection: SQLAlchemy's may be closed by now. A session that has ended has no lock."""
    with suppress(connection.dialect.loaded_dbapi.Error):
        cursor = driver.cursor()
        cursor.execute(f"SELECT RELEASE_LOCK('{name}')")
        cursor.fetchall()
        cursor.close()


def _ask(connection: Connection, query: str) -> Any:
    with by_itself(connection):
        return connection.exec_driver_sql(query).scalar()


def _find_holder(connection: Connection, name: str) -> Holder:
    with by_itself(connection):
        number = connection.exec_driver_sql(f"SELECT IS_USED_LOCK('{name}')").scalar()
        if number is None:
            return Holder("another session")
        session = connection.exec_driver_sql(SESSION.format(number)).first()
    user, host = session or ("another user", None)  # whose sessions are shown only with the PROCESS privilege
    program = _program(connection, number)
    parts = (program or user, f"from {host}" if host else "")
    return Holder(f"connection {number} ({', '.join(part for part in parts if part)})", pid=int(number))


def _program(connection: Connection, number: int) -> str | None:
    """What the session's program calls itself, where the server tells."""
    with suppress(DBAPIError), by_itself(connection):
        value = connection.exec_driver_sql(PROGRAM.format(number)).scalar()
        return str(value) if value else None
    return None


def _held(connection: Connection, holder: Holder, timeout_s: float) -> DatabaseLocked:
    see = f"if it hangs: KILL {holder.pid}" if holder.pid else "to see who it is: SHOW FULL PROCESSLIST"
    return DatabaseLocked(
        f"another migration of `{connection.engine.url.database}` is running",
        why=f"{holder.holds('the migration lock')}; waited {timeout_s:g} s for it",
        do=f"wait until it is done and run the command again; {see}",
        pid=holder.pid,
    )
