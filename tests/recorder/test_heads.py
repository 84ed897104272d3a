"""What the version table says."""

import pytest
from sqlalchemy import create_engine, inspect, text

from oppmigrate.databases import open_database
from oppmigrate.recorder import read_heads


def record(url, *heads, table="alembic_version"):
    def work(connection):
        connection.execute(text(f"CREATE TABLE {table} (version_num VARCHAR(32) NOT NULL)"))
        for head in heads:
            connection.execute(text(f"INSERT INTO {table} VALUES (:head)"), {"head": head})
        connection.commit()

    open_database(url).run(work)


def test_database_without_version_table_stands_at_base_and_gets_none(database_url):
    assert open_database(database_url).run(read_heads) == ()
    assert open_database(database_url).run(lambda connection: inspect(connection).get_table_names()) == []


def test_empty_version_table_stands_at_base(database_url):
    record(database_url)
    assert open_database(database_url).run(read_heads) == ()


def test_heads_are_sorted(database_url):
    record(database_url, "b2", "a1")
    assert open_database(database_url).run(read_heads) == ("a1", "b2")


def test_heads_are_read_from_another_table(database_url):
    record(database_url, "a1", table="our_versions")
    assert open_database(database_url).run(lambda connection: read_heads(connection, version_table="our_versions")) == (
        "a1",
    )


@pytest.mark.parametrize("schema", ["other"])
def test_heads_are_read_from_another_schema(tmp_path, schema):
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(text(f"ATTACH '{tmp_path / 'other.db'}' AS {schema}"))
        connection.execute(text(f"CREATE TABLE {schema}.alembic_version (version_num TEXT)"))
        connection.execute(text(f"INSERT INTO {schema}.alembic_version VALUES ('a1')"))
        assert read_heads(connection) == ()
        assert read_heads(connection, version_table_schema=schema) == ("a1",)
    engine.dispose()
