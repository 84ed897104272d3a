"""`tables(op)`: the tables as they are when they are asked for, with the types that the database tells."""

import datetime
import decimal
import enum
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import make_url

import servers
from oppmigrate import errors
from oppmigrate.data import batches, tables

COLUMNS = ["id", "name", "slug"]


def test_table_is_read_with_its_columns_and_its_key(people: Any) -> None:
    def work(op: Operations, _connection: sa.Connection) -> None:
        table = tables(op).people
        assert [column.name for column in table.columns] == COLUMNS
        assert [column.name for column in table.primary_key] == ["id"]
        assert tables(op)["people"].name == "people"

    people.run(work)


def test_table_is_read_again_behind_a_change_of_the_same_revision(people: Any) -> None:
    def work(op: Operations, connection: sa.Connection) -> None:
        here = tables(op)
        assert [column.name for column in here.people.columns] == COLUMNS
        op.add_column("people", sa.Column("born", sa.Date))
        assert [column.name for column in here.people.columns] == [*COLUMNS, "born"]
        connection.execute(here.people.update().values(born=datetime.date(1815, 12, 10)))
        op.rename_table("people", "persons")
        assert [column.name for column in here.persons.columns] == [*COLUMNS, "born"]
        with pytest.raises(errors.DataStepRefused, match="no table `people`"):
            here.people  # noqa: B018  asking is what is tested

    people.run(work)


def test_table_that_did_not_change_is_the_same_so_that_a_statement_may_ask_for_it_twice(people: Any) -> None:
    """Two tables of one name in a statement would be each row with each."""
    people.add("Ada", "Grace")

    def work(op: Operations, connection: sa.Connection) -> None:
        here = tables(op)
        query = sa.select(here.people.c.id, here.people.c.name).where(tables(op).people.c.name == "Ada")
        assert [row.name for row in connection.execute(query)] == ["Ada"]
        assert here("people", name=sa.Text) is here("people", name=sa.Text)
        assert here("people", name=sa.Text) is not here.people
        before = here.people
        op.add_column("people", sa.Column("born", sa.Date))
        assert here.people is not before
        assert here.people is tables(op).people

    people.run(work)


def test_tables_of_one_reading_are_joined_by_their_foreign_keys(people: Any) -> None:
    metadata = sa.MetaData()
    people.table.to_metadata(metadata)
    sa.Table(
        "pets", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("owner", sa.ForeignKey("people.id"))
    )
    people.make(metadata)
    people.add("Ada")

    def work(op: Operations, connection: sa.Connection) -> list[Any]:
        here = tables(op)
        owners, pets = here.people, here.pets
        connection.execute(pets.insert().from_select(["owner"], sa.select(owners.c.id)))
        return [tuple(row) for row in connection.execute(sa.select(owners.c.name).join_from(owners, pets))]

    assert people.run(work) == [("Ada",)]


def test_table_of_a_schema_is_read_by_both_names(
    database_url: str, request: pytest.FixtureRequest, tmp_path: Any
) -> None:
    kind = make_url(database_url).get_backend_name()

    def work(op: Operations, connection: sa.Connection) -> None:
        connection.execute(sa.text(f"CREATE TABLE {schema}.notes (id INTEGER PRIMARY KEY)"))
        notes = tables(op)[f"{schema}.notes"]
        assert (notes.schema, notes.name) == (schema, "notes")
        connection.execute(notes.insert(), [{"id": 1}, {"id": 2}])
        assert sum(batch.delete() for batch in batches(op, notes, size=1)) == 2

    def run(url: str, first: str) -> None:
        from oppmigrate.databases import open_database

        def begun(connection: sa.Connection) -> None:
            if first:
                connection.exec_driver_sql(first)
            work(Operations(MigrationContext.configure(connection)), connection)

        open_database(url).run(begun)

    schema = "shop"
    if kind == "sqlite":
        run(database_url, f"ATTACH '{tmp_path / 'shop.db'}' AS shop")
    elif kind == "postgresql":
        run(database_url, "CREATE SCHEMA shop")
    else:
        with servers.mysql_database(request.getfixturevalue("mysql_server")) as other:
            schema = str(make_url(other).database)
            run(database_url, "")


# ---- types


class Mood(enum.Enum):
    """Written by its name, as SQLAlchemy does."""

    calm = "c"
    cross = "x"


KEY = uuid.UUID("f47ac10b-58cc-4372-a567-0e02b2c3d479")
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5)
VALUES = {
    "flag": (sa.Boolean(), True),
    "day": (sa.Date(), datetime.date(2026, 1, 2)),
    "moment": (sa.DateTime(), MOMENT),
    "amount": (sa.Numeric(10, 2), decimal.Decimal("1.20")),
    "document": (sa.JSON(), {"a": [1]}),
    "token": (sa.Uuid(), KEY),
    "mood": (sa.Enum(Mood), Mood.calm),
}
# what the reading alone gives, where that is not the value itself
READ = {
    "sqlite": {"token": KEY.hex, "mood": "calm"},
    "postgresql": {"mood": "calm"},
    "mysql": {"flag": 1, "document": '{"a": [1]}', "mood": "calm"},
}
TYPES = {"flag": sa.Boolean, "document": sa.JSON, "token": sa.Uuid(), "mood": sa.Enum(Mood)}


