"""Join several heads, as two branches of work leave them, in one revision.

Example: python oppman.py migrate merge "Join orders and invoices"
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.managing import open_manager
from oppmigrate.config import Settings


def add_arguments(parser: ArgumentParser) -> None:
    """The message, and which heads."""
    parser.add_argument("message", nargs="?", default="Merge heads", help="what the revision is called")
    parser.add_argument("--head", action="append", default=[], metavar="REVISION", help="a head to join (default: all)")


def run(arguments: Namespace, settings: Settings) -> int:
    """Write the merge."""
    terminal = arguments.terminal
    manager = open_manager(arguments, settings)
    result = manager.merge(arguments.message, arguments.head)
    terminal.result(result)
    terminal.data(f"wrote     {settings.shown(result.path)}")
    terminal.story(f"joins     {', '.join(result.merged)}")
    terminal.story("next      python oppman.py migrate upgrade")
    return 0
