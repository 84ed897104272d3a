"""Walk through every migration command on an Order model, in a temporary copy of the application.

Example: python oppman.py migrate example
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from oppmigrate.config import Settings
from oppmigrate.errors import WrongUsage

COMMAND = "migrate example"


def add_arguments(parser: ArgumentParser) -> None:
    """`--keep`."""
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the copy in this new folder and leave it there")


def run(arguments: Namespace, settings: Settings) -> int:
    """Run the walk-through and return its exit code."""
    from scripts.migrate.example import walk_through

    if arguments.keep and arguments.keep.exists():
        raise WrongUsage(f"{arguments.keep} exists already", do="name a folder that is not there yet")
    return walk_through(settings.project, arguments.keep)
