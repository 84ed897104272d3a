"""Half-made tables of a crashed stock `alembic`: explained, and dropped when a person says so."""

from sqlalchemy import Connection

from oppmigrate.databases import Database, Leftover
from oppmigrate.errors import Refused


def leftovers_to_drop(database: Database, connection: Connection, is_asked_for: bool) -> tuple[Leftover, ...]:
    """What there is, where it is to be dropped.

    Raises:
        Refused: there is some, and nobody asked for it to go.
    """
    found = database.find_leftovers(connection)
    if not found or is_asked_for:
        return found
    raise Refused(
        f"the database holds a half-made table: {'; '.join(map(_described, found))}",
        why="a migration by the stock `alembic` was interrupted there, and may have left other changes undone too",
        do="compare the tables with the revisions; then let it go with the next run: oppman migrate upgrade "
        "--drop-leftovers",
        tables=[each.name for each in found],
    )


def _described(leftover: Leftover) -> str:
    rows = f"`{leftover.name}` with {leftover.rows:,} {'row' if leftover.rows == 1 else 'rows'}"
    if leftover.table is None:
        return f"{rows}, of whose table nothing is left"
    return f"{rows}, made for `{leftover.table}`, which has {leftover.table_rows:,}"
