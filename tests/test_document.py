"""The workflows that users were promised, command by command, on every server.

After each command: what the database holds, what the files say, and whether the stock `alembic` command agrees.
"""

import datetime
import re
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import DateTime, Uuid, column, insert
from sqlalchemy import table as sa_table

from migrated_project import MigratedProject, checked
from projects import Project

MODELS = """
    import uuid
    from datetime import UTC, datetime
    from typing import Optional

    from sqlmodel import Field, SQLModel


    class User(SQLModel, table=True):
        __tablename__ = "users"

        id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
        email: str = Field(unique=True, index=True, max_length=200)
"""
ORDER = """

class Order(SQLModel, table=True):
    __tablename__ = "orders"

    id: Optional[uuid.UUID] = Field(primary_key=True, default_factory=uuid.uuid4)
    user_id: uuid.UUID = Field(nullable=False, foreign_key="users.id")
    total_amount: float = Field(nullable=False)
    status: str = Field(max_length=20, default="pending")
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
"""
TYPES: dict[type, Any] = {uuid.UUID: Uuid(), datetime.datetime: DateTime()}
KEY = uuid.UUID("f47ac10b-58cc-4372-a567-0e02b2c3d479")


class Walk(MigratedProject):
    """A project that is walked through, and its database."""

    def oppman(self, *arguments: str, code: int = 0) -> str:
        """Run a command of the project's oppman.py; return its stdout."""
        return checked(self.project.oppman(*arguments, env=self.env), code)

    def alembic(self, *arguments: str, code: int = 0) -> str:
        """Run the stock command in the same project, on the same database."""
        return checked(self.project.call([sys.executable, "-m", "alembic", *arguments], env=self.env), code)

    def create(self, message: str) -> str:
        """Make a revision and return its id."""
        self.oppman("migrate", "create", message)
        newest = self.versions()[-1]
        found = re.search(r'^revision: str = "(\w+)"', newest.read_text(), re.M)
        assert found
        return found[1]

    def insert(self, table: str, **values: Any) -> None:
        """One row; UUIDs and times are written as each server wants them."""
        columns = [column(name, TYPES.get(type(value))) for name, value in values.items()]

        def work(connection: Any) -> None:
            connection.execute(insert(sa_table(table, *columns)).values(**values))
            connection.commit()

        self.database.run(work)

    def add_to_models(self, source: str) -> None:
        self.models.write_text(self.models.read_text() + source)


@pytest.fixture
def walk(project: Project, database_url: str) -> Walk:
    """A project with one model, initialised, its first revision applied, one user in it."""
    project.write("models.py", MODELS)
    walk = Walk(project, database_url)
    walk.ok("migrate", "init")
    walk.create("Initial")
    walk.oppman("migrate", "upgrade")
    walk.insert("users", id=KEY, email="ada@example.com")
    return walk


def assert_ada_is_there(walk: Walk) -> None:
    assert walk.rows("SELECT email FROM users") == [("ada@example.com",)]


def test_quick_start_from_init_to_an_applied_order_model(walk: Walk) -> None:
    for path in ("alembic.ini", "alembic/env.py", "alembic/script.py.mako", "alembic/versions", "oppman.py"):
        assert (walk.project.path / path).exists(), path
    first = walk.alembic("current").split()[0]

    walk.add_to_models(ORDER)
    order = walk.create("Add Order model")
    (file,) = [path for path in walk.versions() if order in path.name]
    header = file.read_text().split('"""')[1]
    assert header.startswith("Add Order model\n")
    assert f"Revision ID: {order}" in header
    assert f"Revises: {first}" in header
    assert "Create Date: " in header
    assert walk.tables() == {"users"}

    walk.oppman("migrate", "upgrade")
    assert walk.tables() == {"users", "orders"}
    assert_ada_is_there(walk)
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5)
    walk.insert("orders", id=KEY, user_id=KEY, total_amount=12.5, status="pending", created_at=moment)

    assert f"{order} (head)" in walk.oppman("migrate", "current")
    assert f"{order} (head)" in walk.alembic("current")
    walk.oppman("migrate", "check")
    walk.alembic("check")
    walk.alembic("upgrade", "head")
    assert walk.rows("SELECT total_amount, status FROM orders") == [(12.5, "pending")]


def test_every_basic_and_advanced_command(walk: Walk) -> None:
    walk.add_to_models(ORDER)
    first = walk.alembic("current").split()[0]
    assert "unmade" in walk.oppman("migrate", "check", code=1)
    order = walk.create("Add Order model")
    assert "pending" in walk.oppman("migrate", "check", code=1)

    walk.oppman("migrate", "upgrade", order[:6])
    assert walk.tables() == {"users", "orders"}
    history = walk.oppman("migrate", "history")
    assert history.index(order) < history.index(first)
    shown = walk.oppman("migrate", "show", order)
    assert "create table orders (5 columns)" in shown
    assert "CREATE TABLE orders" in shown

    walk.oppman("migrate", "downgrade", first)
    assert walk.tables() == {"users"}
    assert_ada_is_there(walk)
    assert f"{first} (1 pending)" in walk.oppman("migrate", "current")
    assert walk.alembic("current").strip() == first

    walk.oppman("migrate", "stamp", "head")
    assert walk.tables() == {"users"}
    assert f"{order} (head)" in walk.alembic("current")
    walk.oppman("migrate", "stamp", first)
    walk.oppman("migrate", "upgrade")
    assert walk.tables() == {"users", "orders"}
    walk.oppman("migrate", "check")

    before = {path: path.read_bytes() for path in walk.project.path.rglob("*.ini")}
    assert "up to date" in walk.oppman("migrate", "setup")
    assert before == {path: path.read_bytes() for path in walk.project.path.rglob("*.ini")}
    assert_ada_is_there(walk)


def test_backup_then_reset_then_everything_back(walk: Walk) -> None:
    head = walk.alembic("current").split()[0]
    walk.oppman("backup")
    (backup,) = (walk.project.path / "backups").iterdir()
    assert head in backup.name
    assert backup.name in walk.oppman("backup", "--list")

    walk.oppman("delete", code=1)  # nobody to ask
    assert_ada_is_there(walk)
    walk.oppman("delete", "--yes")
    assert walk.tables() == set()
    assert len(list((walk.project.path / "backups").iterdir())) == 2

    walk.oppman("restore", backup.name, "--yes")
    assert_ada_is_there(walk)
    assert f"{head} (head)" in walk.alembic("current")


def test_rolling_back_to_base_and_forward_again(walk: Walk) -> None:
    walk.add_to_models(ORDER)
    walk.create("Add Order model")
    walk.oppman("migrate", "upgrade", "+1")
    walk.oppman("migrate", "downgrade", "-1")
    assert walk.tables() == {"users"}
    walk.oppman("migrate", "downgrade", "base")
    assert walk.tables() == set()
    assert "base (2 pending)" in walk.oppman("migrate", "current")
    walk.oppman("migrate", "upgrade")
    assert walk.tables() == {"users", "orders"}


def test_sqlite_database_is_test_db_in_the_project_whatever_the_working_directory(
    project: Project, tmp_path: Path
) -> None:
    project.write("models.py", MODELS)
    checked(project.run("migrate", "init"))
    checked(project.oppman("migrate", "create", "Initial"))
    checked(project.oppman("migrate", "upgrade", cwd=tmp_path))
    assert (project.path / "test.db").is_file()
    assert not (tmp_path / "test.db").exists()
    current = checked(project.run("--project", str(project.path), "migrate", "current", cwd=tmp_path))
    assert "(head)" in current
