"""Running a command in full, once the quick answers have none."""

import contextlib
import os
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from oppmigrate import __version__
from oppmigrate.blame import one_line, own_line
from oppmigrate.cli import help as help_pages
from oppmigrate.cli.arguments import CommandParser, parse_globals, unknown_argument
from oppmigrate.cli.registry import Command, CommandGroup, find_command
from oppmigrate.cli.terminal import Terminal
from oppmigrate.config import Settings, find_project, has_models, hide_password, load_settings
from oppmigrate.errors import MigrateError, NoProject, UnexpectedError, WrongUsage
from oppmigrate.interrupts import Interruption, Interrupts
from oppmigrate.lines import version_line


def run_command(argv: list[str], caller: str | None) -> int:
    """Run one command and return its exit code; what goes wrong is said on stderr.

    Args:
        caller: the project's folder where `--project` does not name one.

    Raises:
        BrokenPipeError: nobody reads what it says.
    """
    project = None if caller is None else Path(caller)
    terminal, options, interrupts = Terminal(as_json="--json" in argv), Namespace(verbose=False), Interrupts()
    try:
        with interrupts.raised():
            options, rest = parse_globals(argv)
            terminal = Terminal(as_json=options.json, quiet=options.quiet, interactive=not options.no_input)
            return _dispatch(terminal, options, rest, project)
    except KeyboardInterrupt as interrupt:
        terminal.interrupted(interrupts.word, str(interrupt))
        return interrupts.exit_code
    except BrokenPipeError:
        raise
    except Exception as error:
        known = error if isinstance(error, MigrateError) else _unexpected(error)
        terminal.fail(known)
        if options.verbose:
            _print_traceback(error)
        return known.exit_code


def interrupted(argv: list[str], error: KeyboardInterrupt) -> int:
    """Say that a signal came before the command had begun."""
    interrupts = Interrupts()
    if isinstance(error, Interruption):
        interrupts.received = error.received
    Terminal(as_json="--json" in argv).interrupted(interrupts.word, "")
    return interrupts.exit_code


def _dispatch(terminal: Terminal, options: Namespace, rest: list[str], project: Path | None) -> int:
    if options.version:
        terminal.data(version_line(__version__))
        terminal.result({"version": __version__})
        return 0
    found, arguments = find_command(rest, lambda: _settings(options, project, quiet=True).commands)
    if isinstance(found, CommandGroup):
        return _show_group(terminal, options, found, arguments, project)
    return _run(terminal, options, found, arguments, project)


def _show_group(
    terminal: Terminal, options: Namespace, group: CommandGroup, arguments: list[str], project: Path | None
) -> int:
    settings = _settings(options, project, quiet=True)
    if arguments and not arguments[0].startswith("-"):
        with contextlib.suppress(NoProject):
            _settings(options, project)  # where they cannot be read, the application's own commands are not known
        raise help_pages.unknown_command(group, arguments[0], settings)
    for argument in arguments:
        if argument not in ("-h", "--help"):
            raise unknown_argument(f"oppman {group.name}".strip(), argument, ())
    return _show_page(terminal, help_pages.group_page(group, settings))


def _show_page(terminal: Terminal, page: str) -> int:
    terminal.data(page)
    terminal.result({"help": page})
    return 0


def _run(terminal: Terminal, options: Namespace, command: Command, arguments: list[str], project: Path | None) -> int:
    parser = CommandParser(command)
    parsed = parser.parse(arguments)
    if parsed is None:
        return _show_page(terminal, parser.format_help().rstrip())
    _refuse_shadowed(options, project, command)
    parsed.terminal, parsed.verbose = terminal, options.verbose
    settings = _settings(options, project, starts_project=command.starts_project)
    return command.run(parsed, settings)


def _refuse_shadowed(options: Namespace, project: Path | None, command: Command) -> None:
    """Look before the first import of Alembic: the project's folder stands in front of site-packages."""
    from oppmigrate.installation import check_installation

    check_installation(_folder(options, project) or _here())


def _settings(
    options: Namespace, project: Path | None, *, quiet: bool = False, starts_project: bool = False
) -> Settings:
    folder = _folder(options, project)
    if folder is None and starts_project and has_models(_here()):
        folder = _here()  # a project of its own, even inside of another one's folder
    try:
        folder = folder or find_project(_here())
    except NoProject:
        # with --config, the working directory is what stock alembic takes the file's relative paths from
        if not (quiet or starts_project or options.config):
            raise
        folder = _here()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))  # the application's commands and models are imported from there
    try:
        settings = load_settings(
            folder,
            database_url=options.database_url,
            config_file=options.config and Path(options.config).absolute(),
            section=options.name,
            models=getattr(options, "models", None) or (),
            x_arguments=options.x,
        )
        if options.wait_for_database is None:
            return settings
        return replace(settings, policy=replace(settings.policy, wait_for_database_s=options.wait_for_database))
    except MigrateError:
        if quiet:
            return Settings(project=folder)
        raise


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise NoProject("the current folder does not exist any more", do="go to an existing one: cd DIR") from error


def _folder(options: Namespace, project: Path | None) -> Path | None:
    named = options.project or os.environ.get("OPPMAN_PROJECT")
    if named:
        folder = Path(named).absolute()
        if not folder.is_dir():
            raise WrongUsage(f"--project {named}: there is no such folder", do="name the folder that holds alembic.ini")
        return folder
    return project.absolute() if project else None


def _unexpected(error: Exception) -> UnexpectedError:
    line = own_line(error, Path.cwd())
    return UnexpectedError(
        one_line(error),
        why=line.shown(Path.cwd()) if line else None,
        do="run the command again with --verbose to see where it comes from; it may be a fault of oppmigrate",
    )


def _print_traceback(error: Exception) -> None:
    """Python's own, without the passwords that drivers put into their words."""
    import traceback

    lines = "".join(traceback.format_exception(error)).splitlines()
    print("\n".join(hide_password(line) for line in lines), file=sys.stderr)
