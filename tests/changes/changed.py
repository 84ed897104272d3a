"""A project whose models change, with rows in its database: found, applied, undone, done again."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from changes.catalogue import Query, read_rows, read_schema
from changes.change import HEAD, Change, Rows, table
from migrated_project import MigratedProject, checked
from projects import Project

# names that the models leave open, and a number that PostgreSQL has read from a text
LEFT_OPEN = re.compile(r"\bpk_\w+|\b\w+_pkey\b|\b\w+_id_seq\b")
NUMBER = re.compile(r"'(\d+)'::\w+")


def initialised_in(folder: Path) -> Path:
    """A project in which `init` was run; no two of them would differ, so that it is copied for each change."""
    project = Project(folder)
    project.write("models.py", HEAD + table())
    checked(project.run("migrate", "init"))
    return project.path


class Changed(MigratedProject):
    """A project at its first revision, that of the models before; with the rows."""

    def __init__(self, folder: Path, url: str, server: str, change: Change) -> None:
        super().__init__(Project(folder), url)
        self.server, self.change = server, change
        env = folder / "alembic" / "env.py"
        env.write_text(env.read_text().replace("target_metadata)", f"target_metadata, {change.options})"))
        if change.before_all:
            self.revision("by_hand", None, *(f"op.execute({statement!r})" for statement in change.before_all))
            self.ok("migrate", "upgrade")
        self.project.write("models.py", HEAD + change.before)
        self.ok("migrate", "create", "First")
        self.ok("migrate", "upgrade")
        for statement in change.rows:
            self.execute(statement)

    def schema(self) -> set[str]:
        return self._asking(lambda query: read_schema(self.server, query))

    def values(self) -> dict[str, list[str]]:
        """The rows of the tables in the default schema."""
        tables = self.tables()
        return self._asking(lambda query: read_rows(self.server, query, tables))

    def found(self, queries: Mapping[str, Rows]) -> dict[str, Rows]:
        return {each: [tuple(map(plain, row)) for row in self.rows(each)] for each in queries}

    def _asking(self, work: Any) -> Any:
        def ask(connection: Any) -> Any:
            query: Query = lambda sql: [tuple(row) for row in connection.exec_driver_sql(sql)]  # noqa: E731
            return work(query)

        return self.database.run(ask)


def plain(value: Any) -> Any:
    """A value as all drivers would give it."""
    return str(value) if isinstance(value, date | UUID) else value


def check(project: Changed) -> None:
    """Assert that the change is found, and is right both ways."""
    change = project.change
    before, values = project.schema(), project.values()
    project.project.write("models.py", HEAD + change.after)
    told = project.run("migrate", "create", "Change", *change.flags)
    assert told.returncode == 0, told.stderr
    assert change.says in told.stdout + told.stderr
    assert "tried     up, down and up again" in told.stderr, told.stderr
    assert "Warning" not in told.stderr
    assert "no changes" not in told.stdout
    project.ok("migrate", "upgrade", "--no-backup")
    after = project.schema()
    assert project.found(change.there) == change.there
    project.ok("migrate", "check")
    project.ok("migrate", "downgrade", "-1", "--no-backup", "--yes")
    assert project.schema() == before
    if change.back is None:
        assert project.values() == values
    else:
        assert project.found(change.back) == change.back
    project.ok("migrate", "upgrade", "--no-backup")
    assert project.schema() == after


def outcome(project: Changed, wanted: set[str]) -> str:
    """How far it comes, in the words of `stock_alembic.outcome`.

    Args:
        wanted: the schema that the models of after make in an empty database.
    """
    change = project.change
    before, values = project.schema(), project.values()
    project.project.write("models.py", HEAD + change.after)
    told = project.run("migrate", "create", "Change", *change.flags)
    if told.returncode != 0 or "no changes" in told.stdout:
        return "no file" if told.returncode else "missed"
    if project.run("migrate", "upgrade", "--no-backup").returncode != 0:
        return "up fails"
    if project.found(change.there) != change.there:
        return "rows"
    if not _says_the_same(project.schema(), wanted) or project.run("migrate", "check").returncode != 0:
        return "differs"
    if project.run("migrate", "downgrade", "-1", "--no-backup", "--yes").returncode != 0:
        return "down fails"
    is_back = project.values() == values if change.back is None else project.found(change.back) == change.back
    if project.schema() != before or not is_back:
        return "not undone"
    is_again = project.run("migrate", "upgrade", "--no-backup").returncode == 0
    return "found" if is_again and _says_the_same(project.schema(), wanted) else "not undone"


def _says_the_same(found: set[str], wanted: set[str]) -> bool:
    """Are they the same definitions, but for names that the models leave open, and the order of words?"""
    return _plain(found) == _plain(wanted)


def _plain(schema: set[str]) -> list[list[str]]:
    return sorted(sorted(NUMBER.sub(r"\1", LEFT_OPEN.sub("name", line)).split()) for line in schema)
