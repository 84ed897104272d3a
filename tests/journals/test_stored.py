"""Revisions whose files were deleted: shown, and undone, by what the journal has kept."""

import json
import tempfile
from pathlib import Path

import pytest

from journal_entries import replace_bodies, write_down
from projects import rewrite

HEADER = """
revision = {!r}
down_revision = {!r}
branch_labels = {!r}
depends_on = {!r}


def upgrade():
    pass


def downgrade():
    pass
"""
NAMES = [(1, "Ada"), (2, "Grace")]


@pytest.fixture(autouse=True)
def nothing_left_in_the_temporary_folder(tmp_path, monkeypatch):
    """The files of the journal lie there only meanwhile."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield
    assert list(folder.iterdir()) == []


def project_files(shop):
    """All but the backups, of which a downgrade takes one."""
    passed_over = {"__pycache__", "backups"}
    return sorted(path for path in shop.project.path.rglob("*") if not passed_over & set(path.parts))


def test_deleted_revision_is_undone_from_the_journal(shop):
    shop.file("a2").unlink()
    before = project_files(shop)
    refused = shop.run("migrate", "downgrade", "-1")
    assert refused.returncode == 1
    assert "python oppman.py migrate downgrade a2-1 --from-journal" in refused.stderr
    assert "undone 1 revision: the database is at a1" in shop.ok("migrate", "downgrade", "a2-1", "--from-journal")
    assert shop.columns() == {"id", "name"}
    assert shop.names() == NAMES
    assert shop.heads() == [("a1",)]
    assert project_files(shop) == before
    assert "a1" in shop.ok("migrate", "current")


def test_whole_chain_of_deleted_revisions_is_undone(shop):
    for revision in ("a1", "a2"):
        shop.file(revision).unlink()
    plan = shop.ok("migrate", "downgrade", "base", "--from-journal", "--plan")
    assert plan.index("downgrade a2") < plan.index("downgrade a1")
    assert shop.columns() == {"id", "name", "email"}
    shop.ok("migrate", "downgrade", "base", "--from-journal")
    assert "users" not in shop.tables()
    assert shop.heads() == []


def test_chain_of_deleted_revisions_is_undone_one_by_one_as_each_message_says(sqlite_shop):
    for revision in ("a1", "a2"):
        sqlite_shop.file(revision).unlink()
    for revision in ("a2", "a1"):
        target = f"{revision}-1"
        assert f"downgrade {target} --from-journal" in sqlite_shop.run("migrate", "upgrade").stderr
        sqlite_shop.ok("migrate", "downgrade", target, "--from-journal")
    assert sqlite_shop.heads() == []
    assert "users" not in sqlite_shop.tables()


def test_branch_of_somebody_else_is_undone_beside_ones_own(shop):
    """Its file went with the branch in version control; a revision of one's own has the same parent."""
    shop.file("a2").unlink()
    shop.write(
        "b2", "a1", 'op.add_column("users", sa.Column("phone", sa.String(20)))', 'op.drop_column("users", "phone")'
    )
    shop.ok("migrate", "downgrade", "a2-1", "--from-journal")
    shop.ok("migrate", "upgrade")
    assert shop.columns() == {"id", "name", "phone"}
    assert shop.names() == NAMES


def test_branch_that_a_deleted_revision_depends_on_by_its_label(sqlite_shop):
    sqlite_shop.file("a2").unlink()
    versions = sqlite_shop.project.path / "alembic/versions"
    (versions / "z1.py").write_text(HEADER.format("z1", None, "zone", None))
    (versions / "y1.py").write_text(HEADER.format("y1", "a1", None, "zone"))
    write_down(sqlite_shop.url, versions / "z1.py", versions / "y1.py")
    sqlite_shop.execute("UPDATE alembic_version SET version_num = 'y1'")
    for file in ("z1.py", "y1.py"):
        (versions / file).unlink()
    plan = sqlite_shop.ok("migrate", "downgrade", "base", "--from-journal", "--plan", "--json")
    assert {step["revision"] for step in json.loads(plan)["steps"]} == {"y1", "a1", "z1"}


