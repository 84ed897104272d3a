"""Arguments: the global options, before or after the command, and each command's own."""

import argparse
import difflib
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn

from oppmigrate.config import hide_password
from oppmigrate.errors import WrongUsage

if TYPE_CHECKING:
    from oppmigrate.cli.registry import Command

LONGEST_WAIT_S = 24 * 3600
GLOBAL_OPTIONS = "\n".join(
    (
        "options of every command, before or after it:",
        "  --project DIR        the project's folder (default: this one, or the nearest above that holds a project)",
        "  --database-url URL   the database, in place of DATABASE_URL, pyproject.toml and alembic.ini",
        "  -c, --config FILE    the alembic.ini to use",
        "  -n, --name SECTION   its section to read (default: alembic)",
        "  -x KEY=VALUE         for an env.py that reads it; may be repeated",
        "  --wait-for-database S",
        "                       seconds to try again while the database's server starts (default: 0)",
        "  --json               the result as JSON on stdout",
        "  --no-input           never ask; refuse what would need an answer",
        "  -v, --verbose        more: details in lists, the traceback behind an error, what env.py logs",
        "  -q, --quiet          only data and errors",
        "  --version            print the version",
    )
)


class _Parser(argparse.ArgumentParser):
    """argparse, with its usage errors raised as ours."""

    def error(self, message: str) -> NoReturn:
        raise WrongUsage(hide_password(message), do=f"{self.prog} --help")

    @property
    def options(self) -> list[str]:
        """Every option that it takes."""
        return list(self._option_string_actions)


def unknown_argument(program: str, argument: str, options: Iterable[str]) -> WrongUsage:
    """The error for an argument that nothing takes; for an option with the nearest of those that there are."""
    if not argument.startswith("-"):
        # a URL that went astray may hold a password
        return WrongUsage(f"`{program}` takes no argument `{hide_password(argument)}` here", do=f"{program} --help")
    option = argument.split("=", 1)[0]
    near = difflib.get_close_matches(option, [*options, *_global_parser().options, "--help"], n=1)
    return WrongUsage(
        f"`{program}` has no option {option}", do=f"did you mean {near[0]}?" if near else f"{program} --help"
    )


def parse_globals(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The global options, wherever they stand, and the arguments that are left, in their order."""
    return _global_parser().parse_known_args(_joined(argv))


def _global_parser() -> _Parser:
    parser = _Parser(prog="oppman", add_help=False, allow_abbrev=False)
    parser.add_argument("--project")
    parser.add_argument("--database-url")
    parser.add_argument("-c", "--config")
    parser.add_argument("-n", "--name")
    parser.add_argument("-x", action="append", default=[])
    parser.add_argument("--wait-for-database", type=seconds)
    for flags in (("--json",), ("--no-input",), ("-v", "--verbose"), ("-q", "--quiet"), ("--version",)):
        parser.add_argument(*flags, action="store_true")
    return parser


def seconds(text: str) -> float:
    """For argparse, which makes a usage error of a ValueError; "nan" and "inf" would wait for ever, or not at all."""
    value = float(text)
    if not 0 <= value < LONGEST_WAIT_S:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from 0 to {LONGEST_WAIT_S:g}")
    return value


def _joined(argv: Sequence[str]) -> list[str]:
    """`-r -3:` as `-r=-3:`: argparse takes a value that begins with a dash only behind an equals sign."""
    joined: list[str] = []
    for argument in argv:
        if joined and joined[-1] in ("-r", "--range") and re.match(r"-\d", argument):
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
        parsed, left = self._parser.parse_known_args(arguments)
        if left:
            raise unknown_argument(self._parser.prog, left[0], self._parser.options)
        return parsed

    def format_help(self) -> str:
        """The command's help page."""
        return self._parser.format_help()
