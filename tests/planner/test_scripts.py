"""`--sql`: the script, run by the server's own client on a copy, brings it exactly to where the plan ends."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

import servers
from adoption import AdoptedProject
from projects import Project
from shop_chain import CHAIN, ROWS, Shop, contents, write_revision


@pytest.fixture
def other_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a second empty database on the same server."""
    kind = make_url(database_url).get_backend_name()
    if kind == "sqlite":
        yield f"sqlite:///{(tmp_path / 'other.db').as_posix()}"
        return
    make = servers.postgresql_database if kind == "postgresql" else servers.mysql_database
    with make(request.getfixturevalue(f"{kind}_server")) as url:
        yield url


def run_script(url: str, script: str) -> None:
    """Run it with the server's own client, which stops at the first error."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(parts.database))) as connection:
            connection.execute("PRAGMA foreign_keys = ON")  # as an application may have it
            connection.executescript(script)
        return
    command = (
        ["psql", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--file=-", text_url(url)]
        if parts.get_backend_name() == "postgresql"
        else ["mariadb", f"--host={parts.host}", f"--port={parts.port}", f"--user={parts.username}"]
        + ["--default-character-set=utf8mb4", str(parts.database)]
    )
    env = {**os.environ, "MYSQL_PWD": str(parts.password or "")}
    done = subprocess.run(command, input=script, text=True, capture_output=True, env=env, check=False)
    assert done.returncode == 0, done.stderr


def text_url(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def test_script_brings_a_copy_exactly_to_the_plans_end(project: Project, database_url: str, other_url: str) -> None:
    """Forth, back to the first revision, and forth again, each against what the engine does itself."""
    shop = Shop(project, database_url)
    shop.begin()
    copy = shop.at(other_url)
    copy.begin()
    for command in (["upgrade"], ["downgrade", "r1"], ["upgrade", "r4"], ["upgrade"]):
        script = copy.ok("migrate", *command, "--sql")
        assert "INFO" not in script
        run_script(other_url, script)
        shop.ok("migrate", *command, "--yes", "--no-backup")
        assert contents(other_url) == contents(database_url)
    assert len(contents(other_url)["orders"][-1]) == 5


def test_script_for_a_dialect_needs_no_database_and_no_driver(project: Project, database_url: str) -> None:
    """From the base, with a URL whose driver is not installed and whose server is nowhere."""
    shop = Shop(project, database_url)
    shop.env["DATABASE_URL"] = "oracle+cx_oracle://nobody@nowhere.invalid/none"
    kind = make_url(database_url).get_backend_name()
    first = shop.ok("migrate", "upgrade", "r1", "--sql", "--dialect", kind)
    rest = shop.ok("migrate", "upgrade", "r1:heads", "--sql", "--dialect", kind)
    back = shop.ok("migrate", "downgrade", "r8:r5", "--sql", "--dialect", kind)
    run_script(database_url, first)
    for statement in ROWS:
        shop.execute(statement)
    run_script(database_url, rest)
    assert shop.heads() == [("r8",)]
    assert shop.rows("SELECT amount FROM orders ORDER BY id") == [(10,), (20,), (30,), (5,), (None,)]
    assert shop.rows("SELECT note FROM users ORDER BY id")[1] == ("it's 100% of C:\\dir; -- no %s :x",)
    run_script(database_url, back)
    assert shop.heads() == [("r5",)]
    assert shop.rows("SELECT email FROM users") == [(None,)] * 3


def test_script_from_the_base_runs_where_the_version_table_is_there_already(
    project: Project, database_url: str
) -> None:
    shop = Shop(project, database_url)
    for command in (["upgrade", "r4"], ["downgrade", "base"]):
        shop.ok("migrate", *command, "--yes", "--no-backup")
    run_script(database_url, shop.ok("migrate", "upgrade", "r4", "--sql"))
    assert shop.heads() == [("r4",)]


IN_PYTHON = [
    "bind = op.get_bind()",
    "for row in bind.execute(sa.text('SELECT id FROM users')):",
    "    bind.execute(sa.text('UPDATE users SET email = :e WHERE id = :i'), {'e': 'x', 'i': row.id})",
]


def test_script_warns_at_the_top_of_what_it_cannot_hold(project: Project, sqlite_url: str) -> None:
    shop = Shop(project, sqlite_url)
    write_revision(shop.folder, "r9", "r8", "In Python", IN_PYTHON[:2] + ["    pass"], ["pass"])
    shop.begin()
    done = shop.run("migrate", "upgrade", "--sql")
    assert done.returncode == 0
    head = done.stdout.partition("BEGIN;")[0]
    assert "-- WARNING: revision r9 (In Python) asks the database in Python" in head
    assert "-- WARNING: revision r4 (Longer names, notes for all) rebuilds tables" in head
    assert "revision r3" not in head
    assert "note: revision r9" in done.stderr


def test_revision_that_needs_a_server_is_refused_where_there_is_none(project: Project, sqlite_url: str) -> None:
    shop = Shop(project, sqlite_url)
    write_revision(shop.folder, "r9", "r8", "In Python", IN_PYTHON, ["pass"])
    done = shop.run("migrate", "upgrade", "--sql", "--dialect", "postgresql")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "revision r9 (In Python) cannot be written as SQL" in done.stderr
    assert shop.ok("migrate", "upgrade", "r8", "--sql", "--dialect", "postgresql").count("-- Running upgrade") == len(
        CHAIN
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("upgrade", "--sql", "--dialect", "oracle"), 1, "it serves mariadb, mysql, postgresql, sqlite"),
        (("upgrade", "--dialect", "sqlite"), 2, "--dialect is for --sql"),
        (("downgrade", "r1", "--sql", "--dialect", "mysql"), 2, "downgrade FROM:r1 --sql --dialect mysql"),
        (("upgrade", "r1:nowhere", "--sql"), 1, "nowhere"),
        (("upgrade", "nowhere:r1", "--sql"), 1, "nowhere"),
    ],
)
def test_wrong_words_are_answered(
    project: Project, sqlite_url: str, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = Shop(project, sqlite_url).run("migrate", *arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_range_asks_no_database(project: Project, postgresql_url: str) -> None:
    shop = Shop(project, postgresql_url)
    shop.env["DATABASE_URL"] = make_url(postgresql_url).set(port=9).render_as_string(hide_password=False)
    script = shop.ok("migrate", "upgrade", "r1:r3", "--sql")
    assert "UPDATE alembic_version SET version_num='r3'" in script
    assert "CREATE TABLE" not in script


def test_json_holds_plan_text_and_warnings(project: Project, sqlite_url: str) -> None:
    shop = Shop(project, sqlite_url)
    script = json.loads(shop.ok("migrate", "upgrade", "--sql", "--dialect", "sqlite", "--json"))
    assert script["dialect"] == "sqlite"
    assert [step["revision"] for step in script["plan"]["steps"]] == list(CHAIN)
    assert script["text"].count("COMMIT;") == 1
    assert len(script["warnings"]) == 4


def test_adopted_project_is_written_for_any_server(project: Project) -> None:
    """By the offline branch of its own env.py, whatever address that names."""
    app = AdoptedProject(project, "hard_coded_url")
    for dialect, words in (("postgresql", "id SERIAL NOT NULL"), ("mariadb", "id INTEGER NOT NULL AUTO_INCREMENT")):
        script = app.oppman("migrate", "upgrade", "--sql", "--dialect", dialect)
        assert words in script["text"]
        assert script["dialect"] == dialect


@pytest.mark.parametrize("options", [(), ("--dialect", "postgresql")])
def test_several_databases_have_no_one_script(project: Project, options: tuple[str, ...]) -> None:
    app = AdoptedProject(project, "multidb", database="shop.db")
    error = app.oppman("migrate", "upgrade", "--sql", *options, exit_code=1)["error"]
    assert error["what"] == "env.py migrates 2 databases, and a script is for one"
