"""Projects with something wrong: each command on them is to end in one error of three parts, and to change nothing."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, text

from oppmigrate.databases import open_database
from projects import Project, rewrite

SECRET = "s3cr3t"  # every password of these tests: it is to be in no output at all
MODELS = """
    from sqlmodel import Field, SQLModel


    class User(SQLModel, table=True):
        __tablename__ = "users"

        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(max_length=50)
"""
REVISION = '''
"""{message}

Revision ID: {revision}
"""

import sqlalchemy as sa
from alembic import op

{head}
revision = {revision!r}
down_revision = {down!r}


def upgrade() -> None:
    {upgrade}

'''
DOWNGRADE = """
def downgrade() -> None:
    {downgrade}
"""
FIRST = "aaaa1111"
CREATE_USERS = (
    'op.create_table("users", sa.Column("id", sa.Integer(), nullable=False), '
    'sa.Column("name", sa.String(50), nullable=False), sa.PrimaryKeyConstraint("id", name="pk_users"))'
)
# every command, in a form that takes nothing else
COMMANDS = (
    "migrate current",
    "migrate history",
    "migrate heads",
    "migrate show",
    "migrate check",
    "migrate check --pending",
    "migrate create x",
    "migrate create x --empty",
    "migrate merge",
    "migrate upgrade",
    "migrate upgrade --plan",
    "migrate upgrade --sql",
    "migrate downgrade -1",
    "migrate stamp head",
)


class Shop:
    """A project with one revision, which makes `users`.

    Args:
        template: a folder that `migrate init` was run in.
    """

    def __init__(self, project: Project, template: Path, url: str) -> None:
        shutil.copytree(template, project.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        self.project = project
        self.path = project.path
        self.url = url
        self.env: dict[str, str] = {"DATABASE_URL": url}
        self.revision(FIRST, None, CREATE_USERS, message="Users", downgrade='op.drop_table("users")')

    # ---- files

    def write(self, relative: str, text: str) -> Path:
        return self.project.write(relative, text)

    def change(self, relative: str, old: str, new: str) -> None:
        file = self.path / relative
        source = file.read_text(encoding="utf-8")
        assert old in source
        rewrite(file, source.replace(old, new))

    def revision(
        self,
        revision: str,
        down: str | None = FIRST,
        upgrade: str = "pass",
        *,
        message: str = "",
        head: str = "",
        downgrade: str | None = "pass",
        name: str | None = None,
    ) -> Path:
        source = REVISION.format(
            revision=revision, down=down, upgrade=upgrade, head=head, message=message or f"make {revision}"
        )
        if downgrade is not None:
            source += DOWNGRADE.format(downgrade=downgrade)
        return self.write(f"alembic/versions/{name or revision}.py", source)

    # ---- commands

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Whatever comes of it: no traceback unless it is asked for, and no password."""
        options["env"] = {**self.env, **options.get("env", {})}
        done = self.project.run(*arguments, **options)
        assert "Traceback" not in done.stdout + done.stderr or "--verbose" in arguments, done.stdout + done.stderr
        assert SECRET not in done.stdout + done.stderr, done.stdout + done.stderr
        return done

    def ok(self, *arguments: str, **options: Any) -> str:
        done = self.run(*arguments, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def upgraded(self) -> "Shop":
        """With the revisions that are there applied, and two rows."""
        self.ok("migrate", "upgrade")
        self.execute("INSERT INTO users (id, name) VALUES (1, 'Ada'), (2, 'Grace')")
        return self

    def refuse(
        self, command: str | list[str], kind: str, *says: str, exit_code: int = 1, keeps: bool = True, **options: Any
    ) -> Any:
        """The error of a command, which has to be the whole of its output, in JSON and in words.

        Args:
            kind: the error's slug.
            says: texts that its three parts hold between them.
            keeps: whether files and database are to be as they were.
        """
        before = self._without_backups(kind) if keeps else None
        arguments = command.split() if isinstance(command, str) else command
        done = self.run(*arguments, "--json", **options)
        assert done.returncode == exit_code, done.stdout + done.stderr
        error = only_error(done)
        assert error["kind"] == kind, done.stderr
        for part in says:
            assert part in told(error), f"{part!r} not in\n{done.stderr}"
        if keeps:
            assert self._without_backups(kind) == before
        return error

    def _without_backups(self, kind: str) -> tuple[dict[str, str], Any]:
        """The state; of a revision that failed, the backup from before it stays, and the message names it."""
        there, held = self.state()
        if kind == "migration-failed":
            there = {name: digest for name, digest in there.items() if not name.startswith("backups")}
        return there, held

    # ---- what is there

    def state(self) -> tuple[dict[str, str], Any]:
        return files(self.path), contents(self.url)

    def execute(self, statement: str) -> None:
        def work(connection: Any) -> None:
            connection.execute(text(statement))
            connection.commit()

        open_database(self.url).run(work)

    def tables(self) -> set[str]:
        return {name for name in contents(self.url) or {} if name not in ("alembic_version", "oppman_journal")}

    def recorded(self) -> list[str]:
        return sorted(row[0] for row in (contents(self.url) or {})["alembic_version"][1])


def only_error(done: subprocess.CompletedProcess[str]) -> Any:
    """The error of stdout's one JSON document, which stderr tells in its lines."""
    error = json.loads(done.stdout)["error"]
    assert set(error) >= {"kind", "what", "why", "do"}
    assert f"error: {error['what']}" in done.stderr
    assert done.stderr.partition("Traceback")[0].count("error: ") == 1, done.stderr
    return error


def told(error: Mapping[str, Any]) -> str:
    return "\n".join(str(error[part]) for part in ("what", "why", "do"))


def files(folder: Path) -> dict[str, str]:
    """A digest of every file; a folder counts, too."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "/"
        for path in sorted(folder.rglob("*"))
        if "__pycache__" not in path.parts and path.suffix not in (".db-journal", ".db-wal", ".db-shm")
    }


def contents(url: str) -> Any:
    """Every table's columns and rows; for SQLite the file's bytes would do, but a lock may be on it."""

    def work(connection: Any) -> dict[str, Any]:
        inspector = inspect(connection)
        return {
            table: (
                [column["name"] for column in inspector.get_columns(table)],
                sorted(map(tuple, connection.execute(text(f"SELECT * FROM {table}"))), key=repr),
            )
            for table in inspector.get_table_names()
        }

    database = open_database(url)
    return database.run(work) if database.exists() else None
