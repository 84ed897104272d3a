"""What `upgrade` and `downgrade` share."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Literal

from oppmigrate.cli.arguments import seconds
from oppmigrate.cli.listing import warn_of_edits
from oppmigrate.cli.managing import open_manager
from oppmigrate.cli.plans import add_plan_arguments, show_plan, wanted_backup, wants_plan
from oppmigrate.cli.sizes import counted
from oppmigrate.cli.terminal import Terminal
from oppmigrate.config import Settings
from oppmigrate.lines import nothing_done
from oppmigrate.results import ApplyResult, Direction, Plan, Step

DONE = {"upgrade": "applied", "downgrade": "undone"}


def add_apply_arguments(parser: ArgumentParser) -> None:
    """Those of a plan, `--yes`, `--backup`, `--no-backup`, `--lock-timeout`."""
    add_plan_arguments(parser)
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    backup = parser.add_mutually_exclusive_group()
    backup.add_argument("--backup", action="store_true", help="back the database up first")
    backup.add_argument("--no-backup", action="store_true", help="no backup first, though one may be due")
    parser.add_argument(
        "--drop-leftovers", action="store_true", help="drop half-made tables of a crashed `alembic` (SQLite)"
    )
    parser.add_argument(
        "--lock-timeout",
        type=seconds,
        metavar="S",
        help="seconds to wait for another run to finish, and for locks on tables (default: 60)",
    )


def run_apply(direction: Direction, arguments: Namespace, settings: Settings) -> int:
    """Show the plan, or carry it out."""
    if wants_plan(arguments):
        return show_plan(direction, arguments, settings)
    terminal: Terminal = arguments.terminal
    manager = open_manager(arguments, settings)
    make, apply = (
        (manager.plan_upgrade, manager.upgrade)
        if direction == "upgrade"
        else (
            partial(manager.plan_downgrade, from_journal=arguments.from_journal),
            partial(manager.downgrade, from_journal=arguments.from_journal),
        )
    )
    if direction == "downgrade" and terminal.can_ask and not arguments.yes:
        _confirm(terminal, make(arguments.revision, details=False))
    teller = _Teller(terminal)
    with teller.waiting():
        result = apply(
            arguments.revision,
            backup=wanted_backup(arguments),
            lock_timeout_s=arguments.lock_timeout,
            progress=teller,
            tell=teller.tell,
            drops_leftovers=arguments.drop_leftovers,
        )
    terminal.result(result)
    warn_of_edits(terminal, result.edited, settings)
    _print_result(terminal, result)
    return 0


def _confirm(terminal: Terminal, plan: Plan) -> None:
    """On a terminal a downgrade is shown and asked; a program that calls it has decided already."""
    if not plan.steps:
        return
    for step in plan.steps:
        terminal.story(f"  undo {step.revision}  {step.message}")
    terminal.confirm(f"Undo {counted(len(plan.steps), 'revision')}, with all that came with it?")


class _Teller:
    """Tells of each step as it ends; shows what goes on meanwhile, where that lasts."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._shown = ExitStack()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Until the first step begins: connecting, and waiting for another run to finish."""
        with self._shown:
            self._show("waiting for the database")
            yield

    def __call__(self, step: Step, event: Literal["begin", "end"], duration_ms: float) -> None:
        if event == "begin":
            self._show(f"{step.direction} {step.revision}  {step.message}")
        else:
            self._show("finishing")
            self._terminal.story(f"  {DONE[step.direction]:<8} {step.revision}  {step.message}  ({duration_ms:.0f} ms)")

    def tell(self, text: str) -> None:
        """A line about what is waited for, or is done beside the steps."""
        self._terminal.story(f"  {text}")
        self._show("waiting for the database")

    def _show(self, text: str) -> None:
        self._shown.close()
        self._shown.enter_context(self._terminal.working(text))


def _print_result(terminal: Terminal, result: ApplyResult) -> None:
    if not result.plan.steps:
        terminal.data(nothing_done(result.plan.direction, result.heads))
        return
    count = counted(len(result.plan.steps), "revision")
    terminal.data(f"{DONE[result.plan.direction]} {count}: the database is at {', '.join(result.heads) or 'base'}")
