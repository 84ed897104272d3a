"""A shop, as far as its migrations see it: where SQLite is, its foreign keys are enforced."""

from sqlalchemy import MetaData, event
from sqlalchemy.engine import Engine

metadata = MetaData()


@event.listens_for(Engine, "connect")
def _foreign_keys_on(connection, _record):
    if "sqlite" in type(connection).__mro__[-2].__module__:
        connection.cursor().execute("PRAGMA foreign_keys=ON")
