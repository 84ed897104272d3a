"""Apply the pending revisions: all of them, or up to one.

REVISION is an id, the beginning of one, `heads` (the default), `+N` for the next N, or LABEL@head.

Example: python oppman.py migrate upgrade
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.applying import add_apply_arguments, run_apply
from oppmigrate.config import Settings


def add_arguments(parser: ArgumentParser) -> None:
    """The target, and how to get there."""
    parser.add_argument("revision", nargs="?", default="heads", metavar="REVISION", help="where to go (default: heads)")
    add_apply_arguments(parser)


def run(arguments: Namespace, settings: Settings) -> int:
    """Apply, or show the plan."""
    return run_apply("upgrade", arguments, settings)
