"""The only unit that changes a database: lock, steps, checks, record."""

from oppmigrate.executor.applying import apply
from oppmigrate.executor.run import Progress
from oppmigrate.executor.settling import stamp
from oppmigrate.executor.whole import delete, restore

__all__ = ["Progress", "apply", "delete", "restore", "stamp"]
