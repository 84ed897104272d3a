"""Defaults that a model calls: for rows that are there already, called for each of them where a person says so."""

import re
import sys
from typing import Any

import pytest

from migrated_project import MigratedProject, checked
from projects import Project

BEFORE = """
    from sqlmodel import Field, SQLModel


    class User(SQLModel, table=True):
        __tablename__ = "users"

        id: int | None = Field(default=None, primary_key=True)
        name: str
        badge: int | None = None
"""
AFTER = """
    import itertools
    import uuid
    from datetime import UTC, datetime

    from sqlalchemy import Column, DateTime
    from sqlmodel import Field, SQLModel

    numbers = itertools.count(100)


    def next_number() -> int:
        return next(numbers)


    def by_row(context) -> str:
        return context.get_current_parameters()["name"]


    class User(SQLModel, table=True):
        __tablename__ = "users"

        id: int | None = Field(default=None, primary_key=True)
        name: str
"""
TOKEN = "token: uuid.UUID = Field(default_factory=uuid.uuid4, unique=True)"
BADGE = "badge: int = Field(default_factory=next_number)"
OLD_BADGE = "badge: int | None = None"
UNNAMED = "made: datetime = Field(default_factory=lambda: datetime.now(UTC), sa_type=DateTime)"
OF_ROW = 'label: str = Field(sa_column=Column("label", String(40), default=by_row, nullable=False))'
NAMES = [f"user {number}" for number in range(2500)]  # three batches


class Users(MigratedProject):
    """A project with users of whom every fifth has a badge."""

    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        project.write("models.py", BEFORE)
        self.ok("migrate", "init")
        self.ok("migrate", "create", "First")
        self.ok("migrate", "upgrade")
        badges = (str(number) if number % 5 == 0 else "NULL" for number in range(len(NAMES)))
        rows = ", ".join(f"('{name}', {badge})" for name, badge in zip(NAMES, badges, strict=True))
        self.execute(f"INSERT INTO users (name, badge) VALUES {rows}")

    def change(self, *columns: str) -> None:
        text = AFTER.replace("import Column, DateTime", "import Column, DateTime, String")
        self.project.write("models.py", text + "".join(f"        {column}\n" for column in columns))

    def create(self, *flags: str) -> str:
        self.ok("migrate", "create", "Second", *flags)
        return self.versions()[-1].read_text()

    def values(self, column: str) -> list[Any]:
        rows = self.rows(f"SELECT name, {column} FROM users ORDER BY id")
        assert [name for name, _ in rows] == NAMES
        return [value for _, value in rows]


@pytest.fixture
def users(project: Project, database_url: str) -> Users:
    return Users(project, database_url)


@pytest.fixture
def local(project: Project, sqlite_url: str) -> Users:
    return Users(project, sqlite_url)


def test_new_column_gets_a_value_of_its_own_in_each_row(users: Users) -> None:
    users.change(OLD_BADGE, TOKEN)
    refused = users.run("migrate", "create", "Second")
    assert refused.returncode == 1
    assert "the model takes its default from is called for each row" in refused.stderr
    flag = re.search(r"^ +(--default users\.token=uuid\.uuid4)$", refused.stderr, re.MULTILINE)
    assert flag
    source = users.create(*flag[1].split())
    assert 'batch.update(lambda row: {"token": uuid.uuid4()})' in source
    users.ok("migrate", "upgrade")
    tokens = users.values("token")
    assert len(set(tokens)) == len(NAMES) and all(tokens)
    assert "up to date" in users.ok("migrate", "check")
    users.ok("migrate", "downgrade", "-1")
    assert users.values("badge")[::5] == list(range(0, len(NAMES), 5))
    users.ok("migrate", "upgrade")
    assert len(set(users.values("token"))) == len(NAMES)


def test_null_is_replaced_and_what_is_there_stays(users: Users) -> None:
    users.change(BADGE)
    assert "--default users.badge=models.next_number" in users.run("migrate", "create", "Second").stderr
    source = users.create("--default", "users.badge=next_number")
    assert "# models.next_number has to stay where it is as long as this revision is run" in source
    users.ok("migrate", "upgrade")
    badges = users.values("badge")
    assert badges[::5] == list(range(0, len(NAMES), 5))
    others = [badge for number, badge in enumerate(badges) if number % 5]
    assert others == list(range(100, 100 + len(others)))


def test_what_has_no_name_is_not_called(local: Users) -> None:
    local.change(OLD_BADGE, UNNAMED, OF_ROW)
    refused = local.run("migrate", "create", "Second")
    assert refused.returncode == 1
    assert "what the model calls for users.made, users.label has no name of its own" in refused.stderr
    assert "--default users.made=1970-01-01 00:00:00\n" in refused.stderr
    assert "--default users.label=VALUE\n" in refused.stderr
    assert len(local.versions()) == 1


def test_name_of_a_function_that_is_not_the_models_default_is_a_value(local: Users) -> None:
    local.change(OLD_BADGE, TOKEN, "label: str")
    source = local.create("--default", "users.token=uuid4()", "--default", "users.label=uuid.uuid4")
    local.ok("migrate", "upgrade")
    assert source.count("uuid.uuid4()") == 1
    assert set(local.values("label")) == {"uuid.uuid4"}


def test_text_that_is_no_value_either_is_refused(local: Users) -> None:
    local.change(OLD_BADGE, TOKEN)
    done = local.run("migrate", "create", "Second", "--default", "users.token=uuid1")
    assert done.returncode == 2
    assert "does not fit the column's type" in done.stderr


def test_terminal_offers_the_call(local: Users) -> None:
    local.change(OLD_BADGE, TOKEN)
    with local.on_terminal("migrate", "create", "Second") as terminal:
        terminal.expect(r"uuid\.uuid4  calls the model's own default, for each row")
        terminal.expect(r"default for users\.token: ")
        terminal.sendline("uuid.uuid4")
        terminal.expect("wrote")
        terminal.read()
    local.ok("migrate", "upgrade")
    assert len(set(local.values("token"))) == len(NAMES)


def test_stock_alembic_runs_it(local: Users) -> None:
    local.change(OLD_BADGE, TOKEN)
    local.create("--default", "users.token=uuid4")
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    checked(local.project.call(command, env=local.env))
    assert len(set(local.values("token"))) == len(NAMES)


def test_table_without_a_key_is_refused_before_a_file_is_written(project: Project, sqlite_url: str) -> None:
    project.write("models.py", "from sqlalchemy import Column, Integer, MetaData, Table\nmetadata = MetaData()\n")
    keyless = MigratedProject(project, sqlite_url)
    table = 'Table("logs", metadata, Column("line", Integer){})\n'
    project.write("models.py", keyless.models.read_text() + table.format(""))
    keyless.ok("migrate", "init")
    keyless.ok("migrate", "create", "First")
    keyless.ok("migrate", "upgrade")
    column = ', Column("token", Integer, nullable=False, default=time.time_ns)'
    source = keyless.models.read_text().replace(table.format(""), table.format(column))
    project.write("models.py", f"import time\n{source}")
    done = keyless.run("migrate", "create", "Second", "--default", "logs.token=time.time_ns")
    assert done.returncode == 1
    assert "has no primary key" in done.stderr
    assert len(keyless.versions()) == 1
