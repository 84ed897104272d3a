"""PostgreSQL's migration lock, and settings that last as long as a transaction: both hold behind a pooling proxy.

The lock is an advisory lock of a transaction, in a session of its own whose transaction stays open until the run ends.
A proxy that gives a server session to each transaction (pgbouncer's `pool_mode = transaction`) has to leave that one
where it is; a lock or a setting of the session would go on to whoever gets the session next. The proxy needs two server
sessions for a run, one for the lock and one for the work, and one more for those that wait; its
idle_transaction_timeout, where it has one, has to be longer than a run.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import Connection, Row, event
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases.locking import (
    Holder,
    Lock,
    Patience,
    autocommits,
    poll,
    roll_back_leftovers,
    run_by,
    session_beside,
)
from oppmigrate.databases.postgresql_errors import is_full
from oppmigrate.errors import DatabaseLocked

# drivers that send a text without parameters as it is, so that it may hold several statements
SEVERAL_AT_ONCE = frozenset({"psycopg", "psycopg_async", "psycopg2", "psycopg2cffi"})

# A host that vanished is noticed within a minute, not after the two hours that systems have by default. The proxy, if
# there is one, is the client here.
KEEPALIVE = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
# A statement whose client is gone ends within seconds, and gives its locks back. Since PostgreSQL 14; not on Windows.
ORPHANS_END = {"client_connection_check_interval": "2000"}
# setting -> the version that brought it
UNLIMITED = {"idle_in_transaction_session_timeout": 9, "transaction_timeout": 17}

HELD = """
SELECT l.pid FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND ((l.classid::bigint << 32) | l.objid::bigint) = {number}
"""
# others' times and addresses are shown to members of their role, and of pg_read_all_stats
HOLDER = f"""
SELECT a.pid, a.application_name, host(a.client_addr),
  CASE WHEN a.application_name LIKE 'oppmigrate %%' THEN a.xact_start ELSE a.backend_start END
FROM pg_stat_activity AS a WHERE a.pid IN ({HELD})
"""
ORPHAN = """
SELECT pid, query_start, left(substr(query, length('{mark}') + 1), 60) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()
  AND left(query, length('{mark}')) = '{mark}'
"""


def lock_number(key: str) -> int:
    """The key as PostgreSQL takes it: 64 bits, with a sign."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)


@contextmanager
def hold(connection: Connection, number: int, patience: Patience) -> Iterator[Lock]:
    """Hold the lock in a session beside the connection.

    While it waits, it has no snapshot and is in no statement, and while it holds, no snapshot either: CREATE INDEX
    CONCURRENTLY waits for every transaction that has one.
    """
    inside = connection.in_transaction()
    with ExitStack() as stack:
        beside = _open(connection, stack, patience)
        beside.execution_options(isolation_level="READ COMMITTED")  # others keep their first snapshot
        leave_unprepared(beside)
        poll(
            lambda: _take(beside, number),
            lambda: _find_holder(beside, number),
            lambda holder: _held(connection, holder, patience.timeout_s),
            patience,
        )
        set_local(beside, _settings(beside))
        mark = f"/* oppmigrate {number} */ "
        _outlive_orphans(connection, beside, mark, patience)
        try:
            with _marking(connection, mark):
                yield Lock(lambda: _is_held(beside, number))
        finally:
            roll_back_leftovers(connection, inside)


def _open(connection: Connection, stack: ExitStack, patience: Patience) -> Connection:
    """Another session; of many runs at once, some have to wait until there is room for it."""
    while True:
        try:
            return stack.enter_context(session_beside(connection))
        except (DBAPIError, OSError) as error:
            if not is_full(error) or not patience.left_s:
                raise
        patience.tell(lambda: Holder("others with every connection that the server allows"))
        patience.pause()


