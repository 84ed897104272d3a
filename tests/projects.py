"""A project in a folder of its own, driven as a person drives it: files, and commands in another process.

The process is forked from one that has made the slow imports (see `fork_server`), or, with `own_process=True`, new.
"""

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

from fork_server import ForkServer

TIMEOUT_S = 120
# What would make a command read the settings of whoever runs the tests rather than those of the test.
OUTSIDE = ("OPPMAN_", "PYTHON", "PG", "MYSQL_", "ALEMBIC_")
OUTSIDE_NAMES = frozenset(
    {"DATABASE_URL", "SECRET_KEY", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES"}
)


def clean_environment() -> dict[str, str]:
    """This process's environment without the variables that change what the commands do."""
    return {k: v for k, v in os.environ.items() if not k.startswith(OUTSIDE) and k not in OUTSIDE_NAMES}


FORK_SERVER = ForkServer(clean_environment())  # starts with the first command; conftest.py closes it


def rewrite(file: Path, text: str) -> None:
    """Change a file so that Python sees it: bytecode tells its source by size and the second it was written in."""
    before = file.stat().st_mtime
    file.write_text(text, encoding="utf-8")
    later = max(file.stat().st_mtime, before + 1)
    os.utime(file, (later, later))


class Project:
    """A folder with files in it, where `oppman` can be run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, relative: str, text: str) -> Path:
        """Write a file, with the folders above it; common indentation is taken off."""
        file = self.path / relative
        file.parent.mkdir(parents=True, exist_ok=True)
        text = textwrap.dedent(text).removeprefix("\n")
        if file.exists():
            rewrite(file, text)
        else:
            file.write_text(text, encoding="utf-8")
        return file

    def run(
        self,
        *args: str,
        input: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        own_process: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m oppmigrate ARGS` in the project, or in `cwd`. No terminal; stdin is empty without `input`."""
        command = [sys.executable, "-m", "oppmigrate", *args]
        return self.call(command, input=input, env=env, cwd=cwd, own_process=own_process)

    def oppman(
        self,
        *args: str,
        input: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        own_process: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run `python oppman.py ARGS` with the project's own file."""
        command = [sys.executable, str(self.path / "oppman.py"), *args]
        return self.call(command, input=input, env=env, cwd=cwd, own_process=own_process)

    def call(
        self,
        command: list[str],
        *,
        input: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        own_process: bool = False,
        timeout_s: float = TIMEOUT_S,
    ) -> subprocess.CompletedProcess[str]:
        """Run any command there, with the clean environment and `env` over it."""
        folder = (cwd or self.path).absolute()
        whole_env = {**clean_environment(), **(env or {})}
        if not own_process and FORK_SERVER.can_run(command, folder, whole_env):
            return FORK_SERVER.run(command, input=input or "", cwd=folder, env=whole_env, timeout_s=timeout_s)
        return subprocess.run(
            command,
            input=input or "",
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=folder,
            env=whole_env,
            timeout=timeout_s,
            check=False,
        )
