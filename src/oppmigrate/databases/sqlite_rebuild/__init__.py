"""Changing a SQLite table so that nothing is lost: by ALTER TABLE, an edit, or SQLite's rebuild."""

from oppmigrate.databases.sqlite_rebuild.change import SQLiteTableChange

__all__ = ["SQLiteTableChange"]
