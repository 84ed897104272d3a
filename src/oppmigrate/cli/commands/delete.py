"""Start fresh: delete the database's contents, after a backup.

SQLite: the file, with its -wal and -shm. PostgreSQL, MariaDB: every table, view and type; the database itself
stays. Asks first, or takes --yes; --no-backup leaves the backup out.

Example: python oppman.py delete --yes
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.managing import open_manager
from oppmigrate.config import Settings


def add_arguments(parser: ArgumentParser) -> None:
    """`--yes` and `--no-backup`."""
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--no-backup", action="store_true", help="take no backup first")


def run(arguments: Namespace, settings: Settings) -> int:
    """Ask, then delete."""
    terminal = arguments.terminal
    manager = open_manager(arguments, settings)
    if not arguments.yes:
        without = ", WITHOUT a backup" if arguments.no_backup else ""
        terminal.confirm(f"Delete everything in {manager.database_name()}{without}?")
    with terminal.working("deleting"):
        result = manager.delete(backup=not arguments.no_backup)
    terminal.result(result)
    if not result.removed:
        terminal.data("there is no database, nothing deleted")
        return 0
    for each in result.removed:
        terminal.data(f"deleted   {each}")
    if result.backup:
        terminal.story(f"saved     {settings.shown(result.backup)}")
    terminal.story("next      python oppman.py migrate upgrade")
    return 0
