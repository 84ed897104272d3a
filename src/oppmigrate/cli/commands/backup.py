"""Save the database to backups/, named after the time and the revision, and prove the copy whole.

SQLite is copied while others write; PostgreSQL goes through pg_dump, MariaDB and MySQL through mariadb-dump.

Example: python oppman.py backup
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from oppmigrate.cli.managing import open_manager
from oppmigrate.cli.sizes import age_in_words, size_in_words
from oppmigrate.config import Settings


def add_arguments(parser: ArgumentParser) -> None:
    """`--output` and `--list`."""
    parser.add_argument("-o", "--output", type=Path, metavar="PATH", help="the file to write")
    parser.add_argument("--list", action="store_true", help="list the backups, newest first")


def run(arguments: Namespace, settings: Settings) -> int:
    """Take one, or list them."""
    terminal = arguments.terminal
    manager = open_manager(arguments, settings)
    if arguments.list:
        backups = manager.backups()
        terminal.result(backups)
        for each in backups:
            size, age = size_in_words(each.size_bytes), age_in_words(each.created)
            kind = "  automatic" if each.is_automatic else ""
            terminal.data(f"{settings.shown(each.path)}  {size:>9}  {age:>12}  {each.revision or '?'}{kind}")
        if not backups:
            terminal.data("no backups yet")
        return 0
    with terminal.working("backing up"):
        result = manager.backup(arguments.output.absolute() if arguments.output else None)
    terminal.result(result)
    terminal.data(f"saved     {settings.shown(result.path)} ({size_in_words(result.size_bytes)})")
    terminal.story(f"restore   python oppman.py restore {result.path.name}")
    return 0
