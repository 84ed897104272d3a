"""Other people's programs, such as pg_dump: found, run, and their errors read. Passwords never go into an argument."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from oppmigrate.databases.base import MASK
from oppmigrate.errors import ProgramMissing

Input = IO[bytes] | int | None


def find_program(names: Sequence[str], package: str, folders: Iterable[Path] = ()) -> Path:
    """The first of the programs that is on the PATH, or in one of the folders.

    Args:
        package: where to get it, in words.
    """
    for name in names:
        if found := shutil.which(name):
            return Path(found)
    for folder in folders:
        for name in names:
            if (folder / name).is_file() and os.access(folder / name, os.X_OK):
                return folder / name
    raise ProgramMissing(
        f"the program {' or '.join(names)} is not on the PATH",
        why="backups of this server are made and restored with it",
        do=f"install {package}",
        program=names[0],
    )


def version_of(program: Path) -> tuple[str, int]:
    """What a program says of its version: the whole line, and the first number of it."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, errors="replace", check=False)
    line = (done.stdout or done.stderr).strip()
    number = re.search(r"(\d+)\.\d+", line)
    return line, int(number.group(1)) if number else 0


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with the settings added, and messages in English, for they are read here."""
    return {**os.environ, "LC_ALL": "C", "LC_MESSAGES": "C", "LANGUAGE": "C", **settings}


class ProgramFailed(Exception):
    """A program ended with an error; `text` is what it wrote to stderr, without secrets."""

    def __init__(self, program: Path, text: str) -> None:
        super().__init__(f"{program.name}: {text}")
        self.program = program
        self.text = text


def run_program(
    arguments: Sequence[str | Path],
    *,
    settings: Mapping[str, str] | None = None,
    stdin: Input = subprocess.DEVNULL,
    stdout: Input = subprocess.DEVNULL,
    secrets: Iterable[str] = (),
) -> None:
    """Run a program to its end.

    Raises:
        ProgramFailed: with what it wrote to stderr.
    """
    with started(arguments, settings=settings, stdin=stdin, stdout=stdout, secrets=secrets):
        pass


@contextmanager
def started(
    arguments: Sequence[str | Path],
    *,
    settings: Mapping[str, str] | None = None,
    stdin: Input = subprocess.DEVNULL,
    stdout: Input = subprocess.DEVNULL,
    secrets: Iterable[str] = (),
) -> Iterator["subprocess.Popen[bytes]"]:
    """A running program; leaving the block waits for its end, an error in the block ends it.

    Raises:
        ProgramFailed: when the block ended well and the program did not.
    """
    program = Path(arguments[0])
    with tempfile.TemporaryFile() as messages:  # not a pipe: it could fill up while nobody reads it
        options: dict[str, Any] = {"stdin": stdin, "stdout": stdout, "stderr": messages}
        process = subprocess.Popen([str(part) for part in arguments], env=environment(settings or {}), **options)
        try:
            yield process
            _close(process.stdin)
            process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            _close(process.stdin, process.stdout)
            process.wait()
        if process.returncode != 0:
            messages.seek(0)
            text = messages.read().decode(errors="replace").strip()
            raise ProgramFailed(program, without(text, secrets) or f"it ended with status {process.returncode}")


def _close(*pipes: IO[bytes] | None) -> None:
    for pipe in pipes:
        if pipe is not None and not pipe.closed:
            try:
                pipe.close()
            except BrokenPipeError:  # the program ended before it had read everything; its own words say why
                continue


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret as ***; not the very short ones, which are parts of common words."""
    for secret in secrets:
        if len(secret) > 3:
            text = text.replace(secret, MASK)
    return text