def test_deleted_parent_of_a_file_that_is_there_is_taken_from_the_journal(sqlite_shop):
    sqlite_shop.file("a1").unlink()
    refused = sqlite_shop.run("migrate", "current")
    assert refused.returncode == 1
    assert "migrate show a1 --from-journal > alembic/versions/a1.py" in refused.stderr
    sqlite_shop.ok("migrate", "downgrade", "a1", "--from-journal")
    assert sqlite_shop.names() == NAMES
    assert sqlite_shop.columns() == {"id", "name"}


def test_file_that_was_deleted_before_there_was_a_journal_is_not_offered(stock_shop):
    stock_shop.file("a2").unlink()
    for arguments in (("downgrade", "-1"), ("downgrade", "-1", "--from-journal"), ("show", "a2", "--from-journal")):
        done = stock_shop.run("migrate", *arguments)
        assert done.returncode == 1
        assert "a2" in done.stderr
        assert "Traceback" not in done.stderr
    assert "--from-journal" not in stock_shop.run("migrate", "upgrade").stderr
    assert stock_shop.heads() == [("a2",)]
    assert stock_shop.columns() == {"id", "name", "email"}


def test_downgrade_from_the_journal_with_every_file_there_is_a_downgrade(sqlite_shop):
    sqlite_shop.ok("migrate", "downgrade", "-1", "--from-journal")
    assert sqlite_shop.heads() == [("a1",)]
    assert sqlite_shop.names() == NAMES


def test_file_is_taken_as_it_was_applied_not_as_it_failed_later(sqlite_shop):
    """The entry of a run that failed holds a file that was not what is in the database."""
    good = sqlite_shop.file("a2").read_text()
    sqlite_shop.file("a2").write_text(good.replace("drop_column", "drop_colum"))
    write_down(sqlite_shop.url, sqlite_shop.file("a2"), direction="downgrade", outcome="failed", error="no drop_colum")
    sqlite_shop.file("a2").unlink()
    sqlite_shop.ok("migrate", "downgrade", "-1", "--from-journal")
    assert sqlite_shop.columns() == {"id", "name"}


def test_downgrade_from_the_journal_that_fails_leaves_everything_as_it_was(sqlite_shop):
    good = sqlite_shop.file("a2").read_text()
    sqlite_shop.file("a2").write_text(good.replace('"users", "email"', '"nowhere", "email"'))
    write_down(sqlite_shop.url, sqlite_shop.file("a2"))
    sqlite_shop.file("a2").unlink()
    before = project_files(sqlite_shop)
    done = sqlite_shop.run("migrate", "downgrade", "-1", "--from-journal")
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "show a2 --from-journal" in done.stderr
    assert sqlite_shop.heads() == [("a2",)]
    assert sqlite_shop.names() == NAMES
    assert project_files(sqlite_shop) == before


def test_stored_file_is_put_back_byte_for_byte(sqlite_shop):
    file = sqlite_shop.file("a2")
    source = b"# -*- coding: latin-1 -*-\r\n# Gr\xf6\xdfe\r\n" + file.read_bytes().replace(b"\n", b"\r\n")
    file.write_bytes(source)
    write_down(sqlite_shop.url, file)
    file.unlink()
    command = f"{{python}} -m oppmigrate migrate show a2 --from-journal > {file}"
    put_back(sqlite_shop, command)
    assert file.read_bytes() == source
    assert "up to date" in sqlite_shop.ok("migrate", "check")


