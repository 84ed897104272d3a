"""Is the database up to date, and do models and migrations agree? Exit 0 only if both hold.

Lists what is pending (in the files, not in the database), what is unmade (in the models, not in the files), and the
files that were edited after they were applied; with --verbose, what was edited in them.
--pending looks at files and database only: quick enough for every start of the application.

Example: python oppman.py migrate check
"""

from argparse import ArgumentParser, Namespace
from itertools import groupby

from oppmigrate.cli.collecting import collecting_seldom
from oppmigrate.cli.listing import offer_missing, print_half_done, print_revisions
from oppmigrate.cli.managing import open_manager
from oppmigrate.cli.runs import time_of
from oppmigrate.cli.sizes import counted
from oppmigrate.cli.terminal import Terminal
from oppmigrate.config import Settings
from oppmigrate.lines import NEXT_UPGRADE, NOTHING_PENDING
from oppmigrate.results import Change, CheckResult

ACCEPT = "python oppman.py migrate stamp --accept-edits"


def add_arguments(parser: ArgumentParser) -> None:
    """`--pending`."""
    parser.add_argument("--pending", action="store_true", help="files and database only; the models are not read")


def run(arguments: Namespace, settings: Settings) -> int:
    """Print what is to be done; 0 where there is nothing."""
    terminal: Terminal = arguments.terminal
    with terminal.working("comparing"), collecting_seldom():
        result = open_manager(arguments, settings).check(pending_only=arguments.pending)
    terminal.result(result)
    if result.is_clean:
        terminal.data(NOTHING_PENDING if arguments.pending else f"{NOTHING_PENDING}, models and migrations agree")
        return 0
    _print_findings(terminal, result)
    _print_edited(terminal, result, settings, verbose=arguments.verbose)
    return 1


def _print_findings(terminal: Terminal, result: CheckResult) -> None:
    if result.missing:
        terminal.data(f"recorded in the database, and no file defines it: {', '.join(result.missing)}")
        offer_missing(terminal, result.missing, result.stored)
    if result.half_done:
        print_half_done(terminal, result.half_done)
    if result.pending:
        terminal.data(f"pending: {counted(len(result.pending), 'revision')} not applied")
        print_revisions(terminal, result.pending)
    if (result.pending or result.half_done) and not result.missing:
        terminal.story(NEXT_UPGRADE)
    if result.unmade:
        terminal.data("unmade: the models differ from the migrations")
        for table, changes in groupby(sorted(result.unmade, key=_table), key=_table):
            terminal.data(f"  {table or '(no table)'}")
            for change in changes:
                terminal.data(f"    {change.text}")
        terminal.story('next      python oppman.py migrate create "what changed"')


def _print_edited(terminal: Terminal, result: CheckResult, settings: Settings, *, verbose: bool) -> None:
    if not result.edited:
        return
    terminal.data("edited: files that mean something else than what was applied")
    for each in result.edited:
        terminal.data(f"  {each.revision}  {settings.shown(each.path)}  (applied {time_of(each.applied)} by {each.by})")
        for line in each.diff.splitlines() if verbose else ():
            terminal.data(f"    {line}")
    last = result.edited[0]
    terminal.story(
        f"next      bring back what was applied: python oppman.py migrate show {last.revision} --from-journal "
        f"> {settings.shown(last.path)}"
    )
    terminal.story(f"          or, if the database is as the file says: {ACCEPT} {last.revision}")


def _table(change: Change) -> str:
    return change.table or ""
