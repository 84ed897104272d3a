"""Bring alembic.ini, env.py and script.py.mako to what init would write; your own lines stay.

Shows what changes as a diff and leaves a .bak beside each changed file. Does nothing the second time.

Example: python oppman.py migrate setup --dry-run
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.managing import open_manager
from oppmigrate.config import Settings


def add_arguments(parser: ArgumentParser) -> None:
    """`--dry-run`."""
    parser.add_argument("--dry-run", action="store_true", help="show the diff and change nothing")


def run(arguments: Namespace, settings: Settings) -> int:
    """Show the diffs, and write unless it is a dry run."""
    terminal = arguments.terminal
    with terminal.working("reading the configuration"):
        result = open_manager(arguments, settings).setup(dry_run=arguments.dry_run)
    terminal.result(result)
    for each in result.changed:
        terminal.data(each.diff.rstrip())
    for each in result.changed:
        if each.backup:
            terminal.story(f"changed   {settings.shown(each.path)} (before: {settings.shown(each.backup)})")
    if not result.changed:
        terminal.data("the configuration is up to date, nothing written")
    elif result.dry_run:
        terminal.story("dry run, nothing written")
    for note in result.notes:
        terminal.warn(note)
    return 0
