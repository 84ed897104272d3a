"""Help: every command with one line and an example."""

import ast
import difflib
from importlib.util import find_spec
from pathlib import Path

from oppmigrate.cli.arguments import GLOBAL_OPTIONS
from oppmigrate.cli.registry import GROUPS, PACKAGE, ROOT, CommandGroup, application_command
from oppmigrate.config import Settings, hide_password
from oppmigrate.errors import ConfigurationError, WrongUsage

# the order in which a newcomer meets them; a command that is not named here comes after these
ORDER = (
    *("init", "setup", "create", "merge", "upgrade", "downgrade", "stamp"),
    *("current", "history", "heads", "show", "check", "backup", "restore", "delete"),
)


def group_page(group: CommandGroup, settings: Settings) -> str:
    """The page of `oppman`, or of `oppman migrate`."""
    lines = ["Migrations for SQLModel and SQLAlchemy models, on Alembic.", ""]
    if not settings.is_initialised:
        lines += [f"No migrations in {settings.project} yet. To begin: python oppman.py migrate init", ""]
    groups = [group] if group != ROOT else [*(CommandGroup(name) for name in GROUPS), ROOT]
    for each in groups:
        lines += [f"{('oppman ' + each.name).strip()} COMMAND", *_rows(each), ""]
    if own := _application_rows(group, settings):
        lines += ["the application's own", *own, ""]
    lines += [f"{('oppman ' + group.name).strip()} COMMAND --help tells the rest of it.", "", GLOBAL_OPTIONS]
    return "\n".join(lines)


def unknown_command(group: CommandGroup, name: str, settings: Settings) -> WrongUsage:
    """The error for a word that is no command, with the nearest one."""
    prefix = f"oppman {group.name}".strip()
    names = [*GROUPS, *ROOT.command_names(), *(application_command(each).name for each in settings.commands)]
    names += [f"{each} {command}" for each in GROUPS for command in CommandGroup(each).command_names()]
    known = {each.rsplit(" ", 1)[-1]: f"oppman {each}" for each in names}
    name = hide_password(name)  # a URL that went astray may hold a password
    near = difflib.get_close_matches(name, known, n=1)
    return WrongUsage(
        f"there is no command `{prefix} {name}`",
        do=f"did you mean `{known[near[0]]}`?" if near else f"{prefix} help lists the commands",
    )


def _rows(group: CommandGroup) -> list[str]:
    names = sorted(group.command_names(), key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    return [line for name in names for line in _row(name, *_summary_and_example(group, name))]


def _row(name: str, summary: str, example: str) -> list[str]:
    return [f"  {name:<10} {summary}", f"  {'':<10}   {example}"] if example else [f"  {name:<10} {summary}"]


def _application_rows(group: CommandGroup, settings: Settings) -> list[str]:
    """The commands that the application adds behind the group's word; all of them on the page of `oppman`."""
    lines: list[str] = []
    for module in settings.commands:
        try:
            command = application_command(module)
            if group == ROOT or command.name.startswith(f"{group.name} "):
                lines += _row(command.name, command.summary, command.example)
        except ConfigurationError as error:
            lines += _row(module.rsplit(".", 1)[-1], f"(cannot be loaded: {error.what})", "")
    return lines


def _summary_and_example(group: CommandGroup, name: str) -> tuple[str, str]:
    """From the module's docstring, read without importing it: help costs no heavy import."""
    folder = group.name or ""
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.submodule_search_locations
    path = Path(next(iter(spec.submodule_search_locations))) / folder / f"{name}.py"
    lines = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()
    examples = (line.strip() for line in lines if line.strip().startswith("Example:"))
    return (lines or [""])[0], next(examples, "").removeprefix("Example:").strip()
