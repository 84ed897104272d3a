"""The journal: what is written is read back, on every server and by every driver, and reading makes nothing."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect, text

import mysql_rows
import postgresql_rows
import sqlite_rows
from oppmigrate.databases import open_database
from oppmigrate.errors import ConfigurationError
from oppmigrate.recorder import Journal
from servers import with_driver

DRIVERS = [
    *(("sqlite", driver) for driver in sqlite_rows.DRIVERS),
    *(("postgresql", driver) for driver in postgresql_rows.DRIVERS),
    *(("mysql", driver) for driver in mysql_rows.DRIVERS),
]
JOURNAL = Journal()
BODY = b"# \xe4\x00 not even UTF-8\n" * 10_000


@pytest.fixture(params=DRIVERS, ids=lambda each: each[1])
def by_driver(request):
    """An empty database, once by each driver of each server."""
    server, driver = request.param
    return open_database(with_driver(str(request.getfixturevalue(f"{server}_url")), driver))


@pytest.fixture
def database(database_url):
    return open_database(database_url)


def committed(database, work):
    def run(connection):
        with connection.begin():
            return work(connection)

    return database.run(run)


def begin(connection, revision="a1", direction="upgrade", checksum="c0ffee", **more):
    values = {"body": BODY, "by": "ada@tower", "version": "1.2.3", **more}
    return JOURNAL.begin(connection, revision=revision, direction=direction, checksum=checksum, **values)


def run_once(connection, revision="a1", direction="upgrade", outcome="done", **more):
    id_ = begin(connection, revision, direction, **more)
    JOURNAL.finish(connection, id_, outcome=outcome, duration_ms=1.0)
    return id_


def made(database, work):
    """Make the journal, do the work, commit."""

    def both(connection):
        JOURNAL.ensure(connection)
        return work(connection)

    return committed(database, both)


def test_every_fact_comes_back_by_every_driver(by_driver):
    before = datetime.now(UTC)

    def work(connection):
        first, second = begin(connection), begin(connection, "a2", backup="/backups/a “b”.db")
        JOURNAL.save_progress(connection, second, '{"done": 3}')
        error = "Ärger \N{SNAKE}\0" + "x" * 100_000
        JOURNAL.finish(
            connection, second, outcome="failed", error=error, duration_ms=12.345678901234, rows_moved=5_000_000_000
        )
        return first, second

    first, second = made(by_driver, work)
    assert second > first
    (entry,) = by_driver.run(lambda connection: JOURNAL.entries(connection, "a2"))
    assert (entry.id, entry.revision, entry.direction, entry.checksum) == (second, "a2", "upgrade", "c0ffee")
    assert (entry.by, entry.version, entry.outcome) == ("ada@tower", "1.2.3", "failed")
    assert entry.backup == "/backups/a “b”.db"
    assert entry.body == BODY
    assert entry.duration_ms == 12.345678901234
    assert entry.rows_moved == 5_000_000_000
    assert entry.error == "Ärger \N{SNAKE}\N{REPLACEMENT CHARACTER}" + "x" * 100_000
    assert entry.progress == '{"done": 3}'
    assert before <= entry.started <= entry.finished <= datetime.now(UTC)
    assert entry.started.utcoffset() == timedelta(0)


def test_begun_entry_runs(database):
    made(database, begin)
    (entry,) = database.run(JOURNAL.entries)
    assert entry.outcome == "running"
    assert (entry.finished, entry.duration_ms, entry.error, entry.progress) == (None, None, None, None)


def test_entries_are_newest_first_and_have_a_body_only_where_a_revision_is_named(database):
    made(database, lambda connection: [run_once(connection, each) for each in ("a1", "A1", "a1")])
    everything = database.run(JOURNAL.entries)
    assert [(each.revision, each.body) for each in everything] == [("a1", None), ("A1", None), ("a1", None)]
    named = database.run(lambda connection: JOURNAL.entries(connection, "a1"))
    assert [each.body for each in named] == [BODY, BODY]
    assert named[0].id > named[1].id


def test_reading_where_there_is_no_journal_makes_none(database):
    def look(connection):
        JOURNAL.forget_unfinished(connection)
        return (
            JOURNAL.exists(connection),
            JOURNAL.entries(connection),
            JOURNAL.entries(connection, "a1"),
            JOURNAL.unfinished(connection),
            JOURNAL.applied(connection, ["a1"]),
        )

    assert committed(database, look) == (False, (), (), None, {})
    assert database.run(lambda connection: inspect(connection).get_table_names()) == []


def test_nothing_is_committed(sqlite_url, postgresql_url):
    for url in (sqlite_url, postgresql_url):
        database = open_database(url)
        made(database, run_once)

        def work(connection):
            run_once(connection, "a2")
            JOURNAL.save_progress(connection, begin(connection, "a3"), "{}")

        database.run(work)
        assert [each.revision for each in database.run(JOURNAL.entries)] == ["a1"]


def test_journal_is_made_once(database):
    made(database, run_once)
    made(database, run_once)
    assert len(database.run(JOURNAL.entries)) == 2
    assert database.run(lambda connection: inspect(connection).get_table_names()) == ["oppman_journal"]


def test_columns_that_an_earlier_release_lacked_are_none_until_they_are_added(database):
    made(database, begin)

    def drop(connection):
        for column in ("error", "rows_moved", "done_by"):
            connection.execute(text(f"ALTER TABLE oppman_journal DROP COLUMN {column}"))

    committed(database, drop)
    (entry,) = database.run(JOURNAL.entries)
    assert (entry.error, entry.rows_moved, entry.by) == (None, None, "")
    made(database, run_once)
    newest, oldest = database.run(JOURNAL.entries)
    assert newest.by == "ada@tower"
    assert oldest == entry


def test_columns_of_a_later_release_are_passed_over(database):
    made(database, begin)
    committed(database, lambda connection: connection.execute(text("ALTER TABLE oppman_journal ADD COLUMN later INT")))
    made(database, run_once)
    assert len(database.run(JOURNAL.entries)) == 2


def test_table_of_the_name_that_is_no_journal_is_left_alone(database):
    committed(database, lambda connection: connection.execute(text("CREATE TABLE oppman_journal (id INT, page INT)")))
    assert database.run(JOURNAL.exists) is False
    assert database.run(JOURNAL.entries) == ()
    with pytest.raises(ConfigurationError) as caught:
        made(database, begin)
    assert "oppman_journal" in caught.value.what
    assert "journal_table" in caught.value.do
    names = database.run(
        lambda connection: [each["name"] for each in inspect(connection).get_columns("oppman_journal")]
    )
    assert names == ["id", "page"]


def test_applied_is_the_newest_finished_upgrade_that_no_downgrade_followed(database):
    def work(connection):
        first = run_once(connection, "a1")
        run_once(connection, "a2")
        run_once(connection, "a2", "downgrade")
        run_once(connection, "a3")
        run_once(connection, "a3", "downgrade", outcome="failed")
        run_once(connection, "a4", outcome="failed")
        begin(connection, "a5")
        run_once(connection, "a6")
        run_once(connection, "a6", "downgrade")
        again = run_once(connection, "a6")
        return first, again

    first, again = made(database, work)
    applied = database.run(lambda connection: JOURNAL.applied(connection, ["a1", "a2", "a3", "a4", "a5", "a6"]))
    assert set(applied) == {"a1", "a3", "a6"}
    assert (applied["a1"].id, applied["a6"].id) == (first, again)
    assert set(database.run(lambda connection: JOURNAL.applied(connection, {"a3"}))) == {"a3"}


def test_what_stands_half_done_is_the_newest_with_progress_that_is_not_done(database):
    def work(connection):
        JOURNAL.save_progress(connection, run_once(connection, "a1", outcome="failed"), "{}")
        half = begin(connection, "a2")
        JOURNAL.save_progress(connection, half, '{"done": 1}')
        JOURNAL.save_progress(connection, run_once(connection, "a3"), "{}")
        begin(connection, "a4")
        return half

    half = made(database, work)
    entry = database.run(JOURNAL.unfinished)
    assert (entry.id, entry.revision, entry.progress, entry.body) == (half, "a2", '{"done": 1}', BODY)
    committed(database, JOURNAL.forget_unfinished)
    assert database.run(JOURNAL.unfinished) is None
    kept = {each.revision: each.progress for each in database.run(JOURNAL.entries)}
    assert kept == {"a1": None, "a2": None, "a3": "{}", "a4": None}


def test_journal_lies_in_the_schema_of_the_version_table(postgresql_url):
    database = open_database(postgresql_url)
    journal = Journal("our_journal", "ops")
    committed(database, lambda connection: connection.execute(text("CREATE SCHEMA ops")))
    committed(database, journal.ensure)
    values = {"direction": "upgrade", "checksum": "1", "body": b"", "by": "", "version": ""}
    committed(database, lambda connection: journal.begin(connection, revision="a1", **values))
    assert [each.revision for each in database.run(journal.entries)] == ["a1"]
    assert database.run(JOURNAL.exists) is False
    assert database.run(lambda connection: inspect(connection).get_table_names("ops")) == ["our_journal"]


def test_environments_that_share_a_database_see_nothing_of_each_others_entries(database):
    shop, billing = Journal(version_table="shop_version"), Journal(version_table="billing_version")
    values = {"direction": "upgrade", "checksum": "1", "body": b"", "by": "", "version": ""}

    def work(connection):
        shop.ensure(connection)
        for journal in (shop, billing):
            id_ = journal.begin(connection, revision="0001", **values)
            journal.save_progress(connection, id_, "{}")
        billing.forget_unfinished(connection)
        done = billing.begin(connection, revision="0002", **values)
        billing.finish(connection, done, outcome="done", duration_ms=1.0)
        return shop.unfinished(connection), billing.unfinished(connection), shop.applied(connection, ["0002"])

    half, nothing, applied = committed(database, work)
    assert half is not None and nothing is None and applied == {}
    assert [each.revision for each in database.run(shop.entries)] == ["0001"]
    assert [each.revision for each in database.run(billing.entries)] == ["0002", "0001"]


def test_any_text_is_kept_on_mariadb_whatever_the_database_holds_by_default(mysql_url):
    database = open_database(mysql_url)
    committed(database, lambda connection: connection.execute(text("ALTER DATABASE CHARACTER SET latin1")))
    made(database, lambda connection: begin(connection, by="\N{SNAKE}@tower", backup="\N{SNAKE}.sql"))
    (entry,) = database.run(JOURNAL.entries)
    assert (entry.by, entry.backup) == ("\N{SNAKE}@tower", "\N{SNAKE}.sql")


def test_entries_are_frozen(sqlite_url):
    database = open_database(sqlite_url)
    made(database, begin)
    with pytest.raises(dataclasses.FrozenInstanceError):
        database.run(JOURNAL.entries)[0].outcome = "done"