def _take(beside: Connection, number: int) -> bool:
    taken = bool(beside.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({number})").scalar_one())
    if not taken:
        beside.rollback()
    return taken


@contextmanager
def _marking(connection: Connection, mark: str) -> Iterator[None]:
    """Begin each statement that commits by itself with the mark: PostgreSQL ends it although its client was killed."""

    def marked(
        connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> tuple[str, Any]:
        return (mark + statement if autocommits(connection) else statement), parameters

    event.listen(connection, "before_cursor_execute", marked, retval=True)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", marked)


def _outlive_orphans(connection: Connection, beside: Connection, mark: str, patience: Patience) -> None:
    """Wait until the server has ended what a killed run left it to do, or it would be done a second time beside."""
    orphans: list[Row[Any]] = []

    def is_alone() -> bool:
        beside.exec_driver_sql("SELECT pg_stat_clear_snapshot()").close()  # or a transaction sees the same for ever
        orphans[:] = _ask(beside, ORPHAN.format(mark=mark))
        return not orphans

    def describe() -> Holder:
        pid, since, statement = tuple(orphans[0])
        return Holder(f"process {pid} (of a run that was killed, still at: {' '.join(statement.split())})", since, pid)

    poll(is_alone, describe, lambda holder: _held(connection, holder, patience.timeout_s), patience)


def _ask(beside: Connection, query: str) -> list[Row[Any]]:
    """Ask in the transaction that holds the lock, and leave no snapshot there.

    asyncpg's answers keep theirs until another statement takes their place.
    """
    rows = list(beside.exec_driver_sql(query).all())
    set_local(beside, {"application_name": run_by()})
    return rows


def _settings(beside: Connection) -> dict[str, str]:
    version = beside.dialect.server_version_info or (0,)
    unlimited = {name: "0" for name, since in UNLIMITED.items() if version >= (since,)}
    return {"application_name": run_by(), **unlimited, **KEEPALIVE}


def _is_held(beside: Connection, number: int) -> bool:
    ((held,),) = _ask(beside, f"SELECT pg_backend_pid() IN ({HELD.format(number=number)})")
    return bool(held)


def _find_holder(beside: Connection, number: int) -> Holder:
    row = beside.exec_driver_sql(HOLDER.format(number=number)).first()
    beside.rollback()
    if row is None:
        return Holder("another session")
    pid, name, address, since = row
    return Holder(f"process {pid} ({name or 'no name'}, from {address or 'this host'})", since, pid)


def _held(connection: Connection, holder: Holder, timeout_s: float) -> DatabaseLocked:
    end = f"; if it hangs: SELECT pg_terminate_backend({holder.pid})" if holder.pid else ""
    return DatabaseLocked(
        f"another migration of `{connection.engine.url.database}` is running",
        why=f"{holder.holds('the migration lock')}; waited {timeout_s:g} s for it",
        do=f"wait until it is done and run the command again{end}",
        pid=holder.pid,
    )


def leave_unprepared(connection: Connection) -> int | None:
    """Keep psycopg from preparing what it sends often: a statement is prepared in one server session.

    Returns:
        The threshold as it was, for `driver_connection.prepare_threshold`.
    """
    driver: Any = connection.connection.driver_connection
    before: int | None = getattr(driver, "prepare_threshold", None)
    if before is not None:
        driver.prepare_threshold = None
    return before


def set_local(connection: Connection, settings: Mapping[str, str]) -> None:
    """Change settings until the transaction ends; takes no snapshot, so that SET TRANSACTION may still follow."""
    statements = [f"SET LOCAL {name} = '{_escaped(value)}'" for name, value in settings.items()]
    if connection.dialect.driver in SEVERAL_AT_ONCE:
        statements = ["; ".join(statements)] if statements else []
    for statement in statements:
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def accepts(connection: Connection, settings: Mapping[str, str]) -> bool:
    """Can the server's version, on its platform, set these?"""
    try:
        with connection.begin_nested():
            set_local(connection, settings)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return False
    return True


def _escaped(value: str) -> str:
    return value.replace("'", "''")
