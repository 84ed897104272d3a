"""What the stock `alembic` command gains in a project that oppmigrate is installed for, and never set up in."""

import sys
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from oppmigrate import alembic_plugin
from oppmigrate.databases import open_database
from projects import Project, rewrite


def test_stock_autogenerate_writes_sqlmodel_types_that_its_template_does_not_import(project: Project) -> None:
    project.write(
        "models.py",
        """
        from sqlmodel import Field, SQLModel

        class Tag(SQLModel, table=True):
            id: int | None = Field(default=None, primary_key=True)
            name: str
            code: str = Field(max_length=8)
        """,
    )

    def alembic(*arguments: str) -> None:
        done = project.call([sys.executable, "-m", "alembic", *arguments])
        assert done.returncode == 0, done.stdout + done.stderr

    alembic("init", "migrations")
    env = project.path / "migrations/env.py"
    env.write_text(env.read_text().replace("= None", "= __import__('models').SQLModel.metadata", 1))
    ini = project.path / "alembic.ini"
    ini.write_text(ini.read_text().replace("driver://user:pass@localhost/dbname", "sqlite:///stock.db"))

    alembic("revision", "--autogenerate", "-m", "first")
    (file,) = (project.path / "migrations/versions").glob("*.py")
    assert "sa.String(length=8)" in file.read_text()
    alembic("upgrade", "head")
    alembic("check")


def test_stock_autogenerate_finds_checks_and_generated_columns(project: Project) -> None:
    models = """
        from sqlalchemy import CheckConstraint, Column, Computed, Integer, MetaData, Table

        metadata = MetaData()
        Table(
            "tags",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("size", Integer),
            Column("double", Integer, Computed("size * 2")),
            CheckConstraint("size > 0"),
        )
        """
    project.write("models.py", models)

    def alembic(*arguments: str) -> None:
        done = project.call([sys.executable, "-m", "alembic", *arguments])
        assert done.returncode == 0, done.stdout + done.stderr

    alembic("init", "migrations")
    env = project.path / "migrations/env.py"
    source = env.read_text().replace("= None", "= __import__('models').metadata", 1)
    env.write_text(source.replace("connection=connection,", "connection=connection, render_as_batch=True,"))
    ini = project.path / "alembic.ini"
    ini.write_text(ini.read_text().replace("driver://user:pass@localhost/dbname", "sqlite:///stock.db"))
    alembic("revision", "--autogenerate", "-m", "first", "--rev-id", "a")
    alembic("upgrade", "head")
    alembic("check")
    models = models.replace("size * 2", "size * 3").replace('"size > 0"', '"size > 1", name="ck_size"')
    project.write("models.py", models)
    alembic("revision", "--autogenerate", "-m", "second", "--rev-id", "b")
    text = (project.path / "migrations/versions/b_second.py").read_text()
    assert "sa.Computed('size * 3')" in text
    assert "create_check_constraint(batch_op.f('ck_size'), 'size > 1')" in text


def test_plugin_can_be_taken_for_the_collection_that_early_alembic_iterates() -> None:
    assert isinstance(alembic_plugin, ModuleType)
    assert list(alembic_plugin) == [alembic_plugin]  # type: ignore[call-overload]


def test_stock_downgrade_takes_the_type_of_an_enum_along(project: Project, postgresql_url: str) -> None:
    project.write(
        "models.py",
        """
        import sqlalchemy as sa

        metadata = sa.MetaData()
        sa.Table("orders", metadata, sa.Column("id", sa.Integer, primary_key=True),
                 sa.Column("status", sa.Enum("new", "done", name="status")))
        """,
    )

    def alembic(*arguments: str) -> None:
        done = project.call([sys.executable, "-m", "alembic", *arguments])
        assert done.returncode == 0, done.stdout + done.stderr

    alembic("init", "migrations")
    env = project.path / "migrations/env.py"
    env.write_text(env.read_text().replace("= None", "= __import__('models').metadata", 1))
    ini = project.path / "alembic.ini"
    ini.write_text(ini.read_text().replace("driver://user:pass@localhost/dbname", postgresql_url))
    alembic("revision", "--autogenerate", "-m", "first")
    for command in (("upgrade", "head"), ("downgrade", "base"), ("upgrade", "head"), ("check",)):
        alembic(*command)
    models = project.path / "models.py"
    rewrite(models, models.read_text().replace('"done"', '"done", "sent"'))
    alembic("revision", "--autogenerate", "-m", "second")
    for command in (("upgrade", "head"), ("downgrade", "-1"), ("upgrade", "head"), ("check",)):
        alembic(*command)


def test_stock_check_names_what_only_we_find(project: Project, postgresql_url: str) -> None:
    """`compare_metadata` asks each operation what it is, ours among them."""
    made, models = sa.MetaData(), sa.MetaData()
    for metadata, members, identity in ((made, "ab", ()), (models, "abc", (sa.Identity(),))):
        kind = sa.Enum(*members, name="kind")
        sa.Table("t", metadata, sa.Column("id", sa.Integer, *identity, primary_key=True), sa.Column("kind", kind))

    def work(connection: sa.Connection) -> list[Any]:
        made.create_all(connection)
        return list(compare_metadata(MigrationContext.configure(connection), models))

    assert open_database(postgresql_url).run(work) == [
        ("AddEnumValuesOp", "add to enum kind: c"),
        ("SequenceOp", "count t.id no more: drop its sequence"),
        ("IdentityOp", "make t.id an identity column"),
    ]
