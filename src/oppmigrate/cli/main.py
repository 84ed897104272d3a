"""From `sys.argv` to an exit code: 0 as asked, 1 refused, failed or behind, 2 wrong usage, 130 or 143 interrupted."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

from oppmigrate import fastlane

TYPE_CHECKING = False  # what is imported here, every start pays for
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO


def main(argv: Sequence[str] | None = None, *, project: str | os.PathLike[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: the arguments without the program's name; those of the process by default.
        project: the project's folder where `--project` does not name one, or a file in it: an `oppman.py` passes
            itself.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a message that the terminal's encoding lacks is no error
    try:
        code = _run(sys.argv[1:] if argv is None else list(argv), _folder(project))
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        # the reader (`| head`) has what it wants; Python must not complain about the pipe at exit either
        for stream in (sys.stdout, sys.stderr):
            _give_up_if_broken(stream)
        return 1


def _run(arguments: list[str], project: str | None) -> int:
    try:
        code = fastlane.answer(arguments, project)
    except KeyboardInterrupt as error:
        from oppmigrate.cli.running import interrupted

        return interrupted(arguments, error)
    if code is not None:
        return code
    from oppmigrate.cli.running import run_command

    return run_command(arguments, project)


def _folder(project: str | os.PathLike[str] | None) -> str | None:
    if project is None:
        return None
    path = os.fspath(project)
    # os.path: to import pathlib takes as long as all the rest of a quick answer
    return os.path.dirname(path) if path.endswith(".py") and os.path.isfile(path) else path


def _give_up_if_broken(stream: TextIO | None) -> None:
    if stream is None:
        return
    try:
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
