"""`MigrationManager`: a method for each command. It returns results, and never prints, prompts or exits."""

from oppmigrate.manager.applying import Applying
from oppmigrate.manager.looking import Looking
from oppmigrate.manager.making import Making
from oppmigrate.manager.scripting import Scripting

__all__ = ["MigrationManager"]


class MigrationManager(Making, Applying, Scripting, Looking):
    """The migrations of one project.

    Every method raises a subclass of `MigrateError` for what a user can cause, and changes nothing then unless
    the error says so. Safe to call inside a running event loop.

    Args:
        settings: a project's settings, or the project's folder.
        verbose: leave Alembic's own log messages on.
    """
