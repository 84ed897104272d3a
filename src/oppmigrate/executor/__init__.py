"""The only unit that changes a database: lock, steps, checks, record."""

from oppmigrate.executor.accepting import accept_edits
from oppmigrate.executor.applying import apply
from oppmigrate.executor.pieces import steps_done
from oppmigrate.executor.run import Progress, Story
from oppmigrate.executor.settling import stamp
from oppmigrate.executor.whole import delete, restore

__all__ = ["Progress", "Story", "accept_edits", "apply", "delete", "restore", "stamp", "steps_done"]
