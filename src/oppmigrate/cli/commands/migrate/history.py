"""The revisions, newest first: id, status, date, message.

-r takes a range, A:B, :B, A:, with ids, prefixes, `current` or -N. --graph draws branches and merges. --verbose tells
what the journal knows of each: when it was run, how long that took, by whom, and what failed.

Example: python oppman.py migrate history
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.listing import print_revisions
from oppmigrate.cli.managing import open_manager
from oppmigrate.cli.runs import run_in_words
from oppmigrate.cli.terminal import Terminal
from oppmigrate.config import Settings
from oppmigrate.lines import NO_REVISIONS, STATUS_STYLES
from oppmigrate.manager import MigrationManager
from oppmigrate.results import HistoryResult


def add_arguments(parser: ArgumentParser) -> None:
    """`--graph` and the range; `--verbose` is every command's."""
    parser.add_argument("--graph", action="store_true", help="draw branches and merges")
    parser.add_argument("-r", "--range", metavar="A:B", help="only the revisions of a range")


def run(arguments: Namespace, settings: Settings) -> int:
    """One line a revision."""
    terminal: Terminal = arguments.terminal
    manager = open_manager(arguments, settings)
    result = manager.history(arguments.range, runs=arguments.verbose or terminal.as_json)
    terminal.result(result)
    if result.database_note:
        terminal.warn(f"what is applied is unknown: {result.database_note}")
    if not result.revisions:
        terminal.data("no revisions in this range" if arguments.range else NO_REVISIONS)
    elif arguments.graph:
        _print_graph(terminal, manager, result)
    else:
        print_revisions(terminal, result.revisions, verbose=arguments.verbose, runs=result.runs)
    _print_runs_without_file(terminal, result)
    return 0


def _print_runs_without_file(terminal: Terminal, result: HistoryResult) -> None:
    listed = {info.revision for info in result.revisions}
    left = [run for run in result.runs if run.revision not in listed]
    if left:
        terminal.data("in the journal, and no file defines it:")
    for run in left:
        terminal.data(f"  {run.revision}  {run_in_words(run)}")


def _print_graph(terminal: Terminal, manager: MigrationManager, result: HistoryResult) -> None:
    infos = {info.revision: info for info in result.revisions}
    drawing = manager.drawing()
    width = max((len(columns) for columns, _revision in drawing), default=0)
    for columns, revision in drawing:
        info = infos.get(revision or "")
        if revision is None:
            terminal.data(columns.rstrip())
        elif info is not None:
            labels = "".join(f" [{label}]" for label in info.branch_labels)
            status = terminal.paint(f"({info.status})", STATUS_STYLES[info.status])
            terminal.data(f"{columns:<{width}}  {info.revision}  {info.message}{labels}  {status}")
