"""Is there a proxy in front of PostgreSQL that gives each transaction another session, as pgbouncer does?

What a program sets in its session goes on there to whoever gets the session next: pg_dump's empty search_path would let
an application find none of its tables. Source: pgbouncer, "SQL feature map for pooling modes".
"""

from sqlalchemy import Connection, text

from oppmigrate.databases.locking import session_beside
from oppmigrate.errors import BackupError

TRIES = 5  # others may use the proxy at the same time, and get the session that we wait for
PID = text("SELECT pg_backend_pid()")


def shares_sessions(connection: Connection) -> bool:
    """Does the connection get another session of the server while somebody else holds the one that it had?"""
    with session_beside(connection) as beside:
        for _ in range(TRIES):
            connection.rollback()
            mine = connection.execute(PID).scalar_one()
            connection.rollback()
            others = beside.execute(PID).scalar_one()  # holds it until its transaction ends
            if others == mine:
                return True
            again = connection.execute(PID).scalar_one()
            beside.rollback()
            if again != mine:
                return True
    return False


def refuse_dump(connection: Connection) -> None:
    """Raises BackupError where pg_dump would leave its settings in sessions of other programs."""
    if shares_sessions(connection):
        raise BackupError(
            "pg_dump cannot be run through a proxy that gives each transaction another session",
            why="it would leave its settings there, an empty search_path among them, and whoever gets the session next "
            "finds no table",
            do="give the server's own address in place of the proxy's: DATABASE_URL=postgresql://… oppman backup",
            program="pg_dump",
        )
