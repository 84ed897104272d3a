"""How a plan is shown: `--plan` in words, `--sql` as statements."""

from argparse import ArgumentParser, Namespace
from functools import partial

from oppmigrate.cli.managing import open_manager
from oppmigrate.cli.sizes import counted
from oppmigrate.cli.terminal import Terminal
from oppmigrate.config import Settings
from oppmigrate.results import Direction, Plan


def add_plan_arguments(parser: ArgumentParser) -> None:
    """`--plan` and `--sql`."""
    parser.add_argument("--plan", action="store_true", help="show what would be done, and change nothing")
    parser.add_argument("--sql", action="store_true", help="print the SQL that would be run, and change nothing")


def wants_plan(arguments: Namespace) -> bool:
    """Is the plan only to be shown?"""
    return bool(arguments.plan or arguments.sql)


def show_plan(direction: Direction, arguments: Namespace, settings: Settings) -> int:
    """Show what an upgrade or a downgrade would do; changes nothing."""
    terminal: Terminal = arguments.terminal
    manager = open_manager(arguments, settings)
    make = (
        manager.plan_upgrade
        if direction == "upgrade"
        else partial(manager.plan_downgrade, from_journal=arguments.from_journal)
    )
    with terminal.working("planning"):
        plan = make(arguments.revision)
    terminal.result(plan)
    (_print_sql if arguments.sql else _print_plan)(terminal, plan)
    return 0


def _print_plan(terminal: Terminal, plan: Plan) -> None:
    start, end = (", ".join(heads) or "base" for heads in (plan.start, plan.end))
    terminal.data(f"from {start} to {end}: {counted(len(plan.steps), 'revision')}")
    for step in plan.steps:
        terminal.data(f"{step.direction} {step.revision}  {step.message}")
        for change in step.changes:
            mark = "!" if change.loses_data else ("+" if step.direction == "upgrade" else "-")
            terminal.data(f"  {mark} {change.text}")
        if step.sql_note:
            terminal.data(f"  ({step.sql_note})")


def _print_sql(terminal: Terminal, plan: Plan) -> None:
    for step in plan.steps:
        terminal.data(f"-- {step.direction} {step.revision}: {step.message}")
        if step.sql_note:
            terminal.data(f"-- {step.sql_note}")
        for statement in step.sql:
            terminal.data(statement)
        terminal.data("")
