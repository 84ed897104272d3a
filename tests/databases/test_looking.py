"""A database file that is not there is looked at without being made."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.ext.asyncio import create_async_engine

from oppmigrate.databases.looking import is_stand_in, watch_connections


def test_missing_file_is_stood_in_for_by_an_empty_database(sqlite_url: str, tmp_path: Path) -> None:
    engine = create_engine(sqlite_url)
    with watch_connections(makes_files=False) as attempts, engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER)")
        assert is_stand_in(connection)
    assert [str(each.path) for each in attempts] == [engine.url.database]
    assert not list(tmp_path.iterdir())
    engine.dispose()


def test_pool_gives_the_stand_in_to_nobody_later(sqlite_url: str) -> None:
    engine = create_engine(sqlite_url)
    with watch_connections(makes_files=False), engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER)")
    with engine.connect() as connection:
        assert not is_stand_in(connection)
        assert inspect(connection).get_table_names() == []
    engine.dispose()


def test_async_driver_is_stood_in_for_too(sqlite_url: str, tmp_path: Path) -> None:
    async def main() -> bool:
        engine = create_async_engine(sqlite_url.replace("sqlite", "sqlite+aiosqlite", 1))
        async with engine.connect() as connection:
            stood_in = await connection.run_sync(is_stand_in)
        await engine.dispose()
        return stood_in

    with watch_connections(makes_files=False):
        assert asyncio.run(main())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("makes_files", [True, False])
def test_file_that_is_there_is_connected_to(sqlite_url: str, makes_files: bool) -> None:
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER)")
    with watch_connections(makes_files=makes_files) as attempts, engine.connect() as connection:
        assert not is_stand_in(connection)
        assert inspect(connection).get_table_names() == ["t"]
    assert len(attempts) <= 1  # none where the pool had a connection left
    engine.dispose()


def test_writing_run_makes_the_file(sqlite_url: str, tmp_path: Path) -> None:
    engine = create_engine(sqlite_url)
    with watch_connections(makes_files=True), engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER)")
    assert [path.name for path in tmp_path.iterdir()] == ["test.db"]
    engine.dispose()
