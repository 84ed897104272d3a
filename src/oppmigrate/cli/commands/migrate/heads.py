"""The newest revision of each branch; more than one means that branches wait to be merged.

Example: python oppman.py migrate heads
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.listing import print_revisions
from oppmigrate.cli.managing import open_manager
from oppmigrate.config import Settings
from oppmigrate.lines import NEXT_MERGE, NO_REVISIONS


def add_arguments(_parser: ArgumentParser) -> None:
    """No options of its own."""


def run(arguments: Namespace, settings: Settings) -> int:
    """One line a head."""
    terminal = arguments.terminal
    result = open_manager(arguments, settings).heads()
    terminal.result(result)
    if result.database_note:
        terminal.warn(f"what is applied is unknown: {result.database_note}")
    if not result.revisions:
        terminal.data(NO_REVISIONS)
    print_revisions(terminal, result.revisions, verbose=arguments.verbose)
    if len(result.revisions) > 1:
        terminal.story(NEXT_MERGE)
    return 0
