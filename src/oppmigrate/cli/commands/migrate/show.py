"""One revision in full: message, ids, date and file, what it does in words, and its SQL for this database.

Example: python oppman.py migrate show head
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.managing import open_manager
from oppmigrate.cli.terminal import Terminal
from oppmigrate.config import Settings
from oppmigrate.results import Step


def add_arguments(parser: ArgumentParser) -> None:
    """Which revision."""
    parser.add_argument("revision", nargs="?", default="head", metavar="REVISION", help="(default: head)")


def run(arguments: Namespace, settings: Settings) -> int:
    """Print the revision."""
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
    for step in (result.upgrade, result.downgrade):
        _print_step(terminal, step)
    return 0


def _print_step(terminal: Terminal, step: Step) -> None:
    terminal.data(f"\n{terminal.paint(step.direction, 'bold')}")
    for change in step.changes:
        mark = "!" if change.loses_data else ("+" if step.direction == "upgrade" else "-")
        terminal.data(f"  {mark} {change.text}")
    if step.sql_note:
        terminal.data(f"  ({step.sql_note})")
    elif not step.changes:
        terminal.data("  nothing")
    for statement in step.sql:
        terminal.data("\n".join(f"    {line}" for line in statement.splitlines()))
