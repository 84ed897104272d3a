"""`create` runs the new revision up, down and up again on a throw-away database before it keeps the file."""

import json
from typing import Any

import pytest

from migrated_project import MigratedProject
from projects import Project

MODELS = """
from sqlmodel import Field, SQLModel


class Account(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=20)
"""
MORE = MODELS + "    city: str | None = Field(default=None, max_length=30, index=True)\n"
HOOK = """
from alembic.operations import ops


def _leave_indexes_out(container):
    for each in container.ops:
        if hasattr(each, "ops"):
            _leave_indexes_out(each)
    container.ops[:] = [each for each in container.ops if not isinstance(each, (ops.CreateIndexOp, ops.DropIndexOp))]


def change(context, revision, directives):
    for script in directives:
        {}
"""


class Accounts(MigratedProject):
    """A project whose first revision is applied, with a row in it; its models have gone on since."""

    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        project.write("models.py", MODELS)
        self.ok("migrate", "init")
        self.ok("migrate", "create", "First", "--rev-id", "first")
        self.ok("migrate", "upgrade")
        self.execute("INSERT INTO account (id, name) VALUES (1, 'Ada')")
        project.write("models.py", MORE)

    def hook(self, line: str) -> None:
        """Let the project change what `create` writes."""
        self.project.write("hook.py", HOOK.format(line))
        env = self.project.path / "alembic/env.py"
        source = env.read_text()
        call = "run_migrations(context, target_metadata)"
        assert call in source
        wired = source.replace(
            call, "run_migrations(context, target_metadata, process_revision_directives=hook.change)"
        )
        self.project.write("alembic/env.py", f"import hook\n{wired}")

    def files(self) -> list[str]:
        return sorted(path.name for path in self.versions())

    def create(self, *arguments: str) -> dict[str, Any]:
        proof: dict[str, Any] = json.loads(self.ok("migrate", "create", "Second", "--json", *arguments))["proof"]
        return proof


@pytest.fixture
def accounts(project: Project, database_url: str) -> Accounts:
    return Accounts(project, database_url)


@pytest.fixture
def sqlite_accounts(project: Project, sqlite_url: str) -> Accounts:
    return Accounts(project, sqlite_url)


def test_revision_that_holds_is_kept_and_nothing_is_left_of_the_trial(accounts: Accounts) -> None:
    done = accounts.run("migrate", "create", "Second")
    assert "tried     up, down and up again, on a throw-away database" in done.stderr
    assert accounts.heads() == [("first",)]
    assert accounts.rows("SELECT * FROM account") == [(1, "Ada")]
    folder = accounts.project.path / "alembic"
    assert not [path for path in folder.iterdir() if path.name.startswith(".new-")]
    accounts.ok("migrate", "upgrade")
    accounts.ok("migrate", "downgrade", "-1")
    assert accounts.rows("SELECT * FROM account") == [(1, "Ada")]


def test_revision_whose_upgrade_fails_is_not_kept(accounts: Accounts) -> None:
    accounts.hook("script.upgrade_ops.ops.append(ops.ExecuteSQLOp('UPDATE nowhere SET x = 1'))")
    before = accounts.files()
    refused = accounts.run("migrate", "create", "Second")
    assert refused.returncode == 1
    assert "error: the upgrade of the new revision fails: " in refused.stderr
    assert "nowhere" in refused.stderr
    assert "--no-verify" in refused.stderr
    assert accounts.files() == before
    assert accounts.rows("SELECT * FROM account") == [(1, "Ada")]


def test_statement_about_a_table_that_no_revision_makes_is_not_kept(sqlite_accounts: Accounts) -> None:
    """The table is there, and would not be in another database."""
    sqlite_accounts.execute("CREATE TABLE by_hand (id INTEGER NOT NULL PRIMARY KEY)")
    by_hand = "\n\nclass ByHand(SQLModel, table=True):\n    __tablename__ = 'by_hand'\n"
    more = f"{MORE}{by_hand}    id: int | None = Field(default=None, primary_key=True)\n"
    sqlite_accounts.project.write("models.py", more)
    sqlite_accounts.hook("script.upgrade_ops.ops.append(ops.ExecuteSQLOp('UPDATE by_hand SET id = 1'))")
    refused = sqlite_accounts.run("migrate", "create", "Second")
    assert refused.returncode == 1
    assert "error: the upgrade of the new revision fails: no such table: by_hand" in refused.stderr


