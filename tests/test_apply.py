"""Applying: all of it or none, one run at a time, and no row lost on the way."""

import pytest

from migrated_project import MigratedProject
from projects import Project, rewrite

MODELS = """
    from sqlmodel import Field, SQLModel
    from sqlalchemy import event
    from sqlalchemy.engine import Engine


    @event.listens_for(Engine, "connect")
    def _foreign_keys_on(connection, _record):
        if "sqlite" in type(connection).__module__:
            connection.cursor().execute("PRAGMA foreign_keys=ON")


    class Parent(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(max_length=20)


    class Child(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        parent_id: int = Field(foreign_key="parent.id", ondelete="CASCADE")
"""


class Family(MigratedProject):
    """A project whose first revision is applied, with a parent and two children that hang on it."""

    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        project.write("models.py", MODELS)
        for command in (("init",), ("create", "Initial", "--rev-id", "first"), ("upgrade",)):
            self.ok("migrate", *command)
        self.execute("INSERT INTO parent (id, name) VALUES (1, 'Ada')")
        self.execute("INSERT INTO child (id, parent_id) VALUES (1, 1), (2, 1)")

    def revisions_of_which_the_last_fails(self) -> None:
        """Write `second`, which makes a table, and `third`, which changes a row before it fails."""
        self.revision("second", "first", 'op.create_table("extra", sa.Column("id", sa.Integer))')
        self.revision(
            "third",
            "second",
            "op.execute(\"UPDATE parent SET name = 'lost'\")",
            'op.execute("SELECT nonsense FROM nowhere")',
        )


@pytest.fixture
def family(project: Project, database_url: str) -> Family:
    return Family(project, database_url)


@pytest.fixture
def sqlite_family(project: Project, sqlite_url: str) -> Family:
    return Family(project, sqlite_url)


@pytest.fixture
def postgresql_family(project: Project, postgresql_url: str) -> Family:
    return Family(project, postgresql_url)


def test_table_rebuild_keeps_the_rows_that_cascade(family: Family) -> None:
    rewrite(family.models, family.models.read_text().replace("max_length=20", "max_length=99"))
    family.ok("migrate", "create", "Longer names")
    for command in (("upgrade",), ("downgrade", "-1"), ("upgrade",), ("check",)):
        family.ok("migrate", *command)
    assert family.rows("SELECT id, name FROM parent") == [(1, "Ada")]
    assert family.rows("SELECT id, parent_id FROM child ORDER BY id") == [(1, 1), (2, 1)]


def test_failing_upgrade_on_sqlite_leaves_nothing_of_any_revision(sqlite_family: Family) -> None:
    sqlite_family.revisions_of_which_the_last_fails()
    done = sqlite_family.run("migrate", "upgrade")
    assert done.returncode == 1
    assert "revision third (Step third), upgrade:" in done.stderr
    assert "stands at first, as before: nothing was changed" in done.stderr
    assert "Traceback" not in done.stderr
    assert "extra" not in sqlite_family.tables()
    assert sqlite_family.rows("SELECT name FROM parent") == [("Ada",)]
    assert sqlite_family.heads() == [("first",)]


def test_failing_upgrade_on_postgresql_keeps_the_revisions_before_it(postgresql_family: Family) -> None:
    postgresql_family.revisions_of_which_the_last_fails()
    done = postgresql_family.run("migrate", "upgrade")
    assert done.returncode == 1
    assert "the database stands at second" in done.stderr
    assert "extra" in postgresql_family.tables()
    assert postgresql_family.rows("SELECT name FROM parent") == [("Ada",)]
    assert postgresql_family.heads() == [("second",)]


def test_broken_foreign_key_is_found_before_the_commit(sqlite_family: Family) -> None:
    sqlite_family.revision("second", "first", 'op.execute("DELETE FROM parent")')
    done = sqlite_family.run("migrate", "upgrade")
    assert done.returncode == 1
    assert "child" in done.stderr
    assert sqlite_family.rows("SELECT count(*) FROM parent") == [(1,)]
    assert sqlite_family.heads() == [("first",)]


def test_plan_and_sql_change_nothing(family: Family) -> None:
    family.revision("second", "first", 'op.create_table("extra", sa.Column("id", sa.Integer))')
    assert "create table extra (1 column)" in family.ok("migrate", "upgrade", "--plan")
    assert "CREATE TABLE extra" in family.ok("migrate", "upgrade", "--sql")
    assert "extra" not in family.tables()
    assert family.heads() == [("first",)]


def test_failing_step_on_mariadb_says_how_far_it_has_come(project: Project, mysql_url: str) -> None:
    family = Family(project, mysql_url)
    family.revision(
        "second", "first", 'op.create_table("extra", sa.Column("id", sa.Integer))', 'op.execute("SELECT nonsense")'
    )
    done = family.run("migrate", "upgrade")
    assert done.returncode == 1
    assert "half way in the upgrade of second: 1 statement committed" in done.stderr
    assert "CREATE TABLE extra" in done.stderr
    assert family.heads() == [("first",)]
