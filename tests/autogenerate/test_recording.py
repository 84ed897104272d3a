"""What a revision does is recorded while it is done."""

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from oppmigrate.autogenerate import describe_all, record_operations


@pytest.fixture
def operations():
    """Alembic's `op` on an empty SQLite database."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        yield Operations(MigrationContext.configure(connection))
    engine.dispose()


def test_operations_are_recorded_and_carried_out(operations):
    recorded = []
    with record_operations(operations, recorded):
        operations.create_table("users", sa.Column("id", sa.Integer, primary_key=True))
        operations.execute("INSERT INTO users VALUES (1)")
        with operations.batch_alter_table("users", recreate="always") as batch:
            batch.add_column(sa.Column("name", sa.String(50)))
    assert [change.text for change in describe_all(recorded)] == [
        "create table users (1 column)",
        "run SQL: INSERT INTO users VALUES (1)",
        "add column users.name (VARCHAR(50))",
    ]
    assert operations.get_bind().execute(sa.text("SELECT id, name FROM users")).all() == [(1, None)]


def test_recording_ends_with_the_block_also_when_an_operation_fails(operations):
    recorded = []
    with pytest.raises(sa.exc.OperationalError), record_operations(operations, recorded):
        operations.drop_table("nowhere")
    operations.execute("SELECT 1")
    assert [change.text for change in describe_all(recorded)] == ["drop table nowhere"]


def test_other_operations_are_not_recorded(operations):
    recorded = []
    with record_operations(operations, recorded):
        Operations(operations.migration_context).execute("SELECT 1")
    assert recorded == []
