"""The application: FastAPI, with the admin at /admin. Start it with `python oppman.py runserver`."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from application.admin import mount_admin
from application.configuration import Configuration, load_configuration
from application.engine import create_engine
from application.pages import TITLE, router
from application.readiness import read_readiness

PROJECT = Path(__file__).resolve().parent

logger = logging.getLogger("application")


def create_app(configuration: Configuration) -> FastAPI:
    """The whole application on one database. Its tables come from the migrations, never from here."""
    engine = create_engine(configuration.database_url)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if error := (await read_readiness(engine)).error():
            logger.error("%s", error)
        yield
        await engine.dispose()

    app = FastAPI(title=TITLE, lifespan=lifespan)
    app.state.engine = engine
    app.include_router(router)
    mount_admin(app, engine, configuration)
    return app


app = create_app(load_configuration(PROJECT))
