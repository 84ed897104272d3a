"""Where the database stands: its revision, and how many are pending.

Example: python oppman.py migrate current
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.listing import offer_missing, print_half_done
from oppmigrate.cli.managing import open_manager
from oppmigrate.config import Settings
from oppmigrate.lines import NEXT_UPGRADE, base_line, current_line


def add_arguments(_parser: ArgumentParser) -> None:
    """No options of its own."""


def run(arguments: Namespace, settings: Settings) -> int:
    """A line for each recorded head."""
    terminal = arguments.terminal
    result = open_manager(arguments, settings).current()
    terminal.result(result)
    pending = len(result.pending)
    for info in result.revisions:
        terminal.data(current_line(info.revision, info.message, pending, is_all=result.is_head, is_head=info.is_head))
    for revision in result.missing:
        terminal.data(f"{revision} (no file defines it)")
    if not (result.revisions or result.missing):
        terminal.data(base_line(pending))
    if result.half_done:
        print_half_done(terminal, result.half_done)
    if not result.exists:
        terminal.story(f"there is no database at {result.database_url} yet")
    if result.missing:
        offer_missing(terminal, result.missing, result.stored)
    elif result.pending or result.half_done:
        terminal.story(NEXT_UPGRADE)
    return 0
