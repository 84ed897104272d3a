"""The journal never shows in a comparison: not in ours, not in an adopted project's, not in stock Alembic's."""

import sys

import pytest

from journal_entries import write_down
from migrated_project import MigratedProject
from projects import Project

MODELS = """
    from sqlmodel import Field, SQLModel

    class Tag(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(max_length=8)
"""
STOCK_ENV = """
    from alembic import context
    from sqlalchemy import engine_from_config
    from models import SQLModel

    def include_name(name, type_, parents):
        return name != "foreign"

    engine = engine_from_config(context.config.get_section("alembic"))
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=SQLModel.metadata, include_name=include_name)
        with context.begin_transaction():
            context.run_migrations()
"""


@pytest.fixture
def tags(project: Project, database_url: str) -> MigratedProject:
    """A project at its only revision, with a journal that says so."""
    project.write("models.py", MODELS)
    tags = MigratedProject(project, database_url)
    for command in (("init",), ("create", "First"), ("upgrade",)):
        tags.ok("migrate", *command)
    write_down(tags.url, *tags.versions())
    return tags


class StockProject:
    """A project of stock Alembic's, on SQLite, that is at its only revision and has a journal."""

    def __init__(self, project: Project, *, journal: str = "oppman_journal", folder: str = ".") -> None:
        self.project = project
        self.ini = f"{folder}/alembic.ini"
        self.url = f"sqlite:///{project.path}/stock.db"
        project.write("models.py", MODELS)
        project.write("migrations/env.py", STOCK_ENV)
        project.write("migrations/script.py.mako", TEMPLATE)
        (project.path / "migrations/versions").mkdir()
        lines = ("[alembic]", f"script_location = {project.path}/migrations", f"sqlalchemy.url = {self.url}")
        project.write(self.ini, "\n".join(lines))
        self.alembic("revision", "--autogenerate", "-m", "first")
        self.alembic("upgrade", "head")
        write_down(self.url, *self.versions, name=journal)

    @property
    def versions(self):
        return sorted((self.project.path / "migrations/versions").glob("*.py"))

    def alembic(self, *arguments: str) -> str:
        """Everything that the stock command says; it has to succeed."""
        command = [sys.executable, "-m", "alembic", "-c", self.ini, *arguments]
        done = self.project.call(command, env={"PYTHONPATH": "."})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


TEMPLATE = '''
"""${message}"""
from alembic import op
import sqlalchemy as sa
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
def upgrade():
    ${upgrades or "pass"}
def downgrade():
    ${downgrades or "pass"}
'''


def test_our_own_comparison_passes_over_the_journal(tags: MigratedProject) -> None:
    assert "up to date" in tags.ok("migrate", "check")
    assert "oppman_journal" not in tags.ok("migrate", "create", "Nothing")
    assert len(tags.versions()) == 1


def test_table_that_no_model_has_is_found_beside_the_journal(tags: MigratedProject) -> None:
    tags.execute("CREATE TABLE stray (id INT)")
    done = tags.run("migrate", "check")
    assert done.returncode == 1
    assert "drop table stray" in done.stdout
    assert "oppman_journal" not in done.stdout


def test_stock_comparison_of_our_project_passes_over_the_journal(tags: MigratedProject) -> None:
    done = tags.project.call([sys.executable, "-m", "alembic", "check"], env=tags.env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "oppman_journal" not in done.stdout + done.stderr


def test_model_of_the_journal_makes_no_revision(tags: MigratedProject) -> None:
    """An application may have one to show the journal in its admin pages."""
    tags.project.write(
        "models.py",
        MODELS
        + """
    class Run(SQLModel, table=True):
        __tablename__ = "oppman_journal"
        id: int | None = Field(default=None, primary_key=True)
        revision: str
        duration_ms: float
        """,
    )
    assert "up to date" in tags.ok("migrate", "check")


@pytest.mark.parametrize("adopted", [True, False], ids=["ours", "stock"])
def test_comparison_of_a_stock_project_passes_over_the_journal_alone(project: Project, adopted: bool) -> None:
    stock = StockProject(project)
    if adopted:
        assert project.run("migrate", "check").returncode == 0
        assert project.run("migrate", "create", "Nothing").returncode == 0
    else:
        assert "oppman_journal" not in stock.alembic("check")
        assert "oppman_journal" not in stock.alembic("revision", "--autogenerate", "-m", "nothing")
        (file,) = (project.path / "migrations/versions").glob("*_nothing.py")
        assert "pass" in file.read_text() and "oppman_journal" not in file.read_text()


def test_stock_command_finds_the_journals_name_in_the_settings(project: Project) -> None:
    project.write("pyproject.toml", '[tool.oppman]\njournal_table = "our_history"\n')
    stock = StockProject(project, journal="our_history")
    assert "our_history" not in stock.alembic("check")


def test_stock_command_finds_the_settings_of_the_folder_above_its_ini_file(project: Project) -> None:
    project.write("pyproject.toml", '[tool.oppman]\njournal_table = "our_history"\n')
    stock = StockProject(project, journal="our_history", folder="conf")
    assert "our_history" not in stock.alembic("check")


def test_stock_command_runs_where_the_settings_cannot_be_read(project: Project) -> None:
    stock = StockProject(project)
    project.write("pyproject.toml", "[tool.oppman]\njournal_table = 7\n")
    assert "oppman_journal" not in stock.alembic("upgrade", "head")
    assert "oppman_journal" not in stock.alembic("check")


def test_journal_goes_into_the_schema_of_the_version_table(project: Project, postgresql_url: str) -> None:
    """The same name in another schema is any other table."""
    project.write("models.py", MODELS)
    tags = MigratedProject(project, postgresql_url)
    tags.ok("migrate", "init")
    env = project.path / "alembic/env.py"
    env.write_text(
        env.read_text().replace(
            "run_migrations(context, ",
            'run_migrations(context, version_table_schema="ops", include_schemas=True, target_metadata=',
        )
    )
    tags.execute("CREATE SCHEMA ops")
    tags.ok("migrate", "create", "First")
    tags.ok("migrate", "upgrade")
    assert tags.rows("SELECT outcome FROM ops.oppman_journal") == [("done",)]
    assert "up to date" in tags.ok("migrate", "check")
    tags.execute("CREATE TABLE oppman_journal (id INT)")
    done = tags.run("migrate", "check")
    assert done.returncode == 1
    assert "drop table oppman_journal" in done.stdout
