"""The whole of a database: put another in its place, or take it away."""

from pathlib import Path

from oppmigrate.databases import Database


def restore(database: Database, backup: Path) -> str | None:
    """Put a backup in the place of the database, proved readable first; returns what a person should know of it."""
    return database.restore(backup)


def delete(database: Database) -> tuple[str, ...]:
    """Remove everything that the database holds, and say what that was."""
    return database.delete()
