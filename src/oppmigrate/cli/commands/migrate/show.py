"""One revision in full: message, ids, date and file, what it does in words, and its SQL for this database.

--from-journal prints the file as it was applied, also where it was edited or deleted since: put it into a file with
`> FILE`. When it was run, and by whom, goes to stderr.

Example: python oppman.py migrate show head
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.managing import open_manager
from oppmigrate.cli.runs import run_in_words, time_of
from oppmigrate.cli.terminal import Terminal
from oppmigrate.config import Settings
from oppmigrate.results import Step

SHOW = "python oppman.py migrate show {} --from-journal"


def add_arguments(parser: ArgumentParser) -> None:
    """Which revision."""
    parser.add_argument("revision", nargs="?", default="head", metavar="REVISION", help="(default: head)")
    parser.add_argument("--from-journal", action="store_true", help="the file as it was applied to the database")


def run(arguments: Namespace, settings: Settings) -> int:
    """Print the revision."""
    return (_show_stored if arguments.from_journal else _show)(arguments, settings)


def _show(arguments: Namespace, settings: Settings) -> int:
    terminal: Terminal = arguments.terminal
    with terminal.working("reading the revision"):
        result = open_manager(arguments, settings).show(arguments.revision)
    terminal.result(result)
    info = result.revision
    rows = (
        ("message", info.message),
        ("revision", f"{info.revision}{' (head)' if info.is_head else ''}"),
        ("parent", ", ".join(info.down_revisions) or "base"),
        ("depends on", ", ".join(info.depends_on)),
        ("labels", ", ".join(info.branch_labels)),
        ("created", str(info.created or "")),
        ("status", info.status),
        ("file", settings.shown(info.path)),
    )
    for label, value in rows:
        if value:
            terminal.data(f"{label:<10} {value}")
    if result.edited:
        terminal.data(f"{'edited':<10} since it was applied on {time_of(result.edited.applied)} by {result.edited.by}")
        terminal.story(f"next       {SHOW.format(info.revision)}  prints what was applied")
    _print_step(terminal, result.upgrade, "nothing")
    leaves_rows = result.upgrade.data_steps and not result.downgrade.data_steps
    _print_step(
        terminal, result.downgrade, "nothing: the rows stay as the upgrade leaves them" if leaves_rows else "nothing"
    )
    return 0


def _show_stored(arguments: Namespace, settings: Settings) -> int:
    """The text on stdout and nothing else, so that it is the file again where it is put into one."""
    terminal: Terminal = arguments.terminal
    with terminal.working("reading the journal"):
        stored = open_manager(arguments, settings).show_stored(arguments.revision)
    terminal.result(stored)
    terminal.story(f"{stored.revision}  {stored.message}  (on {', '.join(stored.down_revisions) or 'base'})")
    for run in stored.runs:
        terminal.story(f"  {run_in_words(run)}")
    terminal.source(stored.source, stored.encoding)
    return 0


def _print_step(terminal: Terminal, step: Step, nothing: str) -> None:
    terminal.data(f"\n{terminal.paint(step.direction, 'bold')}")
    for change in step.changes:
        mark = "!" if change.loses_data else ("+" if step.direction == "upgrade" else "-")
        terminal.data(f"  {mark} {change.text}")
    if step.sql_note:
        terminal.data(f"  ({step.sql_note})")
    elif not step.changes:
        terminal.data(f"  {nothing}")
    for statement in step.sql:
        terminal.data("\n".join(f"    {line}" for line in statement.splitlines()))
