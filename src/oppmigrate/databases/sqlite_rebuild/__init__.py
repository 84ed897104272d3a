"""Changing a SQLite table so that nothing is lost: by ALTER TABLE where that is exact, else by SQLite's rebuild."""

from oppmigrate.databases.sqlite_rebuild.change import SQLiteTableChange

__all__ = ["SQLiteTableChange"]
