"""Put a backup in the place of the database; what stood there is backed up first.

BACKUP is a path, a name in backups/ or the beginning of one; the newest by default. The backup is proved readable
before the database is touched. Asks first, or takes --yes.

Example: python oppman.py restore --yes
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.managing import open_manager
from oppmigrate.config import Settings


def add_arguments(parser: ArgumentParser) -> None:
    """Which backup, and `--yes`."""
    parser.add_argument("backup", nargs="?", metavar="BACKUP", help="(default: the newest)")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")


def run(arguments: Namespace, settings: Settings) -> int:
    """Ask, then restore."""
    terminal = arguments.terminal
    manager = open_manager(arguments, settings)
    found = manager.find_backup(arguments.backup)
    if not arguments.yes:
        terminal.confirm(f"Replace the database with {settings.shown(found.path)}?")
    with terminal.working("restoring"):
        result = manager.restore(str(found.path))
    terminal.result(result)
    terminal.data(f"restored  {settings.shown(result.restored)}")
    if result.saved:
        terminal.story(f"saved     {settings.shown(result.saved)} (the database as it stood before)")
    if result.note:
        terminal.warn(result.note)
    return 0
