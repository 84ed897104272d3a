"""Python's SQLite driver, sync or async, as migrations need it: who begins transactions, and how Ctrl-C is heard."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import ExceptionContext

from oppmigrate.databases import sqlite_errors
from oppmigrate.databases.locking import Holder, Patience

LEGACY_TRANSACTIONS = -1  # sqlite3.LEGACY_TRANSACTION_CONTROL, Python 3.12+
# SQLite's own waiting, and its work on a statement, hear no Ctrl-C: they are left so often for Python to hear one
TRY_S = 0.2
STEPS_BETWEEN_LOOKS = 100_000  # about a millisecond of SQLite's virtual machine


def driver_of(connection: Connection) -> Any:
    """The driver's connection: SQLAlchemy would begin a transaction before a statement of its own."""
    return connection.connection.dbapi_connection


def is_in_transaction(connection: Connection) -> bool:
    """Has SQLite itself begun one?"""
    driver: Any = connection.connection.driver_connection
    return bool(driver.in_transaction)


def leave_transactions_to_us(driver: Any) -> dict[str, Any]:
    """Keep the driver from beginning and ending transactions; returns the attributes as they were."""
    before = {"isolation_level": driver.isolation_level}
    if getattr(driver, "autocommit", LEGACY_TRANSACTIONS) != LEGACY_TRANSACTIONS:
        before["autocommit"] = driver.autocommit
        driver.autocommit = LEGACY_TRANSACTIONS
    driver.isolation_level = None
    return before


def begin_immediate(driver: Any, patience: Patience, find: Callable[[], Holder]) -> None:
    """Begin for writing, waiting for others as long as the patience lasts; raises the driver's error then."""
    pragma(driver, f"busy_timeout = {int(min(patience.timeout_s, TRY_S) * 1000)}")
    while True:
        try:
            execute(driver, "BEGIN IMMEDIATE")
            return
        except sqlite3.Error as error:
            if sqlite_errors.result_code(error) != sqlite3.SQLITE_BUSY or not patience.left_s:
                raise
        patience.tell(find)
        time.sleep(TRY_S / 10)  # some of SQLite's refusals come without its waiting


def watch_for_interrupts(driver: Any) -> None:
    """Let a Ctrl-C end a long statement; an async driver's thread hears none, so it looks after its caller."""
    task = asyncio.current_task() if hasattr(driver, "run_async") else None
    set_progress_handler(driver, task.cancelling if task else _let_signals_in)


def _let_signals_in() -> int:
    """Python handles signals where a function of its own begins; what they raise makes SQLite give up."""
    return 0


def set_progress_handler(driver: Any, handler: Callable[[], int] | None) -> None:
    """Have the handler called now and then while a statement runs; None for no handler."""
    if hasattr(driver, "run_async"):
        driver.run_async(lambda own: own.set_progress_handler(handler, STEPS_BETWEEN_LOOKS))
    else:
        driver.set_progress_handler(handler, STEPS_BETWEEN_LOOKS)


def as_interrupt(context: ExceptionContext) -> BaseException | None:
    """What the Ctrl-C raised is lost inside of SQLite, which says `interrupted`."""
    error = context.original_exception
    if isinstance(error, sqlite3.Error) and sqlite_errors.result_code(error) == sqlite3.SQLITE_INTERRUPT:
        return KeyboardInterrupt()
    return None


def execute(driver: Any, statement: str, parameters: Any = ()) -> list[Any]:
    """Execute a statement past SQLAlchemy; returns its rows."""
    cursor = driver.cursor()
    try:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def execute_script(driver: Any, script: str) -> None:
    """Execute statements one after the other past SQLAlchemy; what is open is committed first."""
    if hasattr(driver, "run_async"):
        driver.run_async(lambda own: own.executescript(script))
    else:
        driver.executescript(script)


def pragma(driver: Any, text: str) -> Any:
    """Execute a pragma; returns its one value, or None."""
    rows = execute(driver, f"PRAGMA {text}")
    return rows[0][0] if rows else None


def violations(driver: Any) -> "Counter[str]":
    """Rows whose foreign key points nowhere, a count for each table."""
    return Counter(row[0] for row in execute(driver, "PRAGMA foreign_key_check"))
