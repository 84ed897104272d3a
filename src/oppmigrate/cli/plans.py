"""How a plan is shown: `--plan` in words, `--sql` as statements."""

from argparse import ArgumentParser, Namespace
from functools import partial

from oppmigrate.cli.managing import open_manager
from oppmigrate.cli.sizes import counted
from oppmigrate.cli.terminal import Terminal
from oppmigrate.config import Settings
from oppmigrate.errors import WrongUsage
from oppmigrate.results import BackupNeed, Change, Direction, Plan, Step


def add_plan_arguments(parser: ArgumentParser) -> None:
    """`--plan`, `--sql` and `--dialect`."""
    parser.add_argument("--plan", action="store_true", help="show what would be done, and change nothing")
    parser.add_argument(
        "--sql", action="store_true", help="print it as an SQL script, and change nothing; takes FROM:TO as well"
    )
    parser.add_argument(
        "--dialect",
        metavar="NAME",
        help="with --sql: for sqlite, postgresql, mysql or mariadb; needs no database, and starts at the base",
    )


def wants_plan(arguments: Namespace) -> bool:
    """Is the plan only to be shown?

    Raises:
        WrongUsage: an option of a script without --sql.
    """
    if arguments.dialect and not arguments.sql:
        raise WrongUsage("--dialect is for --sql", do="add --sql")
    return bool(arguments.plan or arguments.sql)


def wanted_backup(arguments: Namespace) -> bool | None:
    """What --backup and --no-backup say; None for neither."""
    return True if arguments.backup else False if arguments.no_backup else None


def show_plan(direction: Direction, arguments: Namespace, settings: Settings) -> int:
    """Show what an upgrade or a downgrade would do; changes nothing."""
    terminal: Terminal = arguments.terminal
    if arguments.sql:
        return _show_script(direction, arguments, settings)
    manager = open_manager(arguments, settings)
    make = (
        manager.plan_upgrade
        if direction == "upgrade"
        else partial(manager.plan_downgrade, from_journal=arguments.from_journal)
    )
    with terminal.working("planning"):
        plan = make(arguments.revision, backup=wanted_backup(arguments))
    terminal.result(plan)
    _print_plan(terminal, plan, settings)
    return 0


def _show_script(direction: Direction, arguments: Namespace, settings: Settings) -> int:
    terminal: Terminal = arguments.terminal
    manager = open_manager(arguments, settings)
    with terminal.working("planning"):
        script = manager.script(direction, arguments.revision, dialect=arguments.dialect)
    terminal.result(script)
    terminal.data(script.text.rstrip("\n"))
    for warning in script.warnings:
        terminal.warn(warning)
    return 0


def _print_plan(terminal: Terminal, plan: Plan, settings: Settings) -> None:
    start, end = (", ".join(heads) or "base" for heads in (plan.start, plan.end))
    terminal.data(f"from {start} to {end}: {counted(len(plan.steps), 'revision')}")
    for step in plan.steps:
        _print_step(terminal, step)
    if plan.backup is not None and plan.steps:
        terminal.data(f"\n{_backup_line(plan.backup, settings)}")
    if any(step.loses_data for step in plan.steps):
        terminal.story("the lines marked ! remove data, which a downgrade does not bring back")


def _print_step(terminal: Terminal, step: Step) -> None:
    terminal.data(f"\n{terminal.paint(f'{step.direction} {step.revision}  {step.message}', 'bold')}")
    for change in step.changes:
        mark = "!" if change.loses_data else ("+" if step.direction == "upgrade" else "-")
        terminal.data(f"  {mark} {change.text}{_at_stake(change)}")
    if step.sql_note:
        terminal.data(f"  ? {step.sql_note}")
    facts = [f"tables {', '.join(step.tables)}"] if step.tables else []
    facts += ["changes rows"] if step.data_steps else []
    if step.transactional is not None:
        facts.append("in one transaction" if step.transactional else "commits as it goes")
    terminal.data(terminal.paint(f"    {'; '.join(facts)}", "dim"))


def _at_stake(change: Change) -> str:
    """`(41,203 rows now)`, where they were counted."""
    if change.rows_at_stake is None:
        return ""
    what = "row" if change.text.startswith("drop table") else "value"
    number = f"{change.rows_at_stake:,} {what}{'s' * (change.rows_at_stake != 1)}"
    return f"  ({'at least ' if change.is_at_least else ''}{number} now)"


def _backup_line(need: BackupNeed, settings: Settings) -> str:
    if need.is_taken:
        return f"backup  is taken first, in {settings.shown(settings.backup_directory)} ({need.why})"
    return f"backup  none, although one is due: {need.why}" if need.is_missing else f"backup  none ({need.why})"
