"""Help: on every way to ask for it, for every command, without what makes a command slow."""

import itertools
import re
import sys

import pytest

from oppmigrate import __version__
from oppmigrate.cli.registry import ROOT, CommandGroup

MIGRATE = CommandGroup("migrate")
COMMANDS = [(group, name) for group in (MIGRATE, ROOT) for name in group.command_names()]
FULL_NAMES = [f"{group.name} {name}".strip() for group, name in COMMANDS]
PROMISED = {
    *("migrate init", "migrate setup", "migrate create", "migrate merge", "migrate upgrade", "migrate downgrade"),
    *("migrate current", "migrate history", "migrate show", "migrate heads", "migrate stamp", "migrate check"),
    *("backup", "restore", "delete"),
}
HEAVY = ("alembic", "sqlalchemy", "sqlmodel", "rich", "asyncio")


def test_every_promised_command_is_there():
    assert set(FULL_NAMES) >= PROMISED


# ---- one command


@pytest.mark.parametrize(("group", "name"), COMMANDS, ids=FULL_NAMES)
def test_command_is_documented(group, name):
    command = group.command(name)
    assert command.summary.endswith((".", "?"))
    assert len(command.summary) <= 110
    assert command.example.startswith(f"python oppman.py {command.name}")
    assert callable(command.module.run)


@pytest.mark.parametrize("name", FULL_NAMES)
@pytest.mark.parametrize("way", ["NAME -h", "NAME --help", "--help NAME", "help NAME", "GROUP help NAME"])
def test_help_of_a_command_prints_its_docstring(oppman, name, way):
    group, _, command = name.rpartition(" ")
    asked = way.replace("GROUP", group).replace("NAME", command if "GROUP" in way else name)
    answer = oppman(*asked.split())
    assert answer.code == 0
    assert answer.err == ""
    docstring = (CommandGroup(group) if group else ROOT).command(command).docstring
    assert docstring in answer.out
    assert "--project DIR" in answer.out


@pytest.mark.parametrize("name", FULL_NAMES)
def test_options_of_a_command_are_all_explained(oppman, name):
    """argparse writes an option without a help text on a line of its own."""
    page = oppman(*name.split(), "--help").out
    lines = page.split("options of every command")[0].splitlines()
    bare = [line for line in lines if re.fullmatch(r"  -{1,2}[\w-]+(, --[\w-]+)?( [A-Z.=_]+)?", line)]
    following = [lines[lines.index(line) + 1] for line in bare]
    assert all(line.startswith(" " * 20) for line in following)


def test_help_wins_over_wrong_usage(oppman):
    assert oppman("migrate", "downgrade", "--nonsense", "-h").code == 0


# ---- the pages


@pytest.mark.parametrize("asked", ["", "help", "-h", "--help"])
def test_page_of_oppman_names_every_command_with_a_line_and_an_example(oppman, asked):
    answer = oppman(*asked.split())
    assert (answer.code, answer.err) == (0, "")
    for group, name in COMMANDS:
        command = group.command(name)
        assert re.search(rf"^  {name} +{re.escape(command.summary)}$", answer.out, re.MULTILINE)
        assert f" {command.example}\n" in answer.out


@pytest.mark.parametrize("asked", ["migrate", "migrate help", "migrate -h", "migrate --help", "help migrate"])
def test_page_of_migrate_names_its_own_commands(oppman, asked):
    answer = oppman(*asked.split())
    assert answer.code == 0
    assert all(MIGRATE.command(name).summary in answer.out for name in MIGRATE.command_names())
    assert ROOT.command("backup").summary not in answer.out


def test_newcomer_s_first_commands_come_first(oppman):
    page = oppman("migrate").out
    order = ["init", "create", "upgrade", "current", "check"]
    assert sorted(order, key=lambda name: page.index(f"\n  {name} ")) == order


def test_project_with_no_setup_is_told_how_to_begin(oppman, project):
    assert "To begin: python oppman.py migrate init" in oppman().out
    project.write("alembic.ini", "[alembic]\nscript_location = alembic\n")
    project.write("alembic/env.py", "")
    assert "To begin" not in oppman().out


def test_help_works_outside_of_a_project_and_with_a_broken_one(oppman, project):
    assert oppman("help").code == 0
    project.write("pyproject.toml", "[tool.oppman")
    assert oppman("help").code == 0
    assert oppman("migrate", "upgrade", "--help").code == 0