def make_values(people: Any) -> None:
    metadata = sa.MetaData()
    columns = [sa.Column(name, type_) for name, (type_, _) in VALUES.items()]
    table = sa.Table("kinds", metadata, sa.Column("id", sa.Integer, primary_key=True), *columns)
    people.make(metadata)
    row = {name: value for name, (_, value) in VALUES.items()}
    people.run(lambda _op, connection: connection.execute(table.insert(), row))


def test_values_come_as_the_database_tells_or_as_the_given_types_say(people: Any) -> None:
    make_values(people)

    def work(op: Operations, connection: sa.Connection) -> None:
        here = tables(op)
        wanted = {name: value for name, (_, value) in VALUES.items()}
        read = dict(connection.execute(sa.select(here.kinds)).one()._mapping)
        has_uuids = not isinstance(read["token"], str)  # MariaDB since 10.7; before, and on MySQL, it is a text
        kind = make_url(people.url).get_backend_name()
        expected = wanted | READ[kind] | ({} if has_uuids else {"token": KEY.hex})
        assert read == {"id": 1, **expected}
        typed = connection.execute(sa.select(here("kinds", **TYPES))).one()._mapping
        assert dict(typed) == {"id": 1, **wanted}

    people.run(work)


def test_values_are_written_by_the_types(people: Any) -> None:
    make_values(people)
    new = {"flag": False, "document": {"b": None}, "token": uuid.UUID(int=7), "mood": Mood.cross}
    new |= {
        "day": datetime.date(1999, 1, 1),
        "moment": datetime.datetime(1999, 1, 1, 1),
        "amount": decimal.Decimal("9.99"),
    }

    def work(op: Operations, connection: sa.Connection) -> dict[str, Any]:
        kinds = tables(op)("kinds", **TYPES)
        for batch in batches(op, kinds):
            batch.update(lambda row: new)
        return dict(connection.execute(sa.select(kinds)).one()._mapping)

    assert people.run(work) == {"id": 1, **new}


@pytest.mark.parametrize(
    ("column", "value", "remedy"),
    [
        ("name", KEY, 'tables(op)("people", name=sa.Uuid())'),
        ("name", Mood.calm, 'tables(op)("people", name=sa.Enum(Mood))'),
        ("slug", {"a": 1}, 'tables(op)("people", slug=sa.JSON())'),
        ("slug", [1], 'tables(op)("people", slug=sa.JSON())'),
    ],
)
def test_value_that_a_text_column_does_not_tell_how_to_write_is_refused(
    people: Any, column: str, value: Any, remedy: str
) -> None:
    people.add("Ada")

    def work(op: Operations, _connection: sa.Connection) -> None:
        for batch in batches(op, tables(op).people):
            batch.update(lambda row: {column: value})

    with pytest.raises(errors.DataStepRefused) as caught:
        people.run(work)
    assert f"`people.{column}` is VARCHAR(40)" in caught.value.what
    assert remedy in str(caught.value.do)


# ---- what is not there


def refused(people: Any, ask: Any) -> errors.DataStepRefused:
    with pytest.raises(errors.DataStepRefused) as caught:
        people.run(lambda op, _connection: ask(tables(op)))
    return caught.value


def test_table_that_is_not_there_is_refused_with_those_that_are(few_people: Any) -> None:
    error = refused(few_people, lambda here: here.poeple)
    assert error.what == "there is no table `poeple` at this revision"
    assert error.why == "the database has people"
    assert refused(few_people, lambda here: here["main.poeple"]).why == "schema `main` has people"


def test_type_of_a_column_that_is_not_there_is_refused(few_people: Any) -> None:
    error = refused(few_people, lambda here: here("people", slog=sa.JSON))
    assert error.what == "table `people` has no column `slog` at this revision"
    assert error.why == "it has slug, id, name"


def test_nothing_is_read_where_sql_is_only_written() -> None:
    op = Operations(MigrationContext.configure(dialect_name="sqlite", opts={"as_sql": True}))
    for ask in (
        lambda: tables(op).people,
        lambda: next(batches(op, sa.table("people", sa.column("id")), key=[sa.column("id")])),
    ):
        with pytest.raises(errors.DataStepRefused) as caught:
            ask()
        assert isinstance(caught.value, CommandError), "stock alembic prints that, and a traceback of all else"
        assert "SQL is only written" in caught.value.what
        assert "op.execute(" in str(caught.value.do)
