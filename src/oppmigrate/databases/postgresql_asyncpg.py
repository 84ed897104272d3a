"""asyncpg behind a proxy that gives each transaction another session: it prepares every statement in one of them.

Sources: SQLAlchemy, "Prepared Statement Name with PGBouncer"; asyncpg, "Why am I getting prepared statement errors?".
"""

import secrets
import time
from typing import Any

from sqlalchemy import Engine, event

from oppmigrate.databases.locking import autocommits
from oppmigrate.databases.postgresql_errors import sqlstate

# What one session has prepared, another does not know: nothing is kept, and each gets a name that no other client has.
CONNECT_ARGUMENTS: dict[str, Any] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: f"oppmigrate_{secrets.token_hex(8)}",
}
UNKNOWN_STATEMENT = "26000"  # invalid_sql_statement_name
TRIES_S = 30.0


def insist(engine: Engine) -> None:
    """Send a statement that commits by itself once more when it was prepared in one session and run in another.

    Without a transaction around them, preparing and running are two transactions, and others may get the session
    between. The server then knows no such statement and has run nothing.
    """
    if not event.contains(engine, "do_execute", _execute):
        event.listen(engine, "do_execute", _execute)
        event.listen(engine, "do_execute_no_params", _execute_without)


def _execute_without(cursor: Any, statement: str, context: Any) -> bool:
    return _execute(cursor, statement, None, context)


def _execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    if not autocommits(context.root_connection):
        return False
    end = time.monotonic() + TRIES_S
    while True:
        try:
            cursor.execute(statement, parameters)
        except context.dialect.dbapi.Error as error:
            if sqlstate(error) != UNKNOWN_STATEMENT or time.monotonic() > end:
                raise
        else:
            return True
