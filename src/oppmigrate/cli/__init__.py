"""The command line: arguments, prompts, text, JSON, exit codes."""

from oppmigrate.cli.main import main

__all__ = ["main"]
