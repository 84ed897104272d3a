"""Set migrations up in a project: alembic.ini, alembic/ and oppman.py, wired to your models.

Finds the models in models.py, models/, app/models.py or src/*/models.py, or where --models says. Writes no file
that is there already. An existing Alembic project is adopted as it stands: nothing is written.

Example: python oppman.py migrate init
"""

from argparse import ArgumentParser, Namespace
from dataclasses import replace

from oppmigrate.cli.managing import open_manager
from oppmigrate.config import Settings

STARTS_PROJECT = True


def add_arguments(parser: ArgumentParser) -> None:
    """`--models`."""
    parser.add_argument(
        "--models", action="append", default=[], metavar="MODULE", help="a module with models; may be repeated"
    )


def run(arguments: Namespace, settings: Settings) -> int:
    """Write what is missing, and say what was found and what comes next."""
    terminal = arguments.terminal
    if arguments.models:
        settings = replace(settings, models=tuple(arguments.models))
    with terminal.working("looking for models"):
        result = open_manager(arguments, settings).init()
    terminal.result(result)
    if result.adopted:
        terminal.data("adopted, nothing written")
    elif not result.written:
        terminal.data("already initialised, nothing written")
    if result.models:
        terminal.story(f"models    {', '.join(result.models)}")
    if result.database_url:
        terminal.story(f"database  {result.database_url}")
    for path in result.written:
        terminal.data(f"wrote     {settings.shown(path)}")
    for path in result.kept:
        terminal.story(f"kept      {settings.shown(path)} (it was there already)")
    for note in result.notes:
        terminal.warn(note)
    following = 'migrate create "Initial"' if result.written else "migrate current"
    terminal.story(f"next      python oppman.py {following}")
    return 0
