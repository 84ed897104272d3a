"""How long the migration lock is held, whatever the shape of env.py: until what was done under it is committed."""

from pathlib import Path

import pytest

from migrated_project import MigratedProject
from projects import Project
from servers import with_driver

HEAD = """
import os
from pathlib import Path

import sqlalchemy as sa
from alembic import context
from oppmigrate.databases.mysql_lock import lock_name

URL = os.environ["DATABASE_URL"]
HELD = {
    "postgresql": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    "mysql": f"SELECT IS_USED_LOCK('{lock_name(sa.make_url(URL).database + chr(10))}') IS NOT NULL",
}


def note(connection, words):
    held = connection.scalar(sa.text(HELD[connection.dialect.name]))
    applied = sa.inspect(connection).has_table("guests")
    with Path("notes").open("a") as notes:
        notes.write(f"{words}: {held} held, {'applied' if applied else 'not applied'}\\n")


def look(words):
    engine = sa.create_engine(URL.replace("asyncpg", "psycopg"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        note(connection, words)


def run(connection):
    context.configure(connection=connection, target_metadata=sa.MetaData())
    with context.begin_transaction():
        context.run_migrations()
    look("after run_migrations")

"""
THEIR_TRANSACTION = """
engine = sa.create_engine(URL)
with engine.begin() as connection:
    run(connection)
look("after their commit")
engine.dispose()
"""
ASYNC_TRANSACTION = """
import asyncio
from sqlalchemy.ext.asyncio import create_async_engine

async def main():
    engine = create_async_engine(URL)
    async with engine.begin() as connection:
        await connection.run_sync(run)
    look("after their commit")
    await engine.dispose()

asyncio.run(main())
"""
TRANSACTION_OF_ALEMBICS = """
engine = sa.create_engine(URL)
with engine.connect() as connection:
    run(connection)
"""
TWICE_IN_THEIR_TRANSACTION = """
engine = sa.create_engine(URL)
with engine.begin() as connection:
    run(connection)
    run(connection)
look("after their commit")
"""
SEVERAL_SCHEMAS = """
engine = sa.create_engine(URL)
with engine.connect() as connection:
    for schema in ("one", "two"):
        connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
        connection.commit()
        context.configure(
            connection=connection, target_metadata=sa.MetaData(), version_table_schema=schema
        )
        with context.begin_transaction():
            context.run_migrations()
        look(f"after {schema}")
"""


@pytest.fixture
def migrated(project: Project, postgresql_url: str) -> MigratedProject:
    return adopted(project, postgresql_url)


def adopted(project: Project, url: str) -> MigratedProject:
    """A project with an Alembic of its own: a revision that makes a table, and rows in another."""
    project.write("alembic.ini", "[alembic]\nscript_location = alembic\n")
    project.write("alembic/script.py.mako", "")
    migrated = MigratedProject(project, url)
    migrated.execute("CREATE TABLE kept (id integer)")
    migrated.execute("INSERT INTO kept VALUES (1), (2)")
    migrated.revision("first", None, 'op.execute("CREATE TABLE IF NOT EXISTS guests (id integer)")')
    return migrated


def upgraded(migrated: MigratedProject, env_file: str) -> list[str]:
    """What the env.py has seen while it upgraded; what commands saw that only look is left out."""
    migrated.project.write("alembic/env.py", HEAD + env_file)
    migrated.ok("migrate", "current")
    notes = Path(migrated.project.path / "notes")
    seen_by_looking = notes.read_text().splitlines()
    assert all(": 0 held, not applied" in line for line in seen_by_looking)
    notes.write_text("")
    migrated.ok("migrate", "upgrade")
    assert migrated.rows("SELECT id FROM kept ORDER BY id") == [(1,), (2,)]
    lines, length = notes.read_text().splitlines(), len(seen_by_looking)
    runs = [lines[at : at + length] for at in range(0, len(lines), length)]
    return next(run for run in runs if run != seen_by_looking)


@pytest.mark.parametrize("shape", ["sync", "async"])
def test_lock_is_held_until_their_transaction_is_committed(
    migrated: MigratedProject, postgresql_url: str, shape: str
) -> None:
    if shape == "async":
        migrated.env = {"DATABASE_URL": with_driver(postgresql_url, "postgresql+asyncpg")}
    seen = upgraded(migrated, THEIR_TRANSACTION if shape == "sync" else ASYNC_TRANSACTION)
    assert seen == ["after run_migrations: 1 held, not applied", "after their commit: 0 held, applied"]


def test_lock_of_the_session_is_held_until_their_transaction_is_committed(project: Project, mysql_url: str) -> None:
    """DDL commits by itself there, and what is recorded does not."""
    migrated = adopted(project, mysql_url)
    env_file = THEIR_TRANSACTION.replace("run(connection)", "run(connection)\n    note(connection, 'inside')")
    seen = upgraded(migrated, env_file.replace("engine.dispose()", ""))
    assert seen == [
        "after run_migrations: 1 held, applied",
        "inside: 1 held, applied",
        "after their commit: 0 held, applied",
    ]


def test_lock_is_given_back_after_alembics_own_transaction(migrated: MigratedProject) -> None:
    assert upgraded(migrated, TRANSACTION_OF_ALEMBICS) == ["after run_migrations: 0 held, applied"]


def test_second_run_in_a_transaction_does_not_wait_for_the_lock_of_the_first(migrated: MigratedProject) -> None:
    seen = upgraded(migrated, TWICE_IN_THEIR_TRANSACTION)
    assert seen == ["after run_migrations: 1 held, not applied"] * 2 + ["after their commit: 0 held, applied"]


def test_lock_of_one_schema_is_given_back_before_the_next(migrated: MigratedProject) -> None:
    seen = upgraded(migrated, SEVERAL_SCHEMAS)
    assert [line.partition(",")[0] for line in seen] == ["after one: 0 held", "after two: 0 held"]
