"""Undo revisions, back to one.

REVISION is an id, the beginning of one, `-N` for the last N, `base` for all, or LABEL@base. Shows what would be
undone and asks, or takes --yes: a downgrade drops what the upgrade added. --from-journal also undoes revisions whose
files are gone, by what the journal has kept of them.

Example: python oppman.py migrate downgrade -1
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.applying import add_apply_arguments, run_apply
from oppmigrate.config import Settings


def add_arguments(parser: ArgumentParser) -> None:
    """The target, and how to get there."""
    parser.add_argument("revision", metavar="REVISION", help="where to go back to")
    parser.add_argument(
        "--from-journal", action="store_true", help="take files that are gone from the journal, where it was applied"
    )
    add_apply_arguments(parser)


def run(arguments: Namespace, settings: Settings) -> int:
    """Undo, or show the plan."""
    return run_apply("downgrade", arguments, settings)
