"""The pieces of code in the guide's chapter on data steps do what it says."""

import re
import secrets
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from oppmigrate.data import batches, tables
from oppmigrate.databases import open_database

GUIDE = Path(__file__).resolve().parents[2] / "scripts" / "migrate" / "README.md"
BEGINNING, END = "### What a data step is written with", "### Types in a data step"
METADATA = sa.MetaData()
USERS = sa.Table(
    "users",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.String(64)) for name in ("first_name", "last_name", "full_name", "city", "token")),
)
ADDRESSES = sa.Table(
    "addresses",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("user_id", sa.Integer),
    sa.Column("city", sa.String(40)),
)
VISITS, ARCHIVE = (
    sa.Table(name, METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("year", sa.Integer))
    for name in ("visits", "visits_archive")
)


def pieces() -> list[str]:
    chapter = GUIDE.read_text(encoding="utf-8").partition(BEGINNING)[2].partition(END)[0]
    return re.findall(r"```python\n(.*?)```", chapter, re.DOTALL)


@pytest.fixture
def ran(database_url: str) -> Any:
    """Runs a statement on a database where every piece has run, each as a revision of its own."""
    database = open_database(database_url)

    def begin(connection: sa.Connection) -> None:
        METADATA.create_all(connection)
        people = [{"first_name": "Ada", "last_name": "Lovelace", "city": "London"}]
        connection.execute(
            USERS.insert(), [*people, {"first_name": "Grace", "last_name": "Hopper", "city": "Arlington"}]
        )
        connection.execute(VISITS.insert(), [{"year": year} for year in (2018, 2019, 2020, 2021)])
        connection.commit()

    def run(piece: str) -> None:
        def work(connection: sa.Connection) -> None:
            context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
            names = {"op": Operations(context), "sa": sa, "tables": tables, "batches": batches, "secrets": secrets}
            with context.begin_transaction(_per_migration=True):
                exec(piece, names)

        database.run(work)

    database.run(begin)
    for piece in pieces():
        run(piece)
    return lambda query: database.run(lambda connection: [tuple(row) for row in connection.execute(query)])


def test_pieces_of_code_in_the_guide_do_what_it_says(ran: Any) -> None:
    assert len(pieces()) == 3
    names = ran(sa.select(USERS.c.full_name).order_by(USERS.c.id))
    assert names == [("Ada Lovelace",), ("Grace Hopper",)]
    assert ran(sa.select(ADDRESSES.c.user_id, ADDRESSES.c.city).order_by("user_id")) == [
        (1, "London"),
        (2, "Arlington"),
    ]
    assert [year for (year,) in ran(sa.select(VISITS.c.year).order_by("year"))] == [2020, 2021]
    assert [year for (year,) in ran(sa.select(ARCHIVE.c.year).order_by("year"))] == [2018, 2019]
    tokens = {token for (token,) in ran(sa.select(USERS.c.token))}
    assert len(tokens - {None}) == 2, "evaluated for each row"
