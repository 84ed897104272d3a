"""Where a throw-away database of `create` begins on SQLite: with the structure that is there, or with every revision.

The verdict is that of the revisions in either case; what is not certain to be of their making is never begun with.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from changes.change import HEAD, Change, table
from changes.changed import initialised_in
from changes.taking import VARIABLE, taken
from migrated_project import MigratedProject, checked
from projects import Project

TRIED_FROM = str(Path(__file__).with_name("tried_from.py"))
BEFORE = HEAD + table("Index('ix_t_n', 'n')") + table(name="other")
AFTER = BEFORE.replace("primary_key=True)", "primary_key=True), Column('added', Integer)", 1)
EVERY_NTH = 1 if os.environ.get(VARIABLE) else 8
HOLDS = {"differences": [], "left_behind": [], "unproved": None}


class Shop(MigratedProject):
    """A project whose revisions can be tried from where one likes."""

    def tried_from(self, where: str, *arguments: str) -> Any:
        """What came of the trial that `create` makes when it writes nothing."""
        command = [sys.executable, TRIED_FROM, where, "migrate", "create", "Second", "--dry-run", "--json", *arguments]
        return json.loads(checked(self.project.call(command, env=self.env)))["proof"]

    def is_run_from_base(self, *arguments: str) -> bool:
        """Are the revisions run, where `create` decides itself?"""
        command = [sys.executable, TRIED_FROM, "heads", "migrate", "create", "Second", "--dry-run", *arguments]
        done = self.project.call(command, env=self.env)
        assert done.returncode == 0 or "the revisions were run from base" in done.stderr, done.stderr
        return done.returncode != 0


def begun(project: Project, url: str, models: str) -> Shop:
    """Its models are made, by one revision."""
    shop = Shop(project, url)
    project.write("models.py", models)
    shop.ok("migrate", "init")
    shop.ok("migrate", "create", "First", "--rev-id", "first", "--no-verify")
    shop.ok("migrate", "upgrade")
    return shop


@pytest.fixture
def shop(project: Project, sqlite_url: str) -> Shop:
    return begun(project, sqlite_url, BEFORE)


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return initialised_in(tmp_path_factory.mktemp("initialised"))


# which tables a renamed value is in is known only once the database is looked at: that is never begun with a structure
SOME = [
    change
    for change, server in taken()
    if server == "sqlite" and not change.before_all and "--rename-value" not in change.flags
][::EVERY_NTH]


@pytest.mark.parametrize("change", SOME, ids=lambda change: change.name)
def test_verdict_is_the_same_from_either(change: Change, initialised: Path, tmp_path: Path, sqlite_url: str) -> None:
    folder = tmp_path / "project"
    shutil.copytree(initialised, folder)
    shop = Shop(Project(folder), sqlite_url)
    env = folder / "alembic" / "env.py"
    env.write_text(env.read_text().replace("target_metadata)", f"target_metadata, {change.options})"))
    shop.project.write("models.py", HEAD + change.before)
    shop.ok("migrate", "create", "First", "--no-verify")
    shop.ok("migrate", "upgrade")
    for statement in change.rows:
        shop.execute(statement)
    shop.project.write("models.py", HEAD + change.after)
    assert shop.tried_from("heads", *change.flags) == HOLDS
    assert shop.tried_from("base", *change.flags) == HOLDS


@pytest.mark.parametrize("driver", ["sqlite", "sqlite+aiosqlite"])
def test_revisions_are_not_run_where_they_have_made_the_database(shop: Shop, driver: str) -> None:
    shop.env = {"DATABASE_URL": shop.url.replace("sqlite", driver, 1)}
    shop.project.write("models.py", AFTER)
    assert not shop.is_run_from_base()


ENV = """
import os

from alembic import context
from sqlalchemy import create_engine, pool

import models

