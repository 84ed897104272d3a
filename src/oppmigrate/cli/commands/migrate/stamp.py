"""Record a revision as applied without running anything.

For a database whose tables are there already. --purge forgets what was recorded before, for a database that
stands at a revision whose file is gone.

--accept-edits is for files that were edited after they were applied, where the database is as they say now: they then
stand for what was applied, all of them or that of REVISION. Where the database stands does not change.

Example: python oppman.py migrate stamp head
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.managing import open_manager
from oppmigrate.cli.terminal import Terminal
from oppmigrate.config import Settings
from oppmigrate.errors import WrongUsage
from oppmigrate.manager import MigrationManager


def add_arguments(parser: ArgumentParser) -> None:
    """The revision, and `--purge`."""
    parser.add_argument(
        "revision", nargs="?", metavar="REVISION", help="`head`, `heads`, `base`, an id or the beginning of one"
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--purge", action="store_true", help="forget every recorded revision first")
    choice.add_argument("--accept-edits", action="store_true", help="let edited files stand for what was applied")


def run(arguments: Namespace, settings: Settings) -> int:
    """Record it, and say where the database stood and stands."""
    terminal: Terminal = arguments.terminal
    manager = open_manager(arguments, settings)
    if arguments.accept_edits:
        return _accept_edits(terminal, manager, arguments.revision)
    if arguments.revision is None:
        raise WrongUsage("the following arguments are required: REVISION", do="python oppman.py migrate stamp head")
    with terminal.working("waiting for the database"):
        result = manager.stamp(arguments.revision, purge=arguments.purge, tell=terminal.story)
    terminal.result(result)
    before, after = (", ".join(heads) or "base" for heads in (result.before, result.after))
    terminal.data(f"stamped: the database was at {before} and is recorded at {after}")
    terminal.story("nothing was run")
    return 0


def _accept_edits(terminal: Terminal, manager: MigrationManager, revision: str | None) -> int:
    with terminal.working("waiting for the database"):
        result = manager.accept_edits(revision)
    terminal.result(result)
    for accepted in result.accepted:
        terminal.data(f"accepted  {accepted}: its file stands for what was applied")
    if not result.accepted:
        terminal.data("nothing to accept: no file was edited after it was applied")
    return 0
