"""Files that were edited after they were applied: reported, shown, accepted; a formatter's work is none."""

import json

import pytest

from oppmigrate.identity import user_at_host
from oppmigrate.recorder import Journal, digest_of
from projects import rewrite

EDIT = ("sa.String(50)", "sa.String(60)")


def edit(shop, revision: str = "a2", old: str = EDIT[0], new: str = EDIT[1]) -> None:
    text = shop.file(revision).read_text()
    assert old in text
    rewrite(shop.file(revision), text.replace(old, new))


def check(shop):
    """The exit code, and the JSON, of `check`."""
    done = shop.run("migrate", "check", "--json")
    return done.returncode, json.loads(done.stdout)


def test_edited_file_is_reported(shop):
    edit(shop)
    code, result = check(shop)
    assert code == 1
    assert (result["is_clean"], result["pending"], result["missing"], result["unmade"]) == (False, [], [], [])
    (edited,) = result["edited"]
    assert (edited["revision"], edited["message"], edited["by"]) == ("a2", "Step a2", "ada@tower")
    assert edited["path"] == str(shop.file("a2"))
    assert edited["applied"].endswith("+00:00")
    assert '-    op.add_column("users", sa.Column("email", sa.String(50)))' in edited["diff"]
    assert '+    op.add_column("users", sa.Column("email", sa.String(60)))' in edited["diff"]


def test_reformatted_file_is_none(shop):
    source = shop.file("a2").read_text()
    rewrite(shop.file("a2"), "# Copyright\n" + source.replace('"users", sa', "'users',\n        sa") + "\n\n# end\n")
    assert check(shop) == (0, check(shop)[1])
    assert check(shop)[1]["edited"] == []


def test_check_says_what_was_edited_and_what_to_do(sqlite_shop):
    edit(sqlite_shop)
    edit(sqlite_shop, "a1", "sa.String(20)", "sa.String(21)")
    done = sqlite_shop.run("migrate", "check")
    assert done.returncode == 1
    assert "a2  alembic/versions/a2.py  (applied 2" in done.stdout
    assert "a1  alembic/versions/a1.py" in done.stdout
    assert "migrate show a2 --from-journal > alembic/versions/a2.py" in done.stderr
    assert "migrate stamp --accept-edits a2" in done.stderr
    assert "String(60)" not in done.stdout
    verbose = sqlite_shop.run("migrate", "check", "--verbose").stdout
    assert "+    op.add_column" in verbose and "String(60)" in verbose and "String(21)" in verbose


def test_check_of_what_is_pending_asks_no_journal(sqlite_shop):
    edit(sqlite_shop)
    assert "up to date" in sqlite_shop.ok("migrate", "check", "--pending")


def test_edited_file_that_is_not_applied_is_no_edit(sqlite_shop):
    sqlite_shop.ok("migrate", "downgrade", "a1")
    edit(sqlite_shop)
    assert check(sqlite_shop)[1]["edited"] == []


def test_project_that_stock_alembic_has_migrated_has_no_edits(stock_shop):
    edit(stock_shop)
    assert check(stock_shop) == (0, check(stock_shop)[1])
    assert check(stock_shop)[1]["edited"] == []
    assert "nothing to accept" in stock_shop.ok("migrate", "stamp", "--accept-edits")
    assert "oppman_journal" not in {row[0] for row in stock_shop.rows("SELECT name FROM sqlite_master")}


def test_applied_text_is_brought_back(sqlite_shop):
    """By a redirection that empties the file before the command begins."""
    import sys

    before = sqlite_shop.file("a2").read_bytes()
    edit(sqlite_shop)
    command = f"{sys.executable} -m oppmigrate migrate show a2 --from-journal > alembic/versions/a2.py"
    done = sqlite_shop.project.call(["sh", "-c", command], env=sqlite_shop.env)
    assert done.returncode == 0, done.stderr
    assert sqlite_shop.file("a2").read_bytes() == before
    assert check(sqlite_shop)[0] == 0


