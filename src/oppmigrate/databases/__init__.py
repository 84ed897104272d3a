"""All that differs between database servers; `open_database(url)` is the way in."""

from oppmigrate.databases.base import Database
from oppmigrate.databases.locking import Holder, Lock, OnWait, backoff_s
from oppmigrate.databases.opening import database_of_kind, open_database
from oppmigrate.databases.reaching import until_reachable
from oppmigrate.databases.table_changes import Leftover

__all__ = [
    "Database",
    "Holder",
    "Leftover",
    "Lock",
    "OnWait",
    "backoff_s",
    "database_of_kind",
    "open_database",
    "until_reachable",
]
