"""Make a revision file from the difference between your models and the migrations.

Works whether the database is at the heads, behind, or not there yet. Where nothing differs, writes nothing.
A table or column that the models no longer have was renamed or is to go: create asks, or takes --rename and --drop.
Look the file over before you apply it.

Example: python oppman.py migrate create "Add orders table"
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.cli.collecting import collecting_seldom
from oppmigrate.cli.managing import open_manager
from oppmigrate.cli.questions import TerminalQuestioner
from oppmigrate.cli.terminal import Terminal
from oppmigrate.config import Settings
from oppmigrate.results import Proof


def add_arguments(parser: ArgumentParser) -> None:
    """The message, and what Alembic's `revision` takes."""
    parser.add_argument("message", nargs="?", help="what changes, in a few words; asked for on a terminal")
    parser.add_argument("-m", "--message", dest="option_message", metavar="MESSAGE", help="the same, Alembic's way")
    parser.add_argument("--empty", action="store_true", help="an empty revision, to be written by hand")
    parser.add_argument(
        "--data", action="store_true", help="one for a data step, to be written by hand: rows, not tables, change"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the file and write nothing")
    parser.add_argument(
        "--rename",
        action="append",
        default=[],
        metavar="OLD:NEW",
        help="users.name:full_name (a column) or users:accounts (a table); may be repeated",
    )
    parser.add_argument(
        "--rename-value",
        action="append",
        default=[],
        metavar="ENUM.OLD:NEW",
        help="status.pending:waiting, a value of the enum status (or of orders.status, a column); may be repeated",
    )
    parser.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="NAME",
        help="users.name (a column), users (a table) or status.pending (an enum's value) may go; may be repeated",
    )
    parser.add_argument(
        "--default",
        action="append",
        default=[],
        metavar="TABLE.COLUMN=VALUE",
        help="what rows already there get in a NOT NULL column that is new, or in place of NULL where a column is to "
        "take none any more; may be repeated",
    )
    parser.add_argument(
        "--down-default",
        action="append",
        default=[],
        metavar="TABLE.COLUMN=VALUE",
        help="the same on the way back, where the column is NOT NULL again; may be repeated",
    )
    parser.add_argument(
        "--no-verify",
        dest="verify",
        action="store_false",
        help="keep the file without having run it on a throw-away database",
    )
    parser.add_argument(
        "--cast",
        action="append",
        default=[],
        metavar="TABLE.COLUMN=SQL",
        help="what makes a column's values those of its new type: users.age='length(age)'; may be repeated",
    )
    parser.add_argument("--head", metavar="REVISION", help="the revision to build on, where there are several heads")
    parser.add_argument("--splice", action="store_true", help="build on a revision that is not a head")
    parser.add_argument("--branch-label", metavar="LABEL", help="name the branch that begins here")
    parser.add_argument("--depends-on", metavar="REVISION", help="a revision that must be applied before this one")
    parser.add_argument("--version-path", metavar="DIR", help="the folder to write to, where there are several")
    parser.add_argument("--rev-id", metavar="ID", help="the revision's id, in place of a random one")


def run(arguments: Namespace, settings: Settings) -> int:
    """Compare, write, and say what the file does."""
    terminal = arguments.terminal
    message = arguments.message or arguments.option_message
    if not (message and message.strip()):
        message = terminal.ask(
            "What changes (a few words for the file's name)",
            missing='create needs a message: python oppman.py migrate create "Add orders table"',
        )
    with terminal.working("comparing the models with the migrations"), collecting_seldom():
        result = open_manager(arguments, settings).create(
            message,
            empty=arguments.empty,
            data=arguments.data,
            dry_run=arguments.dry_run,
            head=arguments.head,
            splice=arguments.splice,
            branch_label=arguments.branch_label,
            depends_on=arguments.depends_on,
            version_path=arguments.version_path,
            revision=arguments.rev_id,
            renames=arguments.rename,
            drops=arguments.drop,
            defaults=arguments.default,
            down_defaults=arguments.down_default,
            verify=arguments.verify,
            value_renames=arguments.rename_value,
            casts=arguments.cast,
            questioner=TerminalQuestioner(terminal) if terminal.can_ask else None,
        )
    terminal.result(result)
    if result.path is None or result.source is None:
        terminal.data("no changes: models and migrations agree, nothing written")
        return 0
    for change in result.changes:
        mark = terminal.paint("  ! ", "yellow") if change.loses_data else "  + "
        (terminal.story if result.dry_run else terminal.data)(f"{mark}{change.text}")
    if result.dry_run:
        terminal.data(result.source.rstrip())
        terminal.story("dry run, nothing written")
        return 0
    terminal.data(f"wrote     {settings.shown(result.path)}")
    if any(change.loses_data for change in result.changes):
        terminal.warn("the lines marked ! remove data; a downgrade cannot bring it back")
    if result.proof is not None:
        _tell(terminal, result.proof)
    todo = "write what it is to do" if arguments.data else "look it over"
    terminal.story(f"next      {todo}, then: python oppman.py migrate upgrade")
    return 0


def _tell(terminal: Terminal, proof: Proof) -> None:
    """What became of the trial of the new file."""
    if proof.unproved:
        terminal.story(f"not tried on a throw-away database: {proof.unproved}")
    elif not (proof.differences or proof.left_behind):
        terminal.story("tried     up, down and up again, on a throw-away database")
    for change in proof.differences:
        terminal.warn(f"after its upgrade, models and database still differ: {change}; write it into upgrade()")
    for change in proof.left_behind:
        terminal.warn(f"its downgrade does not bring back what was there before: {change}; write it into downgrade()")
