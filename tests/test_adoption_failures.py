"""What goes wrong in an adopted project, and what its own code finds afterwards."""

import sys
from pathlib import Path

from adoption import FIRST, SECOND, AdoptedProject
from projects import Project

# a program that migrates, then goes on with its own engine, whose pool has seen the migration
PROGRAM = """
import sys
from oppmigrate import MigrationManager

MigrationManager(".").current()
MigrationManager(".").upgrade()
from app.database import engine
with engine.connect() as connection:
    print(connection.exec_driver_sql("PRAGMA foreign_keys").scalar(), end=" ")
    connection.exec_driver_sql("INSERT INTO customers (id, name) VALUES (1, 'Ada')")
    connection.rollback()
    print(connection.exec_driver_sql("SELECT count(*) FROM customers").scalar())
"""


def test_application_goes_on_with_its_own_engine(project: Project) -> None:
    """Migrating turns foreign keys off and takes transactions over, on a connection of the application's pool."""
    app = AdoptedProject(project, "no_ini")
    done = project.call([sys.executable, "-c", PROGRAM], cwd=app.path)
    assert (done.returncode, done.stdout.split("\n")[-2]) == (0, "1 0"), done.stdout + done.stderr


def test_models_that_create_their_tables_on_import_make_no_file_when_looked_at(project: Project) -> None:
    app = AdoptedProject(project, "stock")
    with (app.path / "models.py").open("a") as models:
        models.write('\n\nfrom sqlalchemy import create_engine\n\nengine = create_engine("sqlite:///app.db")\n')
        models.write("Base.metadata.create_all(engine)\n")
    before = app.files()
    current, created = app.each("migrate current", "migrate create Nothing")
    assert not current["exists"] and created["revision"] is None
    assert app.files() == before


def test_failing_revision_leaves_an_adopted_sqlite_database_as_it_was(project: Project) -> None:
    """With stock Alembic the first statement of the revision would stay, and the next attempt fail on it."""
    app = AdoptedProject(project, "stock")
    app.alembic("upgrade +1")
    app.sql("INSERT INTO customers (id, name) VALUES (1, 'Ada')")
    file = app.path / f"alembic/versions/{SECOND}_add_customers_email.py"
    text = file.read_text()
    file.write_text(text.replace("\n\ndef downgrade", '    op.execute("UPDATE nowhere SET x = 1")\n\n\ndef downgrade'))
    failed = app.oppman("migrate", "upgrade", exit_code=1)["error"]
    assert failed["revision"] == SECOND and failed["heads"] == [FIRST]
    assert "UPDATE nowhere" in failed["what"] and "nothing was changed" in failed["do"]
    assert app.sql("SELECT * FROM customers") == [(1, "Ada")]
    file.write_text(text)
    assert app.oppman("migrate", "upgrade")["heads"] == [SECOND]


def test_broken_models_do_not_hide_the_history(project: Project) -> None:
    app = AdoptedProject(project, "stock")
    (app.path / "models.py").write_text("import nothing_of_this_name\n")
    history, heads, created = app.each("migrate history", "migrate heads", "migrate create Note --empty")
    assert "nothing_of_this_name" in history["database_note"]
    assert [each["status"] for each in (*history["revisions"], *heads["revisions"])] == ["unknown"] * 3
    assert Path(created["path"]).is_file()
    failed = app.oppman("migrate", "current", exit_code=1)["error"]
    assert failed["why"].startswith("models.py:1: import nothing_of_this_name")


def test_several_databases_are_not_backed_up_as_if_they_were_one(project: Project) -> None:
    app = AdoptedProject(project, "multidb")
    app.alembic("upgrade head")
    for refused in app.each("backup", "delete --yes", exit_code=1):
        assert "shop.db" in refused["error"]["what"] and "billing.db" in refused["error"]["what"]
    assert (app.path / "shop.db").exists() and (app.path / "billing.db").exists()


def test_env_py_that_migrates_nothing_is_not_called_success(project: Project) -> None:
    app = AdoptedProject(project, "stock")
    (app.path / "alembic/env.py").write_text('from alembic import context\n\nprint("nothing here")\n')
    refused = app.oppman("migrate", "upgrade", exit_code=1)["error"]
    assert refused["kind"] == "environment-failed" and "ran no migrations" in refused["what"]
