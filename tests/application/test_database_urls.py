"""The engine: which DATABASE_URL is served by which async driver, and how SQLite is set up."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

import application.engine
from application.engine import async_url, create_engine
from oppmigrate.errors import ConfigurationError, DatabaseMissing, DriverMissing, UnsupportedDatabase


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make it look as though only these drivers were installed."""

    def install(*drivers: str) -> None:
        monkeypatch.setattr(application.engine, "find_spec", lambda name: name if name in drivers else None)

    return install


@pytest.mark.parametrize(
    ("given", "served"),
    [
        ("sqlite:///./test.db", "sqlite+aiosqlite:///./test.db"),
        ("sqlite+pysqlite:////tmp/x.db", "sqlite+aiosqlite:////tmp/x.db"),
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite:///x.db"),
        ("postgresql://u:p%40@h/d", "postgresql+psycopg://u:p%40@h/d"),
        ("postgresql+psycopg2://u@h/d?sslmode=require", "postgresql+psycopg://u@h/d?sslmode=require"),
        ("postgresql+asyncpg://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql+asyncpg://u@h/d?sslmode=require", "postgresql+asyncpg://u@h/d?ssl=require"),
        ("mysql://u@h/d", "mysql+aiomysql://u@h/d"),
        ("mysql+pymysql://u@h/d?charset=utf8mb4", "mysql+aiomysql://u@h/d?charset=utf8mb4"),
        ("mariadb+pymysql://u@h/d", "mariadb+aiomysql://u@h/d"),
    ],
)
def test_url_is_served_by_an_async_driver(given: str, served: str) -> None:
    assert async_url(given).render_as_string(hide_password=False) == served


def test_url_without_driver_is_served_by_what_is_installed(installed: Callable[..., None]) -> None:
    installed("asyncpg", "asyncmy")
    assert async_url("postgresql://h/d?sslmode=require").drivername == "postgresql+asyncpg"
    assert async_url("mysql+pymysql://h/d").drivername == "mysql+asyncmy"


@pytest.mark.parametrize(
    ("url", "package"),
    [
        ("sqlite:///x.db", "oppmigrate[admin]"),
        ("postgresql://h/d", "oppmigrate[postgresql]"),
        ("postgresql+asyncpg://h/d", "asyncpg"),
        ("mysql+pymysql://h/d", "aiomysql"),
    ],
)
def test_missing_driver_is_named_with_what_to_install(installed: Callable[..., None], url: str, package: str) -> None:
    installed()
    with pytest.raises(DriverMissing) as caught:
        async_url(url)
    assert package in str(caught.value.do)


@pytest.mark.parametrize("url", ["nonsense", "", "postgresql://u:sec ret@h:port/d"])
def test_url_that_cannot_be_read_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        async_url(url)
    assert "sec ret" not in str(caught.value)
    assert caught.value.do


@pytest.mark.parametrize("url", ["oracle://u:secret@h/d", "postgres://u:secret@h/d"])
def test_database_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(UnsupportedDatabase) as caught:
        async_url(url)
    assert "secret" not in str(caught.value)


def test_missing_sqlite_file_is_an_error_and_is_not_made(tmp_path: Path) -> None:
    async def connect() -> None:
        engine = create_engine(f"sqlite:///{tmp_path}/test.db")
        async with engine.connect():
            pass

    with pytest.raises(DatabaseMissing) as caught:
        asyncio.run(connect())
    assert caught.value.do == "python oppman.py migrate upgrade"
    assert list(tmp_path.iterdir()) == []


def test_sqlite_connections_keep_foreign_keys_and_wait_for_writers(tmp_path: Path) -> None:
    (tmp_path / "test.db").touch()

    async def ask(pragma: str) -> object:
        engine = create_engine(f"sqlite:///{tmp_path}/test.db")
        async with engine.connect() as connection:
            answer = (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar()
        await engine.dispose()
        return answer

    assert asyncio.run(ask("foreign_keys")) == 1
    assert asyncio.run(ask("busy_timeout")) == 5000
    assert asyncio.run(ask("journal_mode")) == "wal"
