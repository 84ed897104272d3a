"""A project with its database: commands of the one, statements on the other."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
from sqlalchemy import inspect, text

from oppmigrate.databases import Database, open_database
from projects import Project, clean_environment
from revision_files import Versions


def checked(done: subprocess.CompletedProcess[str], code: int = 0) -> str:
    """The stdout of a command that has to end with this exit code."""
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class MigratedProject:
    """A project whose commands find the database at `url`."""

    def __init__(self, project: Project, url: str) -> None:
        self.project = project
        self.url = url
        self.env = {"DATABASE_URL": url}

    @property
    def database(self) -> Database:
        return open_database(self.url)

    @property
    def models(self) -> Path:
        return self.project.path / "models.py"

    # ---- commands

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m oppmigrate ARGUMENTS`, whatever comes of it."""
        return self.project.run(*arguments, env=self.env)

    def ok(self, *arguments: str) -> str:
        """The same for a command that has to end well; return its stdout."""
        return checked(self.run(*arguments))

    # ---- revisions

    def versions(self) -> list[Path]:
        """The files of the revisions, the newest last."""
        files = (self.project.path / "alembic" / "versions").glob("*.py")
        return sorted(files, key=lambda path: path.stat().st_mtime_ns)

    def revision(self, revision: str, parent: str | None, *upgrade: str) -> None:
        """Write a revision by hand, from the lines of its upgrade."""
        Versions(self.project.path / "alembic" / "versions").write(
            revision, parent, message=f"Step {revision}", upgrade="\n    ".join(upgrade), name=f"{revision}.py"
        )

    @contextmanager
    def on_terminal(self, *arguments: str) -> "Iterator[pexpect.spawn[str]]":
        """Run a command as a person does, who answers it; it has to end well."""
        env = {**clean_environment(), **self.env, "TERM": "dumb", "COLUMNS": "120"}
        command = ["-m", "oppmigrate", *arguments]
        child = pexpect.spawn(sys.executable, command, cwd=self.project.path, env=env, encoding="utf-8", timeout=60)
        yield child
        child.close()
        assert child.exitstatus == 0, child.before

    # ---- what the database holds

    def execute(self, statement: str) -> None:
        def work(connection: Any) -> None:
            connection.execute(text(statement))
            connection.commit()

        self.database.run(work)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self.database.run(lambda connection: [tuple(row) for row in connection.execute(text(statement))])

    def tables(self) -> set[str]:
        """The application's tables that the database holds."""
        if not self.database.exists():
            return set()
        names = set(self.database.run(lambda connection: inspect(connection).get_table_names()))
        return names - {"alembic_version", "oppman_journal"}

    def heads(self) -> list[tuple[Any, ...]]:
        """The rows of `alembic_version`."""
        return self.rows("SELECT version_num FROM alembic_version")
