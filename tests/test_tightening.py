"""`create` for columns that are to take no NULL any more: rows that hold one get what a person, or the model, says."""

import pexpect
import pytest

from migrated_project import MigratedProject
from projects import Project

MODELS = """
from sqlmodel import Field, SQLModel


class Account(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=20)
    city: str | None = Field(default=None, max_length=30)
"""
TIGHTENED = MODELS.replace("city: str | None = Field(default=None, max_length=30)", "city: str = Field(max_length=30)")
HELD = [(1, "Ada", "London"), (2, "Grace", None), (3, "Edsger", None)]


class Accounts(MigratedProject):
    """Two of three rows hold NULL in a column that the models have made NOT NULL since."""

    def __init__(self, project: Project, url: str, *, nulls: bool = True) -> None:
        super().__init__(project, url)
        project.write("models.py", MODELS)
        self.ok("migrate", "init")
        self.ok("migrate", "create", "First", "--rev-id", "first")
        self.ok("migrate", "upgrade")
        self.execute("INSERT INTO account VALUES (1, 'Ada', 'London')")
        if nulls:
            self.execute("INSERT INTO account VALUES (2, 'Grace', NULL), (3, 'Edsger', NULL)")
        project.write("models.py", TIGHTENED)

    def held(self) -> list[tuple[object, ...]]:
        return self.rows("SELECT id, name, city FROM account ORDER BY id")


@pytest.fixture
def accounts(project: Project, database_url: str) -> Accounts:
    return Accounts(project, database_url)


def test_rows_with_null_get_the_value_that_was_given_and_others_keep_theirs(accounts: Accounts) -> None:
    accounts.ok("migrate", "create", "Second", "--default", "account.city=nowhere")
    accounts.ok("migrate", "upgrade")
    assert accounts.held() == [(1, "Ada", "London"), (2, "Grace", "nowhere"), (3, "Edsger", "nowhere")]
    assert "no changes" in accounts.ok("migrate", "create", "Third")
    accounts.ok("migrate", "downgrade", "-1")
    accounts.execute("INSERT INTO account VALUES (4, 'Barbara', NULL)")
    accounts.ok("migrate", "upgrade")
    assert accounts.held()[-1] == (4, "Barbara", "nowhere")


def test_rows_with_null_that_nobody_answered_for_are_counted(accounts: Accounts) -> None:
    refused = accounts.run("migrate", "create", "Second", "--no-input")
    assert refused.returncode == 1
    assert "makes account.city NOT NULL, and rows hold NULL there: 2 in account.city" in refused.stderr
    assert "--default account.city=VALUE" in refused.stderr
    assert len(accounts.versions()) == 1
    assert accounts.held() == HELD


def test_constant_default_of_the_model_is_taken(accounts: Accounts) -> None:
    accounts.project.write("models.py", TIGHTENED.replace("Field(max_length=30)", 'Field("Paris", max_length=30)'))
    accounts.ok("migrate", "create", "Second")
    accounts.ok("migrate", "upgrade")
    assert [row[2] for row in accounts.held()] == ["London", "Paris", "Paris"]
    assert "no changes" in accounts.ok("migrate", "create", "Third")  # none was left behind as a server default


def test_column_without_a_null_is_not_asked_about(project: Project, database_url: str) -> None:
    accounts = Accounts(project, database_url, nulls=False)
    assert "fill" not in accounts.ok("migrate", "create", "Second")
    accounts.ok("migrate", "upgrade")
    assert accounts.held() == HELD[:1]


def test_way_back_fills_what_was_decided(project: Project, database_url: str) -> None:
    """NOT NULL becomes nullable; on the way back, rows that hold NULL by then get the value."""
    accounts = Accounts(project, database_url)
    project.write("models.py", MODELS.replace("name: str =", "name: str | None ="))
    accounts.ok("migrate", "create", "Second", "--down-default", "account.name=nobody")
    accounts.ok("migrate", "upgrade")
    accounts.execute("UPDATE account SET name = NULL WHERE id = 2")
    accounts.ok("migrate", "downgrade", "-1")
    assert [row[1] for row in accounts.held()] == ["Ada", "nobody", "Edsger"]


def test_column_that_was_renamed_is_counted_under_its_old_name(project: Project, sqlite_url: str) -> None:
    accounts = Accounts(project, sqlite_url)
    project.write("models.py", TIGHTENED.replace("city:", "town:").replace("class Account", "class People"))
    renames = ("--rename", "account:people", "--rename", "account.city:town")
    refused = accounts.run("migrate", "create", "Second", "--no-input", *renames)
    assert "rows hold NULL there: 2 in people.town" in refused.stderr
    accounts.ok("migrate", "create", "Second", "--no-input", *renames, "--default", "people.town=nowhere")
    accounts.ok("migrate", "upgrade")
    assert [row[0] for row in accounts.rows("SELECT town FROM people ORDER BY id")] == ["London", "nowhere", "nowhere"]


def test_value_that_does_not_fit_the_type_is_refused(project: Project, sqlite_url: str) -> None:
    accounts = Accounts(project, sqlite_url)
    refused = accounts.run("migrate", "create", "Second", "--default", f"account.city={'x' * 31}")
    assert refused.returncode == 2
    assert "does not fit the column's type" in refused.stderr


def test_value_is_asked_for_on_a_terminal(project: Project, sqlite_url: str) -> None:
    accounts = Accounts(project, sqlite_url)
    with accounts.on_terminal("migrate", "create", "Second") as terminal:
        terminal.expect("account.city .* is to take no NULL, and 2 rows hold one.")
        terminal.expect("default for account.city")
        terminal.sendline("somewhere")
        terminal.expect(pexpect.EOF)
    accounts.ok("migrate", "upgrade")
    assert [row[2] for row in accounts.held()] == ["London", "somewhere", "somewhere"]
