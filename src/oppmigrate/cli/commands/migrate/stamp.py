"""Record a revision as applied without running anything.

For a database whose tables are there already. --purge forgets what was recorded before, for a database that
stands at a revision whose file is gone.

Example: python oppman.py migrate stamp head
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.managing import open_manager
from oppmigrate.config import Settings


def add_arguments(parser: ArgumentParser) -> None:
    """The revision, and `--purge`."""
    parser.add_argument("revision", metavar="REVISION", help="`head`, `heads`, `base`, an id or the beginning of one")
    parser.add_argument("--purge", action="store_true", help="forget every recorded revision first")


def run(arguments: Namespace, settings: Settings) -> int:
    """Record it, and say where the database stood and stands."""
    terminal = arguments.terminal
    manager = open_manager(arguments, settings)
    with terminal.working("waiting for the database"):
        result = manager.stamp(arguments.revision, purge=arguments.purge)
    terminal.result(result)
    before, after = (", ".join(heads) or "base" for heads in (result.before, result.after))
    terminal.data(f"stamped: the database was at {before} and is recorded at {after}")
    terminal.story("nothing was run")
    return 0
