"""`op.get_context().autocommit_block()` on SQLite: it neither commits half of the upgrade nor lets others in."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import make_url

from migrated_project import MigratedProject
from projects import Project

MODELS = """
    from sqlmodel import Field, SQLModel


    class Guest(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        n: int
"""
ENTER = (
    "    import sqlite3",
    "    other = sqlite3.connect(op.get_bind().engine.url.database, timeout=0, isolation_level=None)",
    "    try:",
    '        other.execute("BEGIN IMMEDIATE")',
    "    except sqlite3.OperationalError:",
    "        pass",
    "    else:",
    '        raise AssertionError("another connection may write")',
    "    other.close()",
)


@pytest.fixture(params=["sqlite", "sqlite+aiosqlite"])
def guests(project: Project, sqlite_url: str, request: pytest.FixtureRequest) -> MigratedProject:
    """At `first`, with two guests."""
    project.write("models.py", MODELS)
    guests = MigratedProject(project, sqlite_url.replace("sqlite:", f"{request.param}:"))
    for command in (("init",), ("create", "Guests", "--rev-id", "first"), ("upgrade",)):
        guests.ok("migrate", *command)
    guests.execute("INSERT INTO guest (id, n) VALUES (1, 0), (2, 100)")
    return guests


def file_of(guests: MigratedProject) -> Path:
    return Path(make_url(guests.url).database or "")


def dump(guests: MigratedProject) -> list[str]:
    connection = sqlite3.connect(file_of(guests))
    lines = list(connection.iterdump())
    connection.close()
    return lines


def test_block_stays_in_the_transaction_of_the_upgrade(guests: MigratedProject) -> None:
    guests.revision(
        "second",
        "first",
        'op.create_table("extra", sa.Column("id", sa.Integer))',
        "with op.get_context().autocommit_block():",
        '    op.execute("UPDATE guest SET n = n + 1")',
        '    op.execute("VACUUM")',
        *ENTER,
        'op.execute("UPDATE guest SET n = n + 1")',
    )
    guests.revision("third", "second", 'op.execute("SELECT nonsense FROM nowhere")')
    before = dump(guests)
    done = guests.run("migrate", "upgrade")
    assert done.returncode == 1
    assert "stands at first, as before: nothing was changed" in done.stderr
    assert dump(guests) == before
    guests.revision("third", "second", 'op.execute("UPDATE guest SET n = n + 1")')
    guests.ok("migrate", "upgrade")
    assert guests.rows("SELECT id, n FROM guest ORDER BY id") == [(1, 3), (2, 103)]
    assert guests.heads() == [("third",)]


def test_what_sqlite_refuses_in_a_transaction_follows_it(guests: MigratedProject) -> None:
    guests.revision(
        "second",
        "first",
        "with op.get_context().autocommit_block():",
        '    op.execute("PRAGMA journal_mode = WAL")',
        'op.execute("VACUUM")',
        'op.execute("UPDATE guest SET n = n + 1")',
    )
    guests.ok("migrate", "upgrade")
    assert file_of(guests).read_bytes()[18] == 2  # the journal mode
    assert guests.rows("SELECT id, n FROM guest ORDER BY id") == [(1, 1), (2, 101)]


def test_plan_shows_what_follows(guests: MigratedProject) -> None:
    guests.revision("second", "first", "with op.get_context().autocommit_block():", '    op.execute("VACUUM")')
    assert "VACUUM" in guests.ok("migrate", "upgrade", "--sql")
