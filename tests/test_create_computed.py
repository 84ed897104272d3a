"""Generated columns by the commands: what `create` writes, and what becomes of the rows, up, down and up again."""

from typing import Any

import pytest

from migrated_project import MigratedProject
from projects import Project

MODELS = """
    from sqlalchemy import CheckConstraint, Column, Computed, Index, Integer, UniqueConstraint
    from sqlmodel import Field, SQLModel

    class Order(SQLModel, table=True):
        __tablename__ = "orders"
        __table_args__ = (
            CheckConstraint("doubled < 1000", name="ck_doubled"),
            UniqueConstraint("doubled", "id", name="uq_doubled"),
            Index("ix_doubled", "doubled"),
        )

        id: int | None = Field(default=None, primary_key=True)
        total: int
        doubled: int | None = Field(sa_column=Column(Integer, Computed("total * 2 % 1000", persisted=True)))
"""
PLAIN = MODELS.replace(', Computed("total * 2 % 1000", persisted=True)', "")


class Orders(MigratedProject):
    """A project at its first revision, with two rows."""

    def __init__(self, project: Project, url: str, models: str, *columns: str) -> None:
        super().__init__(project, url)
        project.write("models.py", models)
        self.ok("migrate", "init")
        self.ok("migrate", "create", "First")
        self.ok("migrate", "upgrade")
        for row in ([1, 7, 40], [2, 0, 41]):
            given = ", ".join(map(str, row[: len(columns)]))
            self.execute(f"INSERT INTO orders ({', '.join(columns)}) VALUES ({given})")

    def become(self, models: str, *flags: str) -> str:
        self.project.write("models.py", models)
        self.ok("migrate", "create", "second", *flags)
        return self.versions()[-1].read_text()

    def migrated(self, *command: str) -> list[Any]:
        """The values of the generated column after the command."""
        self.ok("migrate", *command, "--yes")
        names = [row[0] for row in self.rows("SELECT total FROM orders ORDER BY id")]
        assert names == [7, 0]
        return [row[0] for row in self.rows("SELECT doubled FROM orders ORDER BY id")]

    def is_settled(self) -> bool:
        """Do models and migrations agree, and are index, unique constraint and CHECK there?"""
        self.ok("migrate", "check")
        return "no changes" in self.ok("migrate", "create", "third")


def test_another_expression_computes_the_values_anew(project: Project, database_url: str) -> None:
    orders = Orders(project, database_url, MODELS, "id", "total")
    assert orders.is_settled()
    orders.become(MODELS.replace("total * 2", "total * 3"))
    assert orders.migrated("upgrade") == [21, 0]
    assert orders.is_settled()
    assert orders.migrated("downgrade", "-1") == [14, 0]
    assert orders.migrated("upgrade") == [21, 0]
    assert orders.is_settled()


def test_column_that_becomes_plain_keeps_the_values(project: Project, database_url: str) -> None:
    orders = Orders(project, database_url, MODELS, "id", "total")
    orders.become(PLAIN)
    assert orders.migrated("upgrade") == [14, 0]
    assert orders.is_settled()
    assert orders.migrated("downgrade", "-1") == [14, 0]
    assert orders.migrated("upgrade") == [14, 0]
    assert orders.is_settled()


def test_column_that_was_plain_is_computed_only_when_its_values_may_go(project: Project, database_url: str) -> None:
    orders = Orders(project, database_url, PLAIN, "id", "total", "doubled")
    project.write("models.py", MODELS)
    refused = orders.run("migrate", "create", "second")
    assert refused.returncode == 1
    assert "--drop orders.doubled" in refused.stderr and "--rename" not in refused.stderr
    orders.become(MODELS, "--drop", "orders.doubled")
    assert orders.migrated("upgrade") == [14, 0]
    assert orders.is_settled()
    assert orders.migrated("downgrade", "-1") == [None, None]
    assert orders.migrated("upgrade") == [14, 0]
    assert orders.is_settled()


def test_generated_column_comes_and_goes_beside_others(project: Project, database_url: str) -> None:
    before = PLAIN.replace("doubled: ", "doubled: ").replace("total: int\n", "total: int\n        weight: int = 1\n")
    after = MODELS.replace("total: int\n", "total: int\n        pieces: int = 5\n").replace(
        "total * 2", "total + pieces"
    )
    orders = Orders(project, database_url, before, "id", "total", "weight")
    orders.become(after, "--drop", "orders.doubled", "--drop", "orders.weight")
    assert orders.migrated("upgrade") == [12, 5]
    assert orders.is_settled()
    assert orders.migrated("downgrade", "-1") == [None, None]
    assert orders.migrated("upgrade") == [12, 5]


@pytest.mark.parametrize("server", ["sqlite_url", "mysql_url"])
def test_values_that_are_not_stored_are_kept_by_a_column_that_becomes_plain(
    project: Project, server: str, request: pytest.FixtureRequest
) -> None:
    models = MODELS.replace(", persisted=True", "")
    orders = Orders(project, request.getfixturevalue(server), models, "id", "total")
    orders.become(PLAIN)
    assert orders.migrated("upgrade") == [14, 0]
    assert orders.is_settled()
    assert orders.migrated("downgrade", "-1") == [14, 0]
    assert orders.migrated("upgrade") == [14, 0]
