"""Revisions that commit in pieces: interrupted anywhere, they are gone on with, and nothing is done twice."""

import pytest

from migrated_project import MigratedProject
from projects import Project

MODELS = """
    from sqlmodel import Field, SQLModel


    class Account(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(max_length=20)
        n: int = 0
"""
# stops where a file says so: kills the process, or raises
STOPS = """
import os, signal
from pathlib import Path

def stop(place):
    for way in ("kill", "raise"):
        if Path(way).exists() and Path(way).read_text() == place:
            if way == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError(f"stopped at {place}")
"""


class Accounts(MigratedProject):
    """A project at its first revision, with two accounts in it."""

    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        project.write("models.py", MODELS)
        project.write("stops.py", STOPS)
        for command in (("init",), ("create", "Initial", "--rev-id", "first"), ("upgrade",)):
            self.ok("migrate", *command)
        self.execute("INSERT INTO account (id, name, n) VALUES (1, 'Ada', 0), (2, 'Grace', 0)")

    def upgrade_stopping(self, place: str, way: str) -> None:
        (self.project.path / way).write_text(place)
        done = self.run("migrate", "upgrade")
        assert done.returncode == (1 if way == "raise" else -9), (done.stdout, done.stderr)
        (self.project.path / way).unlink()


DDL_AND_ROWS = (
    "from stops import stop",
    "stop('0')",
    'op.add_column("account", sa.Column("a", sa.Integer))',
    "stop('1')",
    'op.execute("UPDATE account SET n = n + 1")',
    "stop('2')",
    'op.create_table("extra", sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", sa.Integer))',
    "stop('3')",
    'extra = sa.table("extra", sa.column("id"), sa.column("x"))',
    "bind = op.get_bind()",
    "for (id,) in bind.execute(sa.text('SELECT id FROM account WHERE n < 10 ORDER BY id')).all():",
    "    bind.execute(sa.text('UPDATE account SET n = n + 10 WHERE id = :id'), {'id': id})",
    "stop('4')",
    'op.create_index("ix_account_name", "account", ["name"])',
    "stop('5')",
    'op.execute("UPDATE account SET n = n + 100")',
    "stop('6')",
)
AUTOCOMMIT = (
    "from stops import stop",
    'op.execute("UPDATE account SET n = n + 1")',
    "stop('0')",
    "with op.get_context().autocommit_block():",
    "    stop('1')",
    '    op.execute("UPDATE account SET n = n + 10")',
    "    stop('2')",
    '    op.execute("UPDATE account SET n = n + 100")',
    "    stop('3')",
    "stop('4')",
    'op.add_column("account", sa.Column("a", sa.Integer))',
    'op.execute("UPDATE account SET n = n + 1000")',
    "stop('5')",
)


@pytest.fixture
def accounts(project: Project, database_url: str) -> Accounts:
    return Accounts(project, database_url)


@pytest.mark.parametrize("way", ["kill", "raise"])
def test_interrupted_revision_is_gone_on_with(accounts: Accounts, way: str) -> None:
    for place in range(7):
        accounts.revision("second", "first", *DDL_AND_ROWS)
        accounts.upgrade_stopping(str(place), way)
        accounts.ok("migrate", "upgrade")
        assert accounts.rows("SELECT id, name, n FROM account ORDER BY id") == [(1, "Ada", 111), (2, "Grace", 111)]
        assert accounts.rows("SELECT count(*) FROM extra") == [(0,)]
        assert accounts.heads() == [("second",)]
        accounts.ok("migrate", "downgrade", "-1")
        for statement in ("ALTER TABLE account DROP COLUMN a", "DROP TABLE extra", "UPDATE account SET n = 0"):
            accounts.execute(statement)
        on = " ON account" if accounts.database.name.startswith("Maria") else ""
        accounts.execute(f"DROP INDEX ix_account_name{on}")


@pytest.mark.parametrize("way", ["kill", "raise"])
def test_autocommit_block_is_applied_once(accounts: Accounts, way: str) -> None:
    for place in range(6):
        accounts.revision("second", "first", *AUTOCOMMIT)
        accounts.upgrade_stopping(str(place), way)
        accounts.ok("migrate", "upgrade")
        assert accounts.rows("SELECT n FROM account") == [(1111,), (1111,)], place
        accounts.ok("migrate", "downgrade", "-1")
        accounts.execute("ALTER TABLE account DROP COLUMN a")
        accounts.execute("UPDATE account SET n = 0")
