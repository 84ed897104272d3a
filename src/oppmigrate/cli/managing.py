"""The manager that a command works with."""

from argparse import Namespace

from oppmigrate.cli.terminal import Terminal
from oppmigrate.config import Settings
from oppmigrate.manager import MigrationManager


def open_manager(arguments: Namespace, settings: Settings) -> MigrationManager:
    """The project's manager, which tells on stderr when it waits for the database's server."""
    terminal: Terminal = arguments.terminal
    manager = MigrationManager(settings, verbose=arguments.verbose)
    manager.on_unreachable = lambda what: terminal.story(f"waiting: {what}")
    return manager
