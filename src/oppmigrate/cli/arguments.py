"""Arguments: the global options, before or after the command, and each command's own."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from oppmigrate.errors import WrongUsage

if TYPE_CHECKING:
    from oppmigrate.cli.registry import Command

GLOBAL_OPTIONS = "\n".join(
    (
        "options of every command, before or after it:",
        "  --project DIR        the project's folder (default: this one, or the nearest above that holds a project)",
        "  --database-url URL   the database, in place of DATABASE_URL, pyproject.toml and alembic.ini",
        "  -c, --config FILE    the alembic.ini to use",
        "  -n, --name SECTION   its section to read (default: alembic)",
        "  -x KEY=VALUE         for an env.py that reads it; may be repeated",
        "  --json               the result as JSON on stdout",
        "  --no-input           never ask; refuse what would need an answer",
        "  -v, --verbose        more: Alembic's log, and the traceback behind an error",
        "  -q, --quiet          only data and errors",
        "  --version            print the version",
    )
)


class _Parser(argparse.ArgumentParser):
    """argparse, with its usage errors raised as ours."""

    def error(self, message: str) -> NoReturn:
        raise WrongUsage(message, do=f"{self.prog} --help" if self.prog else None)


def parse_globals(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The global options, wherever they stand, and the arguments that are left, in their order."""
    parser = _Parser(prog="oppman", add_help=False, allow_abbrev=False)
    parser.add_argument("--project")
    parser.add_argument("--database-url")
    parser.add_argument("-c", "--config")
    parser.add_argument("-n", "--name")
    parser.add_argument("-x", action="append", default=[])
    for flags in (("--json",), ("--no-input",), ("-v", "--verbose"), ("-q", "--quiet"), ("--version",)):
        parser.add_argument(*flags, action="store_true")
    return parser.parse_known_args(_joined(argv))


def _joined(argv: Sequence[str]) -> list[str]:
    """`-r -3:` as `-r=-3:`: argparse takes a value that begins with a dash only behind an equals sign."""
    joined: list[str] = []
    for argument in argv:
        if joined and joined[-1] in ("-r", "--range") and argument.startswith("-"):
            joined[-1] = f"--range={argument}"
        else:
            joined.append(argument)
    return joined


class CommandParser:
    """The parser of one command; its help is the command's module docstring."""

    def __init__(self, command: "Command") -> None:
        self._parser = _Parser(
            prog=f"oppman {command.name}",
            description=command.docstring,
            epilog=GLOBAL_OPTIONS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            add_help=False,
        )
        self._parser.add_argument("-h", "--help", action="store_true", help="show this page")
        command.add_arguments(self._parser)

    def parse(self, arguments: list[str]) -> argparse.Namespace | None:
        """The arguments; None where help is asked for.

        Raises:
            WrongUsage: an option is unknown, a value is missing or does not fit.
        """
        if "-h" in arguments or "--help" in arguments:
            return None
        return self._parser.parse_args(arguments)

    def format_help(self) -> str:
        """The command's help page."""
        return self._parser.format_help()
