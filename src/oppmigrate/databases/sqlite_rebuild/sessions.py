"""What a change does around its statements: savepoints, pragmas, and SQLite's errors in our words."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, OperationalError

from oppmigrate.databases import sqlite_errors
from oppmigrate.databases.base import first_line
from oppmigrate.errors import MigrationFailed, RowsDoNotFit


@contextmanager
def savepoint(connection: Connection, name: str) -> Iterator[Callable[[], None]]:
    """All of it or nothing; yields what undoes it without an error."""
    # by the driver's own cursor: a statement of SQLAlchemy's would be seen, and told, as one of the revision
    cursor = connection.connection.cursor()
    cursor.execute(f"SAVEPOINT {name}")

    def undo() -> None:
        cursor.execute(f"ROLLBACK TO {name}")

    try:
        yield undo
    except BaseException:
        with suppress(Exception):  # SQLite has rolled back everything by itself, as on a full disk
            undo()
            cursor.execute(f"RELEASE {name}")
        raise
    else:
        cursor.execute(f"RELEASE {name}")
    finally:
        close(cursor)


def close(cursor: Any) -> None:
    """Close a driver's cursor; on a Ctrl-C within a statement SQLAlchemy has closed the connection already."""
    with suppress(sqlite3.ProgrammingError):
        cursor.close()


@contextmanager
def switched(connection: Connection, pragma: str, value: str = "ON") -> Iterator[None]:
    """Have a pragma on, or off, meanwhile."""
    before = connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
    connection.exec_driver_sql(f"PRAGMA {pragma} = {value}")
    try:
        yield
    finally:
        if not connection.invalidated:  # as it is on a Ctrl-C within a statement
            connection.exec_driver_sql(f"PRAGMA {pragma} = {int(before or 0)}")


@contextmanager
def explaining(table: str, what: str) -> Iterator[None]:
    """Have SQLite's refusal of what the table is to get as an error that names both."""
    try:
        yield
    except IntegrityError as error:
        raise RowsDoNotFit(
            f"rows of `{table}` do not fit {what}",
            why=f"SQLite says: {first_line(error)}",
            do="correct them before: op.execute(...)",
            table=table,
        ) from error
    except OperationalError as error:
        if sqlite_errors.explain(None, error) is not None:
            raise
        raise MigrationFailed(
            f"table `{table}` cannot be given {what}", why=f"SQLite says: {first_line(error)}", table=table
        ) from error
