"""Adopted projects that say by themselves where their data lies: sections, several databases, schemas, branches."""

import re
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from adoption import FIRST, SECOND, AdoptedProject, recorded, walk_through
from projects import Project

# what a program does that keeps the project's migrations by our Python API: inside of its event loop, from elsewhere
PROGRAM = """
import asyncio, sys
from oppmigrate import MigrationManager

async def main():
    manager = MigrationManager(sys.argv[1])
    print(manager.current().exists, *manager.upgrade().heads, manager.check().is_clean)
    print(manager.create("Note", empty=True).path, *manager.downgrade("base").heads)

asyncio.run(main())
"""


def test_several_sections(project: Project) -> None:
    """Each has its own folder and its own version table, in one database."""
    shop = AdoptedProject(project, "several_sections", "-n", "shop")
    walk_through(shop, "shop/models.py")
    shop.options = ("-n", "billing")
    current, upgraded, checked = shop.each("migrate current", "migrate upgrade", "migrate check")
    assert recorded(current) == [] and upgraded["heads"] == ["c3d4e5f6a7b8"] and checked["is_clean"]
    stock_current, _check = shop.alembic("current", "check")
    assert "c3d4e5f6a7b8 (head)" in stock_current
    assert shop.sql("SELECT version_num FROM billing_version") == [("c3d4e5f6a7b8",)]
    assert len(shop.sql("SELECT * FROM customers")) == 2
    shop.options = ("-n", "nowhere")
    assert "[nowhere]" in shop.oppman("migrate", "current", exit_code=1)["error"]["what"]


def test_multidb(project: Project) -> None:
    """Alembic's own template: every revision runs on each of two databases."""
    app = AdoptedProject(project, "multidb", database="shop.db")
    walk_through(app, "models.py")
    assert [app.sql("SELECT count(*) FROM alembic_version", name) for name in ("shop.db", "billing.db")] == [[(1,)]] * 2
    assert not list(app.path.glob("*.sql"))  # which its offline branch would write


def test_multidb_whose_databases_stand_apart_is_brought_together(project: Project) -> None:
    app = AdoptedProject(project, "multidb", database="shop.db")
    app.alembic("upgrade head")
    (app.path / "billing.db").unlink()
    current, upgraded = app.each("migrate current", "migrate upgrade")
    assert recorded(current) == [] and current["pending"] == [FIRST, SECOND]
    assert upgraded["heads"] == [SECOND] and len(upgraded["plan"]["steps"]) == 2
    app.alembic("check")


def test_branches(project: Project) -> None:
    """Three bases in three folders, a merge, a dependency from one branch on another."""
    app = AdoptedProject(project, "branches")
    before = app.files()
    assert app.oppman("migrate", "init")["adopted"]
    heads, graph, part = app.each("migrate heads", "migrate history --graph", "migrate history -r shop1:shop3")
    assert {each["revision"] for each in heads["revisions"]} == {"shop3", "billing1", "audit1"}
    assert any("*" not in line for line in graph)  # lines of their own for the way of the branches
    assert [each["revision"] for each in part["revisions"]][::3] == ["shop3", "shop1"]
    assert app.files() == before

    app.alembic("upgrade shop1")
    app.sql("INSERT INTO customers (id, name) VALUES (1, 'Ada')")
    billing, shop, current, down, up, everything, checked, show = app.each(
        "migrate upgrade billing@head",
        "migrate upgrade shop@head",
        "migrate current",
        "migrate downgrade shop@shop2_phone",
        "migrate upgrade shop2_phone@+1",
        "migrate upgrade",
        "migrate check",
        "migrate show shop@head",
    )
    assert billing["heads"] == ["billing1"]
    assert [step["revision"] for step in shop["plan"]["steps"]][-1] == "shop3"
    assert recorded(current) == ["billing1", "shop3"]
    assert down["heads"] == ["billing1", "shop2_email", "shop2_phone"]
    assert up["heads"] == ["billing1", "shop3"]
    assert set(everything["heads"]) == {"shop3", "billing1", "audit1"} and checked["is_clean"]
    assert show["revision"]["down_revisions"] == ["shop2_email", "shop2_phone"]
    stock_current, _check = app.alembic("current", "check")
    assert sorted(line.split()[0] for line in stock_current.splitlines() if "(head)" in line) == sorted(
        everything["heads"]
    )

    refused = app.oppman("migrate", "create", "Which branch", exit_code=1)
    assert refused["error"]["kind"] == "multiple-heads"
    created, merged, based, upgraded = app.each(
        "migrate create Note --empty --head billing@head",
        "migrate merge Join --head shop@head --head audit@head",
        "migrate create Reports --empty --head base --branch-label reports --version-path alembic/versions",
        "migrate upgrade heads",
    )
    assert Path(created["path"]).parent == app.path / "billing/revisions"
    assert Path(based["path"]).parent == app.path / "alembic/versions"
    assert set(upgraded["heads"]) == {created["revision"], merged["revision"], based["revision"]}
    assert app.sql("SELECT id, name, email, phone FROM customers") == [(1, "Ada", None, None)]


