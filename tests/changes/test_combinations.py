"""Two to five changes at once, drawn at random, on every server: the schema, the rows and the way back."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, note, settings

import servers
from changes.catalogue import read_schema
from changes.change import HEAD
from changes.combining import FIRST_ROWS, Combination, combinations
from changes.taking import VARIABLE
from migrated_project import MigratedProject
from projects import Project

EXAMPLES = 100 if os.environ.get(VARIABLE) == "all" else 3
OPTIONS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)


class Combined(MigratedProject):
    def __init__(self, folder: Path, url: str, server: str) -> None:
        super().__init__(Project(folder), url)
        self.server = server
        self.project.write("models.py", HEAD + Combination().code())
        self.ok("migrate", "create", "First")
        self.ok("migrate", "upgrade")
        for table, rows in FIRST_ROWS.items():
            for row in rows:
                values = ", ".join("NULL" if each is None else _literal(each) for each in row.values())
                self.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})")

    def schema(self) -> set[str]:
        def ask(connection: Any) -> set[str]:
            return read_schema(self.server, lambda sql: [tuple(row) for row in connection.exec_driver_sql(sql)])

        return self.database.run(ask)

    def values(self, like: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
        return {
            table: [dict(zip(rows[0], row, strict=True)) for row in self.rows(self._query(table, list(rows[0])))]
            for table, rows in like.items()
        }

    def _query(self, table: str, columns: list[str]) -> str:
        return f"SELECT {', '.join(columns)} FROM {table} ORDER BY id"


def _literal(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    return "'{}'".format(str(value).replace("'", "''").replace(":", "\\:"))


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project(tmp_path_factory.mktemp("combined"))
    project.write("models.py", HEAD + Combination().code())
    assert project.run("migrate", "init").returncode == 0
    return project.path


def test_combination_on_sqlite(initialised: Path) -> None:
    @OPTIONS
    @given(combinations())
    def check(combination: Combination) -> None:
        with tempfile.TemporaryDirectory() as folder:
            _check(combination, initialised, Path(folder), f"sqlite:///{folder}/test.db", "sqlite")

    check()


@pytest.mark.parametrize("server", ["postgresql", "mysql"])
def test_combination_on_a_server(initialised: Path, server: str, request: pytest.FixtureRequest) -> None:
    base = request.getfixturevalue(f"{server}_server")
    make = {"postgresql": servers.postgresql_database, "mysql": servers.mysql_database}[server]

    @OPTIONS
    @given(combinations())
    def check(combination: Combination) -> None:
        with tempfile.TemporaryDirectory() as folder, make(base) as url:
            _check(combination, initialised, Path(folder), url, server)

    check()


def _check(combination: Combination, initialised: Path, folder: Path, url: str, server: str) -> None:
    assume(len(combination.told) > 1)
    note("; ".join(combination.told))
    note(" ".join(combination.flags))
    shutil.copytree(initialised, folder / "project")
    project = Combined(folder / "project", url, server)
    before = project.schema()
    assert project.values(FIRST_ROWS) == FIRST_ROWS
    project.project.write("models.py", HEAD + combination.code())
    told = project.run("migrate", "create", "Changes", *combination.flags)
    assert told.returncode == 0, told.stderr
    if "no changes" in told.stdout:
        return  # they undid one another
    assert "tried     up, down and up again" in told.stderr, told.stderr
    project.ok("migrate", "upgrade", "--no-backup")
    assert project.values(combination.rows) == combination.rows
    project.ok("migrate", "check")
    after = project.schema()
    project.ok("migrate", "downgrade", "-1", "--no-backup", "--yes")
    assert project.schema() == before
    assert project.values(combination.back) == combination.back
    project.ok("migrate", "upgrade", "--no-backup")
    assert project.schema() == after
