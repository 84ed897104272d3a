"""Commands are found by listing folders: `commands/` for `oppman NAME`, `commands/migrate/` for `oppman migrate NAME`.

A command is a module with a docstring (its help), `add_arguments(parser)` and `run(arguments, settings) -> int`.
Only the module of the command that is run is imported; `help` reads the others' docstrings.
"""

import argparse
import contextlib
import importlib
import pkgutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from oppmigrate.blame import one_line
from oppmigrate.config import Settings
from oppmigrate.errors import ConfigurationError

PACKAGE = "oppmigrate.cli.commands"
GROUPS = ("migrate",)


@dataclass(frozen=True, slots=True)
class CommandGroup:
    """A word that commands stand behind; the root group has no name."""

    name: str

    @property
    def package(self) -> str:
        """The package whose modules are the group's commands."""
        return f"{PACKAGE}.{self.name}" if self.name else PACKAGE

    def command_names(self) -> tuple[str, ...]:
        """The names of the group's commands, without importing them."""
        folder = Path(__file__).parent / "commands" / self.name
        return tuple(sorted(each.name for each in pkgutil.iter_modules([str(folder)]) if not each.ispkg))

    def command(self, name: str) -> "Command":
        """One of the group's commands, imported."""
        return Command(f"{self.name} {name}".strip(), importlib.import_module(f"{self.package}.{name}"))


@dataclass(frozen=True, slots=True)
class Command:
    """A command's module, with its full name: `migrate upgrade`."""

    name: str
    module: ModuleType

    @property
    def docstring(self) -> str:
        """The command's help."""
        return (self.module.__doc__ or "").strip()

    @property
    def summary(self) -> str:
        """The first line of the help."""
        return self.docstring.split("\n", 1)[0]

    @property
    def example(self) -> str:
        """The line behind `Example:` in the help."""
        lines = [line.strip() for line in self.docstring.splitlines()]
        return next((line.removeprefix("Example:").strip() for line in lines if line.startswith("Example:")), "")

    @property
    def starts_project(self) -> bool:
        """May it run where there is no project yet?"""
        return getattr(self.module, "STARTS_PROJECT", False)

    @property
    def add_arguments(self) -> Callable[[argparse.ArgumentParser], None]:
        """Adds the command's own options to its parser."""
        add: Callable[[argparse.ArgumentParser], None] = self.module.add_arguments
        return add

    def run(self, arguments: argparse.Namespace, settings: Settings) -> int:
        """Run it and return the exit code."""
        code: int = self.module.run(arguments, settings)
        return code


ROOT = CommandGroup("")


def find_command(
    arguments: Sequence[str], application_commands: Callable[[], Sequence[str]]
) -> tuple[Command | CommandGroup, list[str]]:
    """The command that the arguments name, or the group that they stop at, and the arguments behind it.

    Args:
        application_commands: the modules that the application adds; asked only when no command of ours fits.
    """
    group, rest = ROOT, _help_last(arguments)
    if rest and rest[0] in GROUPS:
        group, rest = CommandGroup(rest[0]), _help_last(rest[1:])
    if not rest or rest[0].startswith("-"):
        return group, rest
    if rest[0] in group.command_names():
        return group.command(rest[0]), rest[1:]
    for module in application_commands():
        command = application_command(module)
        if command.name.split() == [*group.name.split(), rest[0]]:
            return command, rest[1:]
    return group, rest


def _help_last(arguments: Sequence[str]) -> list[str]:
    """`help NAME` and `--help NAME` as `NAME --help`."""
    if arguments and arguments[0] in ("help", "-h", "--help"):
        return [*arguments[1:], "--help"]
    return list(arguments)


def application_command(module_name: str) -> Command:
    """A command of the application's own, from a module that `[tool.oppman] commands` names.

    It is called like the module, unless a `COMMAND` in it says otherwise ("migrate example").

    Raises:
        ConfigurationError: the module cannot be imported, or is no command.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout is for the answer
            module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"the command module {module_name} cannot be imported: {one_line(error)}",
            do="mend it, or take it out of `commands` in [tool.oppman] of pyproject.toml",
        ) from error
    if not (callable(getattr(module, "run", None)) and callable(getattr(module, "add_arguments", None))):
        raise ConfigurationError(
            f"{module_name} is no command: it has no add_arguments(parser) and run(arguments, settings)",
            do="add both, or take it out of `commands` in [tool.oppman] of pyproject.toml",
        )
    return Command(getattr(module, "COMMAND", module_name.rsplit(".", 1)[-1]), module)
