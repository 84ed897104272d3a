"""`rebuilding`: Alembic's `batch_alter_table` under its own names and arguments, carried out by the database."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import BatchOperations, Operations, ops

import sqlite_batches
from alembic import op as alembic_op
from oppmigrate.databases import Database, open_database
from oppmigrate.environment.batching import rebuilding
from oppmigrate.safety import Noted, noting
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

    def revision(op: Operations) -> None:
        with op.batch_alter_table("people") as batch:
            assert isinstance(batch, BatchOperations)
            batch.alter_column("a", nullable=False)

    context = MigrationContext.configure(people.connection)
    with Operations.context(context) as operations, people.connection.begin():
        noted = Noted()
        recording = noting(operations, Path("revision.py"), noted)
        rebuild = rebuilding(operations, people.database)
        first, second = (recording, rebuild) if recording_first else (rebuild, recording)
        with first:
            with second:
                revision(operations)
            assert "batch_alter_table" in vars(operations)  # the outer one is still there
    assert len(noted.operations) == 1
    assert people.edits() == 1
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


def test_operations_outside_of_a_batch_are_rebuilt_too(people: Tables):
    def revision(op: Operations) -> None:
        op.alter_column("people", "a", nullable=False, server_default="y")
        op.create_unique_constraint("uq_people_a", "people", ["a"])
        op.create_check_constraint("ck_people_a", "people", sa.column("a") != "")
        op.add_column("people", sa.Column("boss", sa.Integer(), sa.ForeignKey("people.id", name="fk_boss")))
        op.create_foreign_key("fk_gone", "people", "people", ["boss"], ["id"])
        op.drop_constraint("fk_gone", "people", type_="foreignkey")

    people.upgrade(revision)
    assert people.copies() == 1
    assert people.sql("people") == (
        "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT DEFAULT 'y' NOT NULL, boss INTEGER, "
        "CONSTRAINT uq_people_a UNIQUE (a), CONSTRAINT ck_people_a CHECK (a != ''), CONSTRAINT fk_boss FOREIGN "
        "KEY(boss) REFERENCES people (id))"
    )
    assert people.rows("SELECT id, a, boss FROM people") == [(1, "x", None)]


def test_boolean_outside_of_a_batch_gets_its_check(people: Tables):
    def revision(op: Operations) -> None:
        op.add_column("people", sa.Column("flag", sa.Boolean(create_constraint=True, name="ck_flag")))
        op.drop_column("people", "a")

    people.upgrade(revision)
    assert "CONSTRAINT ck_flag CHECK (flag IN (0, 1))" in str(people.sql("people"))
    assert (people.copies(), people.edits()) == (0, 1)


def test_table_is_renamed_by_a_batch(people: Tables):
    people.execute("CREATE TABLE pets (owner INTEGER REFERENCES people)", "CREATE VIEW named AS SELECT a FROM people")

    def revision(op: Operations) -> None:
        with op.batch_alter_table("people") as batch:
            batch.alter_column("a", nullable=False)
            batch.invoke(ops.RenameTableOp("people", "persons"))

    people.upgrade(revision)
    assert "a TEXT NOT NULL" in str(people.sql("persons"))
    assert people.sql("pets") == 'CREATE TABLE pets (owner INTEGER REFERENCES "persons")'
    assert people.rows("SELECT * FROM named") == [("x",)]


def test_batch_in_an_autocommit_block_is_whole(people: Tables):
    def revision(op: Operations) -> None:
        with op.get_context().autocommit_block(), op.batch_alter_table("people") as batch:
            batch.alter_column("a", nullable=False)

    people.upgrade(revision)
    assert people.sql("people") == "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL)"


def test_batch_without_a_transaction_is_committed_as_stock_alembic_does(people: Tables):
    operations = Operations(MigrationContext.configure(people.connection))
    with rebuilding(operations, people.database, merges=False), operations.batch_alter_table("people") as batch:
        batch.alter_column("a", nullable=False)
    people.connection.rollback()
    assert people.sql("people") == "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL)"