def test_several_schemas(project: Project, postgresql_url: str) -> None:
    """PostgreSQL, with the version table in one of the schemas, and tables that are not the project's own."""
    app = AdoptedProject(project, "several_schemas", env={"SHOP_DATABASE": postgresql_url})
    dsn = make_url(postgresql_url).set(drivername="postgresql").render_as_string(hide_password=False)
    before = app.files()
    assert app.oppman("migrate", "init")["adopted"] and app.files() == before
    app.alembic("upgrade +1")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("INSERT INTO shop.customers VALUES (1, 'Ada')")
        connection.execute("CREATE TABLE shop.legacy_orders (id int)")
    current, show, upgraded, checked, down, stamped, *_rest = app.each(
        "migrate current",
        "migrate show",
        "migrate upgrade",
        "migrate check",
        "migrate downgrade -1",
        "migrate stamp head",
        f"migrate stamp {FIRST}",
        "migrate upgrade",
    )
    assert recorded(current) == [FIRST] and current["pending"] == [SECOND]
    assert any("CREATE TABLE billing.invoices" in statement for statement in show["upgrade"]["sql"])
    assert upgraded["heads"] == [SECOND] and checked["is_clean"]
    assert down["heads"] == [FIRST] and stamped["after"] == [SECOND]
    stock_current, _check = app.alembic("current", "check")
    assert SECOND in stock_current

    app.add_phone("models.py")
    created = app.oppman("migrate", "create", "Add phone")
    assert [change["table"] for change in created["changes"]] == ["shop.customers"]
    app.alembic("upgrade head", "check")
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT * FROM shop.customers").fetchall() == [(1, "Ada", None, None)]
        assert connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,)


def test_hard_coded_url_is_never_run_on_another_database(project: Project) -> None:
    app = AdoptedProject(project, "hard_coded_url", env={"DATABASE_URL": "sqlite:///other.db"})
    walk_through(app, "models.py")
    before = app.files()
    commands = (f"migrate {command} --database-url sqlite:///other.db" for command in ("current", "upgrade", "history"))
    for refused in app.each(*commands, exit_code=1):
        assert "app.db" in refused["error"]["what"] and "other.db" in refused["error"]["what"]
        assert "--database-url" in refused["error"]["why"]
    assert app.files() == before and not (app.path / "other.db").exists()


def test_address_that_env_py_does_not_read_may_be_anything(project: Project) -> None:
    app = AdoptedProject(project, "hard_coded_url", env={"DATABASE_URL": "postgres://nobody@nowhere/none"})
    app.alembic("upgrade head")
    init, current, checked, backup = app.each("migrate init", "migrate current", "migrate check", "backup")
    assert init["database_url"] is None and current["is_head"] and checked["is_clean"]
    assert Path(backup["path"]).name.startswith("app-")