def test_accepted_edit_is_none_any_more(shop):
    edit(shop)
    edit(shop, "a1", "sa.String(20)", "sa.String(21)")
    accepted = shop.ok("migrate", "stamp", "--accept-edits", "a2")
    assert "accepted  a2" in accepted and "a1" not in accepted
    assert [each["revision"] for each in check(shop)[1]["edited"]] == ["a1"]
    assert shop.heads() == [("a2",)]
    assert "accepted  a1" in shop.ok("migrate", "stamp", "--accept-edits")
    assert check(shop)[1]["edited"] == []
    assert shop.names() == [(1, "Ada"), (2, "Grace")]

    runs = json.loads(shop.ok("migrate", "history", "--json"))["runs"]
    newest = runs[0]
    assert (newest["revision"], newest["duration_ms"], newest["by"]) == ("a1", None, user_at_host())
    assert [run for run in runs if run["by"] == "ada@tower"]  # what was run stays
    # the next edit is found again
    edit(shop, "a1", "sa.String(21)", "sa.String(22)")
    assert [each["revision"] for each in check(shop)[1]["edited"]] == ["a1"]


def test_edit_that_is_none_cannot_be_accepted(sqlite_shop):
    done = sqlite_shop.run("migrate", "stamp", "--accept-edits", "a1")
    assert done.returncode == 2
    assert "a1 was not edited" in done.stderr
    assert sqlite_shop.run("migrate", "stamp").returncode == 2
    assert sqlite_shop.run("migrate", "stamp", "head", "--accept-edits", "--purge").returncode == 2


def test_show_says_that_the_file_was_edited(sqlite_shop):
    assert "edited" not in sqlite_shop.ok("migrate", "show", "a2")
    edit(sqlite_shop)
    assert "edited     since it was applied on 2" in sqlite_shop.ok("migrate", "show", "a2")
    assert "edited" not in sqlite_shop.ok("migrate", "show", "a1")
    assert json.loads(sqlite_shop.ok("migrate", "show", "a2", "--json"))["edited"]["revision"] == "a2"


def test_checksum_that_another_python_worked_out_otherwise_is_no_edit(sqlite_shop):
    """The digest is bound to the version of Python where that parses old code into other nodes."""
    source = sqlite_shop.file("a2").read_text() + "\n# a comment, so that the bytes are others\n"
    rewrite(sqlite_shop.file("a2"), source)
    sqlite_shop.execute("UPDATE oppman_journal SET checksum = 'of another Python'")
    assert check(sqlite_shop)[1]["edited"] == []
    edit(sqlite_shop)
    assert [each["revision"] for each in check(sqlite_shop)[1]["edited"]] == ["a2"]


def test_files_whose_bytes_are_the_same_are_not_parsed(sqlite_shop, monkeypatch):
    """With thousands of revisions, parsing them all would take seconds at each upgrade."""
    from oppmigrate import MigrationManager, load_settings
    from oppmigrate.revisions import RevisionFile

    monkeypatch.chdir(sqlite_shop.project.path)
    manager = MigrationManager(load_settings(sqlite_shop.project.path, database_url=sqlite_shop.url))
    asked = []
    monkeypatch.setattr(RevisionFile, "checksum", property(lambda file: asked.append(file.revision) or "changed"))
    assert manager.edited() == ()
    assert asked == []
    edit(sqlite_shop)
    assert [each.revision for each in manager.edited()] == ["a2"]
    assert set(asked) == {"a2"}


@pytest.mark.parametrize("shape", ["stock", "several_sections"])
def test_edits_in_an_adopted_project(project, shape):
    from adoption import AdoptedProject
    from journal_entries import in_journal

    options = ("-n", "shop") if shape == "several_sections" else ()
    app = AdoptedProject(project, shape, *options)
    app.alembic("upgrade head")
    (file,) = app.path.rglob("*_create_customers.py")
    url = f"sqlite:///{app.database}"
    in_journal(url, lambda _journal, _connection: None)
    table = "shop_version" if options else "alembic_version"

    def write(_journal, connection):
        journal = Journal(version_table=table)
        id_ = journal.begin(
            connection,
            revision="a1b2c3d4e5f6",
            direction="upgrade",
            checksum="1",
            body=b"pass\n",
            by="ada@tower",
            version="1",
        )
        journal.finish(connection, id_, outcome="done", duration_ms=1.0)
        return digest_of(b"pass\n")

    in_journal(url, write)
    result = app.oppman("migrate", "check", exit_code=1)
    assert [each["path"] for each in result["edited"]] == [str(file)]
    assert app.oppman("migrate", "stamp", "--accept-edits")["accepted"] == ["a1b2c3d4e5f6"]
    assert app.oppman("migrate", "check")["edited"] == []
    app.alembic("check")
