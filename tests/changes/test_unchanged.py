"""Models and a database that they made themselves: nothing is found, whatever the models have become."""

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext

from changes.change import HEAD, Change
from changes.groups import EVERY, NAMES
from oppmigrate.autogenerate import describe_all
from oppmigrate.databases import open_database
from oppmigrate.environment.comparing import compare_server_default
from oppmigrate.environment.naming import name_constraints


def models(change: Change) -> sa.MetaData:
    names: dict[str, Any] = {}
    exec(HEAD + change.after, names)
    return name_constraints(names["metadata"])[0]


def found_in(connection: sa.Connection, change: Change) -> list[str]:
    """What is found between the models after the change and what they made, in words."""
    metadata = models(change)
    metadata.create_all(connection)
    connection.commit()
    options = {"compare_server_default": compare_server_default, "include_schemas": bool(change.options)}
    context = MigrationContext.configure(connection, opts=options)
    script = produce_migrations(context, models(change))
    metadata.drop_all(connection)
    connection.commit()
    assert script.upgrade_ops is not None
    return [f"{change.name}: {each.text}" for each in describe_all([script.upgrade_ops])]


@pytest.mark.filterwarnings("ignore:.*sort tables")  # two of them refer to each other
@pytest.mark.parametrize("server", NAMES)
def test_nothing_is_found_in_a_database_that_the_models_made(server: str, request: pytest.FixtureRequest) -> None:
    database = open_database(request.getfixturevalue(f"{server}_url"))

    def work(connection: sa.Connection) -> list[str]:
        found = []
        for change in EVERY:
            if server in change.servers:
                for statement in change.before_all:
                    connection.execute(sa.text(statement.replace("SCHEMA", "SCHEMA IF NOT EXISTS")))
                found += found_in(connection, change)
        return found

    assert database.run(work) == []
