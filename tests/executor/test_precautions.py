"""What comes before the first statement, and what of it is left when nothing comes of the rest."""

import sqlite3
from contextlib import closing

import pytest

from migrated_project import MigratedProject
from projects import Project

MODELS = """
    from sqlmodel import Field, SQLModel


    class Account(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(max_length=20)
"""


class Accounts(MigratedProject):
    """A project on SQLite at its first revision, with two accounts of one name."""

    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        project.write("models.py", MODELS)
        for command in (("init",), ("create", "Initial", "--rev-id", "first"), ("upgrade",)):
            self.ok("migrate", *command)
        self.execute("INSERT INTO account (id, name) VALUES (1, 'Ada'), (2, 'Ada')")

    @property
    def backups(self) -> list[str]:
        folder = self.project.path / "backups"
        return sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []


@pytest.fixture
def accounts(project: Project, sqlite_url: str) -> Accounts:
    return Accounts(project, sqlite_url)


# ---- the backup


def test_failed_upgrade_names_the_backup_from_before(accounts: Accounts) -> None:
    accounts.revision("second", "first", "op.execute(\"UPDATE account SET name = 'lost'\")", 'raise ValueError("no")')
    done = accounts.run("migrate", "upgrade")
    assert done.returncode == 1
    (backup,) = accounts.backups
    assert f"the backup from before is {accounts.project.path}/backups/{backup}" in done.stderr
    with closing(sqlite3.connect(accounts.project.path / "backups" / backup)) as connection:
        assert connection.execute("SELECT name FROM account").fetchall() == [("Ada",), ("Ada",)]
    assert accounts.rows("SELECT name FROM account") == [("Ada",), ("Ada",)]


def test_refused_upgrade_leaves_no_backup(accounts: Accounts) -> None:
    accounts.revision(
        "second", "first", 'op.drop_column("account", "name")', 'op.create_index("ux", "account", ["id"], unique=True)'
    )
    accounts.revision("third", "second", 'op.create_table("extra", sa.Column("id", sa.Integer))')
    accounts.revision(
        "second", "first", 'op.create_index("ux", "account", ["name"], unique=True)', 'op.drop_table("account")'
    )
    done = accounts.run("migrate", "upgrade")
    assert done.returncode == 1
    assert "2 of 2 rows" in done.stderr
    assert accounts.backups == []
    assert accounts.heads() == [("first",)]


def test_upgrade_that_adds_only_takes_no_backup(accounts: Accounts) -> None:
    accounts.revision("second", "first", 'op.create_table("extra", sa.Column("id", sa.Integer))')
    accounts.ok("migrate", "upgrade")
    assert accounts.backups == []
    accounts.revision("third", "second", 'op.drop_table("extra")')
    accounts.ok("migrate", "upgrade", "--no-backup")
    assert accounts.backups == []
    accounts.revision("fourth", "third", 'op.drop_table("account")')
    assert "-third-auto.db" in accounts.run("migrate", "upgrade").stderr
    assert len(accounts.backups) == 1


# ---- what a crash of the stock command left


def test_leftover_is_explained_and_dropped_when_asked(accounts: Accounts) -> None:
    accounts.revision("second", "first", 'op.create_table("extra", sa.Column("id", sa.Integer))')
    accounts.execute("CREATE TABLE _alembic_tmp_account (id INTEGER, name TEXT)")
    accounts.execute("INSERT INTO _alembic_tmp_account VALUES (1, 'Ada')")
    refused = accounts.run("migrate", "upgrade")
    assert refused.returncode == 1
    assert "`_alembic_tmp_account` was made to replace `account`; it holds 1 row, `account` 2" in refused.stderr
    assert "--drop-leftovers" in refused.stderr
    assert "_alembic_tmp_account" in accounts.tables()
    assert "dropped _alembic_tmp_account" in accounts.run("migrate", "upgrade", "--drop-leftovers").stderr
    assert accounts.tables() == {"account", "extra"}
    assert accounts.rows("SELECT count(*) FROM account") == [(2,)]


def test_leftover_with_the_only_copy_of_its_rows_stays(accounts: Accounts) -> None:
    accounts.revision("second", "first", 'op.create_table("extra", sa.Column("id", sa.Integer))')
    accounts.execute("ALTER TABLE account RENAME TO _alembic_tmp_account")
    assert accounts.run("migrate", "upgrade", "--drop-leftovers").returncode == 1
    assert accounts.rows("SELECT count(*) FROM _alembic_tmp_account") == [(2,)]
    assert accounts.heads() == [("first",)]


# ---- what a person allows


def test_lossy_conversion_in_a_batch_is_refused_until_a_comment_allows_it(accounts: Accounts) -> None:
    alter = 'batch.alter_column("name", existing_type=sa.String(20), type_=sa.String(2))'
    block = 'with op.batch_alter_table("account") as batch:'
    accounts.revision("second", "first", block, f"    {alter}")
    refused = accounts.run("migrate", "upgrade")
    assert refused.returncode == 1
    assert "account.name" in refused.stderr
    assert "'Ada'" in refused.stderr
    accounts.revision(
        "second", "first", block, "    # oppman: allow lossy-conversion -- names were jokes", f"    {alter}"
    )
    accounts.ok("migrate", "upgrade")
    assert accounts.heads() == [("second",)]


# ---- what was edited


def test_edited_file_is_noted_and_no_reason_not_to_go_on(accounts: Accounts) -> None:
    accounts.revision("second", "first", 'op.create_table("extra", sa.Column("id", sa.Integer))')
    accounts.ok("migrate", "upgrade")
    accounts.revision("second", "first", 'op.create_table("other", sa.Column("id", sa.Integer))')
    accounts.revision("third", "second", "pass")
    done = accounts.run("migrate", "upgrade")
    assert done.returncode == 0
    assert "second.py was edited after it was applied" in done.stderr
    assert accounts.run("migrate", "check").returncode == 1
