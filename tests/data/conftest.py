"""A table of people, and `alembic.op` on a connection to it, with no project around."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from oppmigrate.databases import open_database

T = TypeVar("T")
Work = Callable[[Operations, sa.Connection], Any]


class People:
    """A database with `people`: an id, a name and no slug."""

    def __init__(self, url: str) -> None:
        self.url = url
        metadata = sa.MetaData()
        self.table = sa.Table(
            "people",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("name", sa.String(40), nullable=False),
            sa.Column("slug", sa.String(40)),
        )
        self.make(metadata)

    def make(self, metadata: sa.MetaData) -> None:
        self.run(lambda _op, connection: metadata.create_all(connection))

    def run(self, work: Callable[[Operations, sa.Connection], T]) -> T:
        """Do it in a transaction, which is committed."""

        def committed(connection: sa.Connection) -> T:
            done = work(Operations(MigrationContext.configure(connection)), connection)
            connection.commit()
            return done

        return open_database(self.url).run(committed)

    def add(self, *names: str) -> None:
        rows = [{"name": name} for name in names]
        self.run(lambda _op, connection: connection.execute(self.table.insert(), rows))

    def slugs(self) -> list[str | None]:
        query = sa.select(self.table.c.slug).order_by(self.table.c.id)
        return self.run(lambda _op, connection: list(connection.scalars(query)))


@pytest.fixture
def people(database_url: str) -> People:
    return People(database_url)


@pytest.fixture
def few_people(sqlite_url: str) -> People:
    """On SQLite only: for what is the same everywhere."""
    return People(sqlite_url)
