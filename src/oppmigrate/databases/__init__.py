"""All that differs between database servers; `open_database(url)` is the way in."""

from oppmigrate.databases.base import Database
from oppmigrate.databases.opening import open_database

__all__ = ["Database", "open_database"]