with create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool).connect() as one:
    context.configure(connection=one, target_metadata=models.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
"""
ASYNC_ENV = """
import asyncio
import os

from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

import models


def run(connection):
    context.configure(connection=connection, target_metadata=models.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    engine = create_async_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)


asyncio.run(main())
"""


@pytest.mark.parametrize(("env", "driver"), [(ENV, "sqlite"), (ASYNC_ENV, "sqlite+aiosqlite")], ids=["sync", "async"])
def test_env_of_another_make_is_begun_with_the_structure_too(shop: Shop, env: str, driver: str) -> None:
    shop.project.write("alembic/env.py", env)
    shop.env = {"DATABASE_URL": shop.url.replace("sqlite", driver, 1)}
    shop.project.write("models.py", AFTER)
    assert not shop.is_run_from_base()
    assert shop.tried_from("heads") == shop.tried_from("base") == HOLDS


def test_several_heads_are_all_where_it_begins(shop: Shop) -> None:
    shop.revision("left", "first", "pass")
    shop.revision("right", "first", "pass")
    shop.ok("migrate", "upgrade")
    shop.project.write("models.py", AFTER)
    assert shop.tried_from("heads", "--head", "left") == shop.tried_from("base", "--head", "left") == HOLDS


@pytest.mark.parametrize(
    ("statements", "unproved", "difference"),
    [
        (
            ["DROP TABLE t", "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, n INTEGER, word VARCHAR(50))"]
            + ["CREATE INDEX ix_t_n ON t (n)", "ALTER TABLE t ADD COLUMN by_hand INTEGER"],
            None,
            "by_hand",
        ),
        (["CREATE INDEX by_hand ON t (word)"], None, "by_hand"),
        (["CREATE TABLE by_hand (id INTEGER NOT NULL PRIMARY KEY)"], "by_hand", None),
    ],
    ids=["column", "index", "table"],
)
def test_what_no_revision_makes_is_told_as_the_revisions_tell_it(
    shop: Shop, statements: list[str], unproved: str | None, difference: str | None
) -> None:
    """It came of `create_all()`, or by hand: on another database the new revision would do something else, or fail."""
    for statement in statements:
        shop.execute(statement)
    if unproved is None:
        models = AFTER.replace("'n', Integer)", "'n', Integer), Column('by_hand', Integer)", 1)
        models = (
            models if "COLUMN" in statements[-1] else AFTER.replace("Index('ix", "Index('by_hand', 'word'), Index('ix")
        )
    else:
        models = BEFORE + "Table('by_hand', metadata, Column('id', Integer, primary_key=True), Column('m', Integer))\n"
    shop.project.write("models.py", models)
    assert shop.is_run_from_base()
    proof = shop.tried_from("base")
    assert unproved is None or unproved in proof["unproved"]
    assert difference is None or difference in "".join(proof["differences"])


@pytest.mark.parametrize("rename", ["t:renamed", "t.n:number"])
def test_rename_is_written_alike_from_either(shop: Shop, rename: str) -> None:
    old, _, new = rename.rpartition(".")[2].partition(":")
    shop.project.write("models.py", BEFORE.replace(f"'{old}'", f"'{new}'", 2 if old == "n" else 1))
    arguments = ["migrate", "create", "Second", "--dry-run", "--json", "--rev-id", "second", "--rename", rename]
    made = []
    for where in ("heads", "base"):
        told = shop.project.call([sys.executable, TRIED_FROM, where, *arguments], env=shop.env)
        found = json.loads(checked(told))
        made.append((found["changes"], found["source"].partition("from collections")[2], found["proof"]))
    assert made[0] == made[1]
    assert made[0][2] == HOLDS


def test_rename_of_what_no_revision_made_is_refused_as_the_revisions_have_it(shop: Shop) -> None:
    shop.execute("CREATE TABLE by_hand (id INTEGER NOT NULL PRIMARY KEY)")
    shop.project.write("models.py", BEFORE + "Table('renamed', metadata, Column('id', Integer, primary_key=True))\n")
    refused = shop.run("migrate", "create", "Second", "--rename", "by_hand:renamed")
    assert refused.returncode == 2
    assert "there is no table by_hand" in refused.stderr


def test_rows_that_a_revision_adds_are_there(shop: Shop) -> None:
    shop.revision("rows", "first", """op.execute("INSERT INTO t (id, n, word) VALUES (1, 1, 'a'), (2, 1, 'a')")""")
    shop.ok("migrate", "upgrade")
    shop.execute("DELETE FROM t")
    shop.project.write("models.py", BEFORE.replace("'word', String(50)", "'word', String(50), unique=True", 1))
    refused = shop.run("migrate", "create", "Second")
    assert refused.returncode == 1
    assert "error: the upgrade of the new revision fails: " in refused.stderr


def test_rows_of_a_table_that_is_not_touched_do_not_matter(shop: Shop) -> None:
    shop.revision("rows", "first", 'op.execute("INSERT INTO other (id, n) VALUES (1, 1)")')
    shop.ok("migrate", "upgrade")
    shop.project.write("models.py", AFTER)
    assert not shop.is_run_from_base()


def test_revisions_are_run_where_the_database_is_behind(shop: Shop) -> None:
    shop.revision("pending", "first", "op.create_table('u', sa.Column('id', sa.Integer()))")
    shop.project.write("models.py", AFTER)
    assert shop.is_run_from_base("--drop", "u")
    assert shop.tried_from("base", "--drop", "u")["unproved"] is None


def test_revisions_are_run_where_there_is_no_database(shop: Shop) -> None:
    shop.ok("delete", "--yes", "--no-backup")
    shop.project.write("models.py", AFTER)
    assert shop.is_run_from_base()
    assert shop.tried_from("base") == HOLDS
