"""The guard in a project's own revisions: what the command says, and what the database holds afterwards."""

import pytest

from guarded import Rows
from migrated_project import MigratedProject
from projects import Project

MODELS = """
    from sqlmodel import Field, SQLModel


    class Account(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        email: str | None = Field(default=None, max_length=50)
        score: int | None = None
"""
KINDS = {
    "not-null": (
        'op.alter_column("account", "email", existing_type=sa.String(50), nullable=False)',
        "makes `account.email` NOT NULL, and 1 of 3 rows holds no value there",
    ),
    "unique": (
        'op.create_unique_constraint("uq", "account", ["score"])',
        "makes `account.score` unique, and 2 of 3 rows share it with another",
    ),
    "unique-index": (
        'op.create_index("ix", "account", ["score"], unique=True)',
        "makes `account.score` unique, and 2 of 3 rows share it with another",
    ),
    "check": (
        'op.create_check_constraint("ck", "account", "score > 5")',
        "adds the CHECK `score > 5` to `account`, and 2 of 3 rows break it",
    ),
    "foreign-key": (
        'op.create_foreign_key("fk", "account", "account", ["score"], ["id"])',
        "makes `account.score` refer to `account.id`, and 1 of 3 rows refers to a row that is not there",
    ),
    "added-column": (
        'op.add_column("account", sa.Column("x", sa.Integer(), nullable=False))',
        "adds `account.x` as NOT NULL without a server_default, and 3 of 3 rows get no value there",
    ),
    "conversion": (
        'op.alter_column("account", "email", existing_type=sa.String(50), type_=sa.String(3))',
        "gives `account.email` the type VARCHAR(3), and 1 of 3 rows holds a value that it does not take, or changes",
    ),
}
ON_SQLITE = ("unique-index", "added-column")


class Accounts(MigratedProject):
    """A project whose first revision is applied, with three accounts."""

    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        project.write("models.py", MODELS)
        for command in (("init",), ("create", "Initial", "--rev-id", "first"), ("upgrade",)):
            self.ok("migrate", *command)
        self.execute("INSERT INTO account (id, email, score) VALUES (1, 'abcd', 2), (2, 'b', 2), (3, NULL, 99)")
        self.held = Rows(url)

    def refused(self) -> str:
        """The command's story of an upgrade that has to be refused, and changes nothing."""
        before, heads = self.held.state(), self.heads()
        done = self.run("migrate", "upgrade")
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert self.held.state() == before
        assert self.heads() == heads
        return done.stderr


@pytest.fixture
def accounts(project: Project, database_url: str) -> Accounts:
    return Accounts(project, database_url)


def test_each_kind_of_misfit_is_refused_by_the_command(accounts: Accounts) -> None:
    kinds = ON_SQLITE if accounts.database.rebuilds_tables else tuple(KINDS)
    for kind in kinds:
        line, message = KINDS[kind]
        accounts.revision("second", "first", line)
        assert message in accounts.refused()


def test_revision_that_mends_its_rows_first_passes(accounts: Accounts) -> None:
    accounts.revision(
        "second",
        "first",
        'op.execute("UPDATE account SET score = id")',
        'op.create_index("ix", "account", ["score"], unique=True)',
    )
    accounts.ok("migrate", "upgrade")
    assert accounts.rows("SELECT id, score FROM account ORDER BY id") == [(1, 1), (2, 2), (3, 3)]


def test_lossy_conversion_passes_with_a_reason_only(project: Project, postgresql_url: str) -> None:
    accounts = Accounts(project, postgresql_url)
    line = 'op.alter_column("account", "email", existing_type=sa.String(50), type_=sa.String(3))'
    accounts.execute("UPDATE account SET email = 'abc   ' WHERE id = 1")
    accounts.revision("second", "first", "# oppman: allow lossy-conversion", line)
    assert "write above it: # oppman: allow lossy-conversion -- REASON" in accounts.refused()
    accounts.revision("second", "first", "# oppman: allow lossy-conversion -- spaces at the end say nothing", line)
    accounts.ok("migrate", "upgrade")
    assert accounts.rows("SELECT email FROM account ORDER BY id") == [("abc",), ("b",), (None,)]
