"""Walk through every migration command on an Order model, in a temporary copy of the application.

Example: python oppman.py migrate example
"""

from argparse import ArgumentParser, Namespace

from oppmigrate.config import Settings

COMMAND = "migrate example"


def add_arguments(_parser: ArgumentParser) -> None:
    """No options of its own."""


def run(_arguments: Namespace, settings: Settings) -> int:
    """Run the walk-through and return its exit code."""
    from scripts.migrate.example import walk_through

    return walk_through(settings.project)