def put_back(shop, command: str) -> None:
    import sys

    done = shop.project.call(["sh", "-c", command.format(python=sys.executable)], env=shop.env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "upgrade   2" in done.stderr
    assert "by ada@tower, 12 ms, 3 rows moved" in done.stderr


def test_show_tells_the_facts_of_a_deleted_revision(shop):
    shop.file("a2").unlink()
    done = shop.run("migrate", "show", "a2")
    assert done.returncode == 1
    assert "migrate show a2 --from-journal" in done.stderr
    stored = json.loads(shop.ok("migrate", "show", "a2", "--from-journal", "--json"))
    assert (stored["revision"], stored["message"], stored["down_revisions"]) == ("a2", "Step a2", ["a1"])
    assert 'op.drop_column("users", "email")' in stored["source"]
    assert [run["by"] for run in stored["runs"]][0] == "ada@tower"
    ambiguous = shop.run("migrate", "show", "a", "--from-journal")
    assert ambiguous.returncode == 1
    assert "a1, a2" in ambiguous.stderr


def test_looking_at_a_stored_file_does_not_run_it(sqlite_shop):
    """Who wants to know what it does has not decided to run it."""
    file = sqlite_shop.file("a2")
    trap = sqlite_shop.project.path / "sprung"
    good = file.read_text()
    rewrite(file, good.replace("revision = 'a2'", "revision = 'a' + '2'"))
    write_down(sqlite_shop.url, file)
    body = file.read_bytes() + f"\nopen({str(trap)!r}, 'w')\n".encode()
    replace_bodies(sqlite_shop.url, body)
    file.unlink()
    shown = sqlite_shop.ok("migrate", "show", "a2", "--from-journal")
    assert "sprung" in shown
    assert not trap.exists()


def test_head_is_looked_up_in_the_files(sqlite_shop):
    assert "revision = 'a2'" in sqlite_shop.ok("migrate", "show", "--from-journal")
    done = sqlite_shop.run("migrate", "show", "nonsense", "--from-journal")
    assert done.returncode == 1
    assert "the journal tells of no revision `nonsense`" in done.stderr


def test_check_offers_the_journal_for_a_deleted_revision(sqlite_shop):
    sqlite_shop.file("a2").unlink()
    done = sqlite_shop.run("migrate", "check")
    assert done.returncode == 1
    assert "downgrade a2-1 --from-journal" in done.stderr
    assert "downgrade a2-1 --from-journal" in sqlite_shop.run("migrate", "current").stderr
    result = json.loads(sqlite_shop.run("migrate", "check", "--json").stdout)
    assert (result["missing"], result["stored"], result["is_clean"]) == (["a2"], ["a2"], False)


def test_files_of_an_adopted_project_that_chooses_its_folders_itself(project):
    from adoption import AdoptedProject

    app = AdoptedProject(project, "own_version_locations")
    app.oppman("migrate", "upgrade")
    app.sql("INSERT INTO customers (id, name, email) VALUES (1, 'Ada', 'ada@home')")
    file = app.path / "applications/mail/migrations/b2c3d4e5f6a7_add_customers_email.py"
    write_down(f"sqlite:///{app.database}", file)
    file.unlink()
    before = app.files().keys()
    result = app.oppman("migrate", "downgrade", "-1", "--from-journal")
    assert result["heads"] == ["a1b2c3d4e5f6"]
    assert app.sql("SELECT id, name FROM customers") == [(1, "Ada")]
    assert "email" not in {row[1] for row in app.sql("PRAGMA table_info(customers)")}
    assert {name for name in app.files() if not name.startswith("backups/")} == set(before)


def test_folder_of_the_journal_is_gone_by_the_python_api_too(sqlite_shop, monkeypatch):
    from oppmigrate import MigrationManager, load_settings

    monkeypatch.chdir(sqlite_shop.project.path)
    sqlite_shop.file("a2").unlink()
    manager = MigrationManager(load_settings(sqlite_shop.project.path, database_url=sqlite_shop.url))
    plan = manager.plan_downgrade("-1", from_journal=True)
    assert [step.revision for step in plan.steps] == ["a2"]
    assert not plan.steps[0].path.exists()
    assert manager.downgrade("-1", from_journal=True).heads == ("a1",)
    assert manager.current().missing == ()
    assert Path(tempfile.gettempdir()).name == "temporary"
