"""What a revision does is noted while it is done."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from oppmigrate.autogenerate import describe_all
from oppmigrate.safety import noting

FILE = Path("revision.py")


@pytest.fixture
def operations():
    """Alembic's `op` on an empty SQLite database."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        yield Operations(MigrationContext.configure(connection))
    engine.dispose()


def test_operations_are_recorded_and_carried_out(operations):
    with noting(operations, FILE) as noted:
        operations.create_table("users", sa.Column("id", sa.Integer, primary_key=True))
        operations.execute("INSERT INTO users VALUES (1)")
        with operations.batch_alter_table("users", recreate="always") as batch:
            batch.add_column(sa.Column("name", sa.String(50)))
    assert [change.text for change in describe_all(noted.operations)] == [
        "create table users (1 column)",
        "run SQL: INSERT INTO users VALUES (1)",
        "add column users.name (VARCHAR(50))",
    ]
    assert operations.get_bind().execute(sa.text("SELECT id, name FROM users")).all() == [(1, None)]


def test_recording_ends_with_the_block_also_when_an_operation_fails(operations):
    with pytest.raises(sa.exc.OperationalError), noting(operations, FILE) as noted:
        operations.drop_table("nowhere")
    operations.execute("SELECT 1")
    assert [change.text for change in describe_all(noted.operations)] == ["drop table nowhere"]


def test_other_operations_are_not_recorded(operations):
    with noting(operations, FILE) as noted:
        Operations(operations.migration_context).execute("SELECT 1")
    assert noted.operations == []