def test_revision_whose_downgrade_fails_is_not_kept(accounts: Accounts) -> None:
    accounts.hook("script.downgrade_ops.ops.insert(0, ops.DropTableOp('nowhere'))")
    before = accounts.files()
    refused = accounts.run("migrate", "create", "Second")
    assert refused.returncode == 1
    assert "error: the downgrade of the new revision fails: " in refused.stderr
    assert accounts.files() == before


def test_revision_that_fails_is_kept_where_somebody_asks_for_it(sqlite_accounts: Accounts) -> None:
    sqlite_accounts.hook("script.upgrade_ops.ops.append(ops.ExecuteSQLOp('UPDATE nowhere SET x = 1'))")
    assert sqlite_accounts.create("--no-verify") is None
    assert len(sqlite_accounts.versions()) == 2


def test_what_the_upgrade_leaves_out_is_told_and_the_file_is_kept(accounts: Accounts) -> None:
    accounts.hook("[_leave_indexes_out(each) for each in (script.upgrade_ops, script.downgrade_ops)]")
    told = accounts.run("migrate", "create", "Second")
    assert told.returncode == 0, told.stderr
    difference = "create index ix_account_city on account (city)"
    assert f"after its upgrade, models and database still differ: {difference}; write it into upgrade()" in told.stderr
    assert "up, down and up again" not in told.stderr
    assert len(accounts.versions()) == 2


def test_what_the_downgrade_leaves_behind_is_told_and_the_file_is_kept(accounts: Accounts) -> None:
    accounts.project.write("models.py", MODELS.replace("name: str", "name: str | None"))
    accounts.hook("script.downgrade_ops.ops.clear()")
    told = accounts.run("migrate", "create", "Second")
    assert told.returncode == 0, told.stderr
    difference = "alter column account.name: nullable -> NOT NULL"
    assert f"its downgrade does not bring back what was there before: {difference}; write it into" in told.stderr
    assert len(accounts.versions()) == 2


def test_first_revision_is_tried_too(project: Project, database_url: str) -> None:
    shop = MigratedProject(project, database_url)
    project.write("models.py", MODELS)
    shop.ok("migrate", "init")
    done = shop.run("migrate", "create", "First")
    assert "tried     up, down and up again" in done.stderr
    assert shop.tables() == set()


def test_history_that_needs_what_it_did_not_make_is_no_obstacle(sqlite_accounts: Accounts) -> None:
    sqlite_accounts.execute("CREATE TABLE legacy (x INT)")
    sqlite_accounts.revision("older", "first", 'op.execute("UPDATE legacy SET x = 1")')
    sqlite_accounts.ok("migrate", "upgrade")
    done = sqlite_accounts.run("migrate", "create", "Second", "--drop", "legacy")
    assert done.returncode == 0, done.stderr
    assert "not tried on a throw-away database: revision older cannot be run on an empty database" in done.stderr
    assert len(sqlite_accounts.versions()) == 3


def test_only_what_the_revision_touches_is_compared(sqlite_accounts: Accounts) -> None:
    """What was changed by hand, or made by somebody else's models, is `check`'s to tell."""
    sqlite_accounts.revision("older", "first", 'op.execute("CREATE TABLE by_hand (x INT)")')
    sqlite_accounts.ok("migrate", "upgrade")
    sqlite_accounts.execute("DROP TABLE by_hand")
    assert sqlite_accounts.create() == {"differences": [], "left_behind": [], "unproved": None}


def test_dry_run_is_tried_too(sqlite_accounts: Accounts) -> None:
    assert sqlite_accounts.create("--dry-run") == {"differences": [], "left_behind": [], "unproved": None}
    assert sqlite_accounts.files() == ["first_first.py"]
