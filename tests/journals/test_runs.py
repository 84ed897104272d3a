"""`history --verbose` tells what the journal knows; without one, everything works as before."""

import json

from journal_entries import in_journal, write_down


def test_history_tells_when_how_long_by_whom_and_what_failed(shop):
    write_down(shop.url, shop.file("a2"), direction="downgrade", outcome="failed", error="no such\n  column: x")
    lines = shop.ok("migrate", "history", "--verbose").splitlines()
    of_a2 = lines[next(i for i, line in enumerate(lines) if line.startswith("a2")) :]
    of_a2 = of_a2[: next(i for i, line in enumerate(of_a2) if line.startswith("a1"))]
    failed = next(line for line in of_a2 if "downgrade" in line)
    applied = next(line for line in of_a2 if "upgrade" in line and "ada@tower" in line)
    assert "by ada@tower, FAILED: no such column: x" in failed
    assert of_a2.index(failed) < of_a2.index(applied)
    assert "UTC by ada@tower, 12 ms, 3 rows moved" in applied
    assert "ada@tower" not in shop.ok("migrate", "history")


def test_history_as_json_has_every_run(sqlite_shop):
    write_down(sqlite_shop.url, sqlite_shop.file("a1"), outcome="failed", error="no", backup="/backups/x.db")
    runs = json.loads(sqlite_shop.ok("migrate", "history", "--json"))["runs"]
    newest = runs[0]
    assert newest["started"].endswith("+00:00") and newest["finished"] >= newest["started"]
    assert {name: newest[name] for name in newest if name not in ("started", "finished")} == {
        "revision": "a1",
        "direction": "upgrade",
        "outcome": "failed",
        "duration_ms": 12.5,
        "rows_moved": 3,
        "by": "ada@tower",
        "version": "0.1.0",
        "backup": "/backups/x.db",
        "error": "no",
    }
    in_range = json.loads(sqlite_shop.ok("migrate", "history", "-r", "a2:", "--json"))["runs"]
    assert {run["revision"] for run in in_range} == {"a2"}


def test_run_that_never_ended_is_told(sqlite_shop):
    values = {"direction": "upgrade", "checksum": "1", "body": b"", "by": "eve@laptop", "version": "1"}
    in_journal(sqlite_shop.url, lambda journal, connection: journal.begin(connection, revision="a1", **values))
    assert "by eve@laptop, not ended: it runs, or was killed" in sqlite_shop.ok("migrate", "history", "--verbose")


def test_history_tells_of_revisions_with_no_file(sqlite_shop):
    sqlite_shop.file("a2").unlink()
    listed = sqlite_shop.ok("migrate", "history", "--verbose")
    assert "in the journal, and no file defines it:\n  a2  upgrade" in listed


def test_plain_history_asks_no_journal(sqlite_shop, monkeypatch):
    from oppmigrate import MigrationManager, load_settings
    from oppmigrate.recorder import Journal

    monkeypatch.chdir(sqlite_shop.project.path)
    manager = MigrationManager(load_settings(sqlite_shop.project.path, database_url=sqlite_shop.url))
    asked = []
    monkeypatch.setattr(Journal, "entries", lambda *_: asked.append(True) or ())
    assert manager.history().runs == ()
    assert asked == []
    manager.history(runs=True)
    assert asked == [True]


def test_everything_works_without_a_journal(stock_shop):
    for command in (
        ("history", "--verbose"),
        ("history", "--graph", "--verbose"),
        ("current",),
        ("show", "a2"),
        ("check",),
        ("downgrade", "-1"),
        ("upgrade",),
    ):
        stock_shop.ok("migrate", *command)
    assert stock_shop.names() == [(1, "Ada"), (2, "Grace")]


def test_history_works_where_the_database_cannot_be_reached(sqlite_shop):
    done = sqlite_shop.project.run(
        "migrate", "history", "--verbose", env={"DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/nothing"}
    )
    assert done.returncode == 0
    assert "a2" in done.stdout
    sqlite_shop.project.run("migrate", "history", "--verbose", env={"DATABASE_URL": "sqlite:///not_there.db"})
    assert not (sqlite_shop.project.path / "not_there.db").exists()
