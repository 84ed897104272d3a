"""Projects with an Alembic of their own, tests/apps/<shape>, driven by `oppman` and by stock `alembic` alike."""

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from projects import Project, rewrite

APPS = Path(__file__).parent / "apps"
SEVERAL_COMMANDS = Path(__file__).parent / "several_commands.py"
FIRST, SECOND = "a1b2c3d4e5f6", "b2c3d4e5f6a7"  # the revisions of most shapes: customers, then customers.email


class AdoptedProject:
    """A copy of one of tests/apps.

    Args:
        options: what each command is called with: `-n SECTION`, `-x key=value`.
        database: its SQLite file.
        stock: how this shape's own commands are run, a program of several_commands.py.
    """

    def __init__(
        self,
        project: Project,
        shape: str,
        *options: str,
        env: Mapping[str, str] | None = None,
        database: str = "app.db",
        stock: str = "alembic",
    ) -> None:
        shutil.copytree(APPS / shape, project.path, dirs_exist_ok=True)
        self.project = project
        self.path = project.path
        self.options = options
        self.env = dict(env or {})
        self.database = self.path / database
        self.stock = stock

    # ---- commands

    def oppman(self, *arguments: str, exit_code: int = 0) -> Any:
        """The JSON of one command; stdout has to be nothing else, whatever the project prints."""
        done = self.project.run(*arguments, *self.options, "--json", env=self.env)
        assert done.returncode == exit_code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def each(self, *commands: str, exit_code: int = 0) -> list[Any]:
        """As `oppman`, for several commands in one process; those with --graph give their lines."""
        arguments = [
            [*command.split(), *self.options, *(() if "--graph" in command else ("--json",))] for command in commands
        ]
        done = self._call("oppman", arguments)
        answers, codes = _parts(done.stdout)
        assert codes == [exit_code] * len(commands), done.stdout + done.stderr
        pairs = zip(commands, answers, strict=True)
        return [answer.splitlines() if "--graph" in command else json.loads(answer) for command, answer in pairs]

    def alembic(self, *commands: str) -> list[str]:
        """What stock `alembic` prints for each command; each has to succeed."""
        arguments = [[*self.options, *command.split()] for command in commands]
        done = self._call(self.stock, arguments)
        answers, codes = _parts(done.stdout)
        assert codes == [0] * len(commands), done.stdout + done.stderr
        return answers

    def _call(self, program: str, arguments: list[list[str]]) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SEVERAL_COMMANDS), program, json.dumps(arguments)]
        return self.project.call(command, env=self.env)

    # ---- what is there

    def files(self) -> dict[str, str]:
        """Every file of the project, with its digest."""
        return {
            path.relative_to(self.path).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    def sql(self, statement: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run a statement on the project's SQLite file, without ours or Alembic."""
        with sqlite3.connect(self.path / database if database else self.database) as connection:
            rows = connection.execute(statement).fetchall()
        connection.close()
        return rows

    def add_phone(self, models: str) -> None:
        """Give the customers of the models a `phone`, declared as their `email` is."""
        file = self.path / models
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        (email,) = (line for line in lines if "email" in line)
        lines.insert(lines.index(email), email.replace("email", "phone"))
        rewrite(file, "".join(lines))


def _parts(stdout: str) -> tuple[list[str], list[int]]:
    """The output of each of several commands, and their exit codes."""
    pieces = stdout.split("\f")
    codes = [int(piece.partition("\n")[0]) for piece in pieces[1:]]
    rests = [piece.partition("\n")[2] for piece in pieces[1:]]
    return [pieces[0], *rests[:-1]], codes


def recorded(current: Any) -> list[str]:
    """The revisions of `current --json`."""
    return [revision["revision"] for revision in current["revisions"]]


def walk_through(app: AdoptedProject, models: str, *, first: str = FIRST, second: str = SECOND) -> str:
    """Every command on a project of two revisions, after stock Alembic has applied the first; returns the new one.

    Args:
        models: the file whose `email` column gets a `phone` beside it.
    """
    app.alembic("upgrade +1")
    app.sql("INSERT INTO customers (id, name) VALUES (1, 'Ada'), (2, 'Grace')")
    before = app.files()
    adopted = app.oppman("migrate", "init")
    assert adopted["adopted"] and not adopted["written"]
    assert app.files() == before

    current, history, part, graph, heads, show = app.each(
        "migrate current",
        "migrate history",
        f"migrate history -r {second}:",
        "migrate history --graph",
        "migrate heads",
        "migrate show",
    )
    assert recorded(current) == [first] and current["pending"] == [second]
    statuses = [(each["revision"], each["status"]) for each in history["revisions"]]
    assert statuses == [(second, "pending"), (first, "current")]
    assert [each["revision"] for each in part["revisions"]] == [second]
    assert [second in graph[0], first in graph[-1]] == [True, True]
    assert [each["revision"] for each in heads["revisions"]] == [second]
    assert any("ADD COLUMN email" in statement for statement in show["upgrade"]["sql"])
    assert app.files() == before

    upgraded = app.oppman("migrate", "upgrade", "+1")
    assert [step["revision"] for step in upgraded["plan"]["steps"]] == [second]
    stock_current, _check = app.alembic("current", "check")
    assert f"{second} (head)" in stock_current
    checked, current, downgraded, stamped, *_rest = app.each(
        "migrate check",
        "migrate current",
        "migrate downgrade -1",
        "migrate stamp head",
        f"migrate stamp {first}",
        "migrate upgrade",
    )
    assert checked["is_clean"] and checked["models_compared"] and current["is_head"]
    assert downgraded["heads"] == [first]
    assert (stamped["before"], stamped["after"]) == ([first], [second])

    app.add_phone(models)
    created = app.oppman("migrate", "create", "Add phone")
    assert [change["text"].partition(" (")[0] for change in created["changes"]] == ["add column customers.phone"]
    assert Path(created["path"]).is_relative_to(app.path)
    stock_current, _upgrade, _check = app.alembic("current", "upgrade head", "check")
    assert second in stock_current
    assert app.sql("SELECT id, name, email, phone FROM customers ORDER BY id") == [
        (1, "Ada", None, None),
        (2, "Grace", None, None),
    ]
    return str(created["revision"])