def test_pages_fit_a_terminal_of_120_columns(oppman, project):
    pages = [oppman("help").out, *(oppman(*name.split(), "-h").out for name in FULL_NAMES)]
    lines = [line.replace(str(project.path), "PROJECT") for page in pages for line in page.splitlines()]
    assert max(map(len, lines)) <= 120


def test_version(oppman):
    for asked in (["--version"], ["migrate", "upgrade", "--version"]):
        assert oppman(*asked).out == f"oppman {__version__}\n"


# ---- the application's own commands

GREET = '''
    """Say hello.

    Example: python oppman.py greet_them --loud
    """

    print("a line that the module prints")


    def add_arguments(parser):
        parser.add_argument("--loud", action="store_true", help="with an exclamation mark")


    def run(arguments, settings):
        arguments.terminal.data("hello" + "!" * arguments.loud)
        return 0
'''


@pytest.fixture
def own_commands(project):
    """A project with two commands of its own."""
    project.write("pyproject.toml", '[tool.oppman]\ncommands = ["greet_them", "more_of_them"]\n')
    project.write("greet_them.py", GREET)
    project.write("more_of_them.py", GREET.replace("    print(", '    COMMAND = "migrate hello"\n    print('))


def test_application_s_command_runs(oppman, own_commands):
    answer = oppman("greet_them", "--loud")
    assert (answer.code, answer.out) == (0, "hello!\n")
    assert "a line that the module prints" in answer.err
    assert oppman("migrate", "hello").out == "hello\n"


def test_application_s_commands_are_on_the_pages(oppman, own_commands):
    assert "greet_them Say hello." in oppman("help").out
    assert "migrate hello Say hello." in oppman("help").out
    page = oppman("migrate", "help").out
    assert "migrate hello Say hello." in page
    assert "greet_them" not in page.replace("oppman.py greet_them", "")


@pytest.mark.parametrize("way", ["greet_them -h", "help greet_them", "migrate help hello", "help migrate hello"])
def test_application_s_command_has_help(oppman, own_commands, way):
    answer = oppman(*way.split())
    assert answer.code == 0
    assert "with an exclamation mark" in answer.out


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "cannot be imported: ModuleNotFoundError"),
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
        ("raise SystemExit(3)", "cannot be imported: SystemExit"),
        ("def run(arguments, settings): return 0", "is no command"),
    ],
)
def test_broken_command_of_the_application_is_named_and_stops_nothing_else(oppman, project, text, what):
    project.write("pyproject.toml", '[tool.oppman]\ncommands = ["broken_command"]\n')
    if text is not None:
        project.write("broken_command.py", text)
    answer = oppman("broken_command")
    assert answer.code == 1
    assert f"broken_command {what}" in " ".join(answer.err.split())
    assert "(cannot be loaded: " in oppman("help").out
    assert oppman("migrate", "upgrade", "--help").code == 0


# ---- what it costs


@pytest.mark.parametrize(
    "arguments",
    [
        ("help",),
        (),
        ("--version",),
        ("migrate", "help"),
        ("nosuch",),
        ("migrate", "nosuch"),
        ("migrate", "upgrade", "--help"),
        ("migrate", "upgrade", "--nosuch"),
        ("migrate", "downgrade"),
        ("migrate", "create", "-h"),
        ("backup", "--help"),
        ("--nosuch",),
    ],
    ids=" ".join,
)
def test_help_and_wrong_usage_import_nothing_heavy(project, arguments):
    code = f"import sys; from oppmigrate.cli import main; main({list(arguments)!r}); print(*sorted(sys.modules))"
    loaded = project.call([sys.executable, "-c", code]).stdout.splitlines()[-1].split()
    assert [name for name in HEAVY if name in loaded] == []


def test_application_s_commands_make_help_no_slower():
    """The commands of the application in this repository import what they need when they run."""
    from pathlib import Path

    from projects import Project

    root = Project(Path(__file__).parent.parent.parent)
    code = "import sys; from oppmigrate.cli import main; main(['help']); print(*sorted(sys.modules))"
    result = root.call([sys.executable, "-c", code])
    assert "superuser" in result.stdout
    loaded = result.stdout.splitlines()[-1].split()
    assert [name for name in ("alembic", "sqlalchemy", "fastapi", "rich") if name in loaded] == []


def test_no_option_has_two_meanings():
    """A command's option that is also a global one would never reach the command."""
    from oppmigrate.cli.arguments import CommandParser, _global_parser

    everywhere = set(_global_parser().options)
    for group, name in COMMANDS:
        own = set(CommandParser(group.command(name))._parser.options)
        assert not own & everywhere, f"{group.name} {name}"
    assert len(set(itertools.chain(everywhere))) == len(everywhere)
