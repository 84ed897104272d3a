"""The application as its tests use it: on a database with tables and one superuser, ada, behind a browser."""

import asyncio
import sys
import warnings
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, make_url, text
from sqlalchemy import create_engine as create_sync_engine
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import Session, SQLModel, select

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

with warnings.catch_warnings():
    # Starlette asks for a successor of httpx that is not yet what everybody has
    warnings.filterwarnings("ignore", "Using `httpx` with `starlette.testclient`")
    from starlette.testclient import TestClient

import models  # noqa: E402
from application.audit import Actor, audited_sessions, set_actor  # noqa: E402
from application.configuration import Configuration  # noqa: E402
from application.engine import create_engine  # noqa: E402
from application.passwords import hash_password  # noqa: E402

EMAIL, PASSWORD = "ada@example.com", "correct horse"
TABLES = [models.User.__table__, models.Product.__table__, models.AuditLog.__table__]


async def make_tables(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: models.SQLModel.metadata.create_all(sync, tables=TABLES))
        await connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
        await connection.execute(text("INSERT INTO alembic_version VALUES ('3f2a91c07b1d')"))


async def add_user(engine: AsyncEngine, email: str, password: str, **rights: bool) -> None:
    set_actor(Actor(None, "the test"))
    async with audited_sessions(engine).begin() as session:
        session.add(models.User(email=email, hashed_password=await hash_password(password), **rights))


def prepare(url: str) -> str:
    async def work() -> None:
        engine = create_engine(url)
        await make_tables(engine)
        await add_user(engine, EMAIL, PASSWORD, is_superuser=True)
        await engine.dispose()

    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        Path(str(parsed.database)).touch()
    asyncio.run(work())
    return url


def serve(url: str, *, is_production: bool = False) -> TestClient:
    from main import create_app

    configuration = Configuration(database_url=url, secret_key="k" * 48, is_production=is_production)
    return TestClient(create_app(configuration), base_url=f"http{'s' * is_production}://testserver")


def log_in(client: TestClient, email: str = EMAIL, password: str = PASSWORD) -> int:
    """The status of the login: 302 sends the browser on to the admin, 400 shows the form again."""
    form = {"username": email, "password": password}
    return client.post("/admin/login", data=form, follow_redirects=False).status_code


def rows(url: str, model: type[SQLModel]) -> list[Any]:
    """Every row of a table, asked beside the application; integer keys in their order."""
    engine = create_sync_engine(url, poolclass=NullPool)
    with Session(engine) as session:
        found = session.exec(select(model)).all()
    return sorted(found, key=lambda row: row.id) if found and isinstance(found[0].id, int) else list(found)


def execute(url: str, statement: str) -> None:
    """One statement, beside the application."""
    engine = create_sync_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(statement))
