"""All that differs between database servers; `open_database(url)` is the way in."""

from oppmigrate.databases.base import Database
from oppmigrate.databases.leftovers import Leftover, leftovers_in_the_way
from oppmigrate.databases.locking import Holder, Lock, OnWait, backoff_s
from oppmigrate.databases.opening import database_of_kind, open_database
from oppmigrate.databases.reaching import until_reachable

__all__ = [
    "Database",
    "Holder",
    "Leftover",
    "leftovers_in_the_way",
    "Lock",
    "OnWait",
    "backoff_s",
    "database_of_kind",
    "open_database",
    "until_reachable",
]
