"""Hand-written batches of stock Alembic, run by our command and by the stock one: nothing goes that nobody named."""

import subprocess
import sys
from pathlib import Path

import pytest

from migrated_project import MigratedProject
from projects import Project, clean_environment

MODELS = """
    from sqlmodel import Field, SQLModel


    class Parent(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(max_length=20)
"""
FIRST = (
    "op.execute('CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(20) COLLATE NOCASE, n TEXT)')",
    "op.execute('CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent ON DELETE CASCADE)')",
    "op.execute('CREATE INDEX by_name ON parent (name DESC)')",
    "op.execute('CREATE VIEW named AS SELECT name FROM parent')",
    "op.execute('CREATE TRIGGER told AFTER INSERT ON parent BEGIN UPDATE parent SET n = 1 WHERE id = new.id; END')",
)
BATCH = (
    "with op.batch_alter_table('parent') as batch_op:",
    "    batch_op.alter_column('name', existing_type=sa.String(20), nullable=False)",
    "    batch_op.create_unique_constraint('uq_parent_name', ['name'])",
)


class Family(MigratedProject):
    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        project.write("models.py", MODELS)
        self.ok("migrate", "init")
        self.revision("first", None, *FIRST)  # type: ignore[arg-type]
        self.ok("migrate", "upgrade")
        self.execute("INSERT INTO parent (name, n) VALUES ('Ada', 7), ('Bob', 8)")
        self.execute("INSERT INTO child VALUES (1, 1), (2, 2)")
        self.revision("second", "first", *BATCH)

    def stock(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=self.project.path,
            env={**clean_environment(), **self.env},
            capture_output=True,
            text=True,
        )


@pytest.fixture(params=["sqlite", "sqlite+aiosqlite"])
def family(request: pytest.FixtureRequest, project: Project, sqlite_url: str) -> Family:
    return Family(project, sqlite_url.replace("sqlite:", f"{request.param}:"))


@pytest.mark.parametrize("command", ["ours", "stock"])
def test_batch_loses_nothing_whoever_runs_it(family: Family, command: str) -> None:
    stored = "SELECT type, name, sql FROM sqlite_master WHERE tbl_name != 'alembic_version' AND sql IS NOT NULL"
    before = {row[1]: row for row in family.rows(stored)}
    if command == "ours":
        family.ok("migrate", "upgrade")
    else:
        done = family.stock("upgrade", "head")
        assert done.returncode == 0, done.stderr
    after = {row[1]: row for row in family.rows(stored)}
    assert after.pop("parent")[2] == (
        "CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(20) NOT NULL COLLATE NOCASE, n TEXT, "
        "CONSTRAINT uq_parent_name UNIQUE (name))"
    )
    del before["parent"]
    assert after == before
    assert family.rows("SELECT id, name, n FROM parent") == [(1, "Ada", "1"), (2, "Bob", "1")]
    assert family.rows("SELECT id, parent_id FROM child") == [(1, 1), (2, 2)]
    assert family.heads() == [("second",)]


@pytest.mark.parametrize("command", ["ours", "stock"])
def test_rows_that_do_not_fit_leave_everything_as_it_was(family: Family, command: str) -> None:
    family.execute("INSERT INTO parent (name) VALUES ('ADA')")
    before = family.rows("SELECT * FROM parent"), family.rows("SELECT sql FROM sqlite_master")
    done = family.run("migrate", "upgrade") if command == "ours" else family.stock("upgrade", "head")
    assert done.returncode == 1
    assert "2 rows of `parent` have the same `name` as another row" in done.stderr
    assert (family.rows("SELECT * FROM parent"), family.rows("SELECT sql FROM sqlite_master")) == before
    assert family.heads() == [("first",)]


@pytest.mark.parametrize("command", ["ours", "stock"])
@pytest.mark.parametrize(("setting", "is_edited"), [({}, True), ({"OPPMAN_SQLITE_SCHEMA_EDIT": "0"}, False)])
def test_table_stays_on_its_pages_where_its_definition_is_edited(
    family: Family, command: str, setting: dict[str, str], is_edited: bool
) -> None:
    family.ok("migrate", "upgrade")
    family.revision(
        "third",
        "second",
        "with op.batch_alter_table('parent') as batch_op:",
        "    batch_op.alter_column('name', type_=sa.String(40), existing_type=sa.String(20), nullable=True)",
    )
    root = "SELECT rootpage FROM sqlite_master WHERE name = 'parent'"
    before, rows = family.rows(root), family.rows("SELECT * FROM parent")
    family.env.update(setting)
    done = family.run("migrate", "upgrade") if command == "ours" else family.stock("upgrade", "head")
    assert done.returncode == 0, done.stderr
    assert (family.rows(root) == before) is is_edited
    assert family.rows("SELECT * FROM parent") == rows
    assert (
        "name VARCHAR(40) COLLATE NOCASE, n TEXT"
        in family.rows("SELECT sql FROM sqlite_master WHERE name = 'parent'")[0][0]
    )
    assert family.rows("PRAGMA integrity_check") == [("ok",)]


def test_plan_shows_what_the_rebuild_executes(family: Family) -> None:
    shown = family.ok("migrate", "show", "second")
    assert "INSERT OR ABORT INTO" in shown
    assert "SAVEPOINT" not in shown


def test_file_is_the_same_after_a_round_trip(family: Family, tmp_path: Path) -> None:
    family.ok("migrate", "upgrade")
    assert family.rows("PRAGMA integrity_check") == [("ok",)]
    assert family.rows("PRAGMA foreign_key_check") == []
