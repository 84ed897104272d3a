"""A project of two revisions that are applied, with rows and a journal."""

import pytest

from journal_entries import write_down
from migrated_project import MigratedProject
from projects import Project

NAMES = [(1, "Ada"), (2, "Grace")]


class Shop(MigratedProject):
    """`a1` makes users, `a2` gives them an email; both are in the journal, unless stock Alembic has applied them."""

    def __init__(self, project: Project, url: str, *, journal: bool = True) -> None:
        super().__init__(project, url)
        project.write(
            "models.py",
            """
            from sqlmodel import Field, SQLModel

            class Users(SQLModel, table=True):
                id: int | None = Field(default=None, primary_key=True)
                name: str = Field(max_length=20)
                email: str | None = Field(default=None, max_length=50)
            """,
        )
        self.ok("migrate", "init")
        self.write(
            "a1",
            None,
            'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True),'
            ' sa.Column("name", sa.String(20), nullable=False))',
            'op.drop_table("users")',
        )
        self.write(
            "a2", "a1", 'op.add_column("users", sa.Column("email", sa.String(50)))', 'op.drop_column("users", "email")'
        )
        if journal:
            self.ok("migrate", "upgrade")
            write_down(url, *(self.file(revision) for revision in ("a1", "a2")))
        else:
            self.stock("upgrade", "head")
        for id_, name in NAMES:
            self.execute(f"INSERT INTO users (id, name, email) VALUES ({id_}, '{name}', '{name}@home')")

    def file(self, revision: str):
        return self.project.path / "alembic/versions" / f"{revision}.py"

    def write(self, revision: str, parent: str | None, upgrade: str, downgrade: str) -> None:
        self.project.write(
            f"alembic/versions/{revision}.py",
            f'''
            """Step {revision}"""
            from alembic import op
            import sqlalchemy as sa

            revision = {revision!r}
            down_revision = {parent!r}


            def upgrade():
                {upgrade}


            def downgrade():
                {downgrade}
            ''',
        )

    def stock(self, *arguments: str) -> None:
        """Run stock Alembic, which has to end well."""
        import sys

        done = self.project.call([sys.executable, "-m", "alembic", *arguments], env=self.env)
        assert done.returncode == 0, done.stdout + done.stderr

    def names(self):
        return self.rows("SELECT id, name FROM users ORDER BY id")

    def columns(self) -> set[str]:
        from sqlalchemy import inspect

        return {each["name"] for each in self.database.run(lambda c: inspect(c).get_columns("users"))}


@pytest.fixture
def shop(project: Project, database_url: str) -> Shop:
    return Shop(project, database_url)


@pytest.fixture
def sqlite_shop(project: Project, sqlite_url: str) -> Shop:
    return Shop(project, sqlite_url)


@pytest.fixture
def stock_shop(project: Project, sqlite_url: str) -> Shop:
    """One that stock Alembic has migrated, so that there is no journal."""
    return Shop(project, sqlite_url, journal=False)
