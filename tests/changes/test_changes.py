"""Every single change on every server, by the command line: found, applied with rows there, undone, done again."""

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from changes.catalogue import Query, read_rows, read_schema
from changes.change import HEAD, Change, Rows, table
from changes.groups import EVERY
from changes.taking import VARIABLE, taken
from migrated_project import MigratedProject
from projects import Project


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that `init` was run in; no two of them would differ."""
    project = Project(tmp_path_factory.mktemp("initialised"))
    project.write("models.py", HEAD + table())
    done = project.run("migrate", "init")
    assert done.returncode == 0, done.stderr
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


@pytest.mark.parametrize(("change", "server"), taken(), ids=lambda each: each if isinstance(each, str) else each.name)
def test_change(change: Change, server: str, initialised: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{server}_url")
    folder = tmp_path / "project"
    shutil.copytree(initialised, folder)
    project = Changed(folder, url, server, change)
    before, values = project.schema(), project.values()
    project.project.write("models.py", HEAD + change.after)
    told = project.run("migrate", "create", "Change", *change.flags)
    assert told.returncode == 0, told.stderr
    assert change.says in told.stdout + told.stderr
    assert "tried     up, down and up again" in told.stderr, told.stderr
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


def test_every_change_is_one_and_has_a_name_of_its_own() -> None:
    assert len({change.name for change in EVERY}) == len(EVERY)
    assert [change.name for change in EVERY if change.before == change.after] == []


@pytest.mark.parametrize(("wanted", "number"), [("", 30), ("1/9", 10), ("all", 150), ("CHECK", 6)])
def test_run_takes_a_part_of_the_changes(wanted: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, wanted)
    pairs = sum(len(change.servers) for change in EVERY)
    assert number <= len(taken()) <= pairs
    assert (len(taken()) == pairs) is (wanted == "all")