def test_database_url_is_used_where_env_py_reads_the_configuration(project: Project) -> None:
    app = AdoptedProject(project, "stock")
    upgraded, current = app.each(
        "migrate upgrade --database-url sqlite:///other.db", "migrate current --database-url sqlite:///other.db"
    )
    assert upgraded["heads"] == [SECOND] and current["is_head"]
    assert (app.path / "other.db").exists() and not app.database.exists()


@pytest.mark.parametrize("shape", ["stock", "stock_async", "no_ini", "flask_migrate", "multidb"])
def test_missing_database_file_is_not_made_by_looking(project: Project, shape: str) -> None:
    app = AdoptedProject(project, shape)
    before = app.files()
    current, history, heads, show, plan, created = app.each(
        "migrate current",
        "migrate history",
        "migrate heads",
        "migrate show",
        "migrate upgrade --plan",
        "migrate create Nothing --dry-run",
    )
    assert not current["exists"] and current["pending"] == [FIRST, SECOND]
    assert {each["status"] for each in (*history["revisions"], *heads["revisions"])} == {"pending"}
    assert show["upgrade"]["sql"] and len(plan["steps"]) == 2
    assert created["revision"] is None and created["compared_with"] == "scratch"
    assert not app.oppman("migrate", "check", exit_code=1)["is_clean"]
    assert app.files() == before
    assert app.oppman("migrate", "upgrade")["heads"] == [SECOND]


@pytest.mark.parametrize("shape", ["stock_async", "no_ini"])
def test_program_in_another_folder_migrates_inside_its_event_loop(project: Project, tmp_path: Path, shape: str) -> None:
    app = AdoptedProject(project, shape)
    done = project.call([sys.executable, "-c", PROGRAM, str(app.path)], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == f"False {SECOND} True"
    assert Path(second).is_relative_to(app.path) and Path(second).is_file()
    assert list(tmp_path.iterdir()) == [app.path]


@pytest.mark.parametrize(
    ("shape", "server", "driver"),
    [
        ("stock", "postgresql", "psycopg"),
        ("stock_async", "postgresql", "asyncpg"),
        ("stock_async", "postgresql", "psycopg"),
        ("shared_connection", "postgresql", "psycopg"),
        ("shared_connection", "mysql", "pymysql"),
        ("stock_async", "mysql", "aiomysql"),
    ],
)
def test_database_on_a_server(
    project: Project, request: pytest.FixtureRequest, shape: str, server: str, driver: str
) -> None:
    """By the project's own driver, also in the scratch database; inside a transaction that env.py has begun."""
    url = make_url(request.getfixturevalue(f"{server}_url")).set(drivername=f"{server}+{driver}")
    app = AdoptedProject(project, shape)
    ini = app.path / "alembic.ini"
    configuration = re.sub(r"(sqlalchemy.url) = .*", r"\1 = {}", ini.read_text())
    ini.write_text(configuration.format(url.render_as_string(hide_password=False)))
    app.alembic("upgrade +1")
    app.add_phone("models.py")
    plan, show, created, upgraded, checked, downgraded = app.each(
        "migrate upgrade --plan",
        "migrate show",
        "migrate create Phone",
        "migrate upgrade",
        "migrate check",
        "migrate downgrade base",
    )
    assert [step["revision"] for step in plan["steps"]] == [SECOND]
    assert any("ADD COLUMN email" in statement for statement in show["upgrade"]["sql"])
    assert created["compared_with"] == "scratch"
    assert [change["text"].partition(" (")[0] for change in created["changes"]] == ["add column customers.phone"]
    assert upgraded["heads"] == [created["revision"]] and checked["is_clean"] and downgraded["heads"] == []

    wrong = url.set(database="nothing_here", password="secret")
    ini.write_text(configuration.format(wrong.render_as_string(hide_password=False)))
    (history,) = app.each("migrate history")
    assert [each["status"] for each in history["revisions"]] == ["unknown"] * 3
    refused = app.oppman("migrate", "current", exit_code=1)["error"]
    assert "secret" not in str(refused)
    assert refused["kind"] in ("database-missing", "access-denied") and history["database_note"] == refused["what"]
