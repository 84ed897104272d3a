"""`rebuilding`: Alembic's `batch_alter_table` under its own names and arguments, carried out by the database."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import BatchOperations, Operations

import sqlite_batches
from alembic import op as alembic_op
from oppmigrate.autogenerate import record_operations
from oppmigrate.databases import Database, open_database
from oppmigrate.environment.batching import rebuilding
from sqlite_batches import Tables


@pytest.fixture
def people() -> Iterator[Tables]:
    with sqlite_batches.tables() as people:
        people.execute(
            "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT)", "INSERT INTO people (a) VALUES ('x')"
        )
        yield people


@pytest.mark.parametrize("recording_first", [True, False])
def test_recording_and_rebuilding_nest_in_either_order(people: Tables, recording_first: bool):
    recorded: list[Any] = []

    def revision(op: Operations) -> None:
        with op.batch_alter_table("people") as batch:
            assert isinstance(batch, BatchOperations)
            batch.alter_column("a", nullable=False)

    context = MigrationContext.configure(people.connection)
    with Operations.context(context) as operations, people.connection.begin():
        recording = record_operations(operations, recorded)
        rebuild = rebuilding(operations, people.database)
        first, second = (recording, rebuild) if recording_first else (rebuild, recording)
        with first:
            with second:
                revision(operations)
            assert "batch_alter_table" in vars(operations)  # the outer one is still there
    assert len(recorded) == 1
    assert people.copies() == 1
    assert "AUTOINCREMENT" in str(people.sql("people"))
    assert "a TEXT NOT NULL" in str(people.sql("people"))
    assert not {"batch_alter_table", "invoke", "get_bind"} & vars(operations).keys()


def test_module_that_revisions_import_is_served_too(people: Tables):
    def revision(_op: Operations) -> None:
        with alembic_op.batch_alter_table("people") as batch:
            batch.alter_column("a", nullable=False)

    people.upgrade(revision)
    assert people.sql("people") == "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL)"


def test_nothing_is_changed_where_only_sql_is_written():
    output = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="sqlite", opts={"as_sql": True, "output_buffer": output, "literal_binds": True}
    )
    with Operations.context(context) as operations, rebuilding(operations, open_database("sqlite://")):
        assert "batch_alter_table" not in vars(operations)
        with operations.batch_alter_table("people") as batch:
            batch.add_column(sa.Column("b", sa.Text()))
    assert "ALTER TABLE people ADD COLUMN b TEXT" in output.getvalue()


def test_nothing_is_changed_for_a_server_that_alters_by_itself(people: Tables):
    class Altering(Database):
        rebuilds_tables = False

    operations = Operations(MigrationContext.configure(people.connection))
    with rebuilding(operations, Altering(sa.make_url("sqlite://"))):
        assert "batch_alter_table" not in vars(operations)


def test_change_is_forgotten_when_the_transaction_is_rolled_back(people: Tables):
    before = people.everything()

    class Stop(Exception):
        pass

    def revision(op: Operations) -> None:
        with op.batch_alter_table("people") as batch:
            batch.alter_column("a", nullable=False)
        raise Stop

    with pytest.raises(Stop):
        people.upgrade(revision)
    assert people.everything() == before
    people.execute("INSERT INTO people (a) VALUES (NULL)")


def test_what_was_put_off_is_done_before_the_commit(people: Tables):
    context = MigrationContext.configure(people.connection)
    with Operations.context(context) as operations, rebuilding(operations, people.database):
        with people.connection.begin(), operations.batch_alter_table("people") as batch:
            batch.alter_column("a", nullable=False)
        assert people.rows("SELECT sql LIKE '%NOT NULL%' FROM sqlite_master WHERE name = 'people'") == [(1,)]
