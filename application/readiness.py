"""Is the database fit for the application: does it answer, at which revision is it, what do the models miss in it?"""

from dataclasses import dataclass

from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel

import models
from oppmigrate.databases import open_database
from oppmigrate.errors import DatabaseBehind, DatabaseUnreachable, MigrateError

UPGRADE = "python oppman.py migrate upgrade"
NO_TABLES_YET = "the database has no tables yet"
BEHIND = "the database is behind the models"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What was found.

    Attributes:
        problem: why nothing can be asked of the database; None when it answers.
        revisions: the migrations it is at; empty when none was applied.
        missing: what the models need and the database lacks, `products` or `users.group`.
        has_tables: whether any of the models' tables is there.
    """

    problem: MigrateError | None = None
    revisions: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    has_tables: bool = False

    def error(self) -> MigrateError | None:
        """What stands in the way of using the database, and what to do; None when nothing does."""
        if self.problem or not self.missing:
            return self.problem
        lacking = ", ".join(self.missing)
        if not self.has_tables:
            return DatabaseBehind(NO_TABLES_YET, why=f"the application needs {lacking}", do=UPGRADE)
        return DatabaseBehind(BEHIND, why=f"it lacks {lacking}", do=UPGRADE)


async def read_readiness(engine: AsyncEngine) -> Readiness:
    """Look at the database; whatever goes wrong is in the answer, and nothing is raised."""
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_look)
    except MigrateError as error:
        return Readiness(problem=error)
    except (SQLAlchemyError, OSError) as error:
        return Readiness(problem=explain(engine, error))


async def read_revisions(engine: AsyncEngine) -> tuple[str, ...]:
    """The migrations that the database is at: one short query, for whoever asks often."""
    async with engine.connect() as connection:
        return tuple((await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars())


def explain(engine: AsyncEngine, error: Exception) -> MigrateError:
    """The driver's error as one of ours, with no password in it."""
    known = open_database(engine.url.render_as_string(hide_password=False)).explain(error)
    return known or DatabaseUnreachable(
        f"the database {engine.url.render_as_string()} cannot be used",
        why=" ".join(str(getattr(error, "orig", None) or error).split()),
        do="see that the server runs and that DATABASE_URL is right",
    )


def _look(connection: Connection) -> Readiness:
    inspector = inspect(connection)
    present = set(inspector.get_table_names())
    missing: list[str] = []
    for table in _tables():
        if table.name not in present:
            missing.append(table.name)
            continue
        there = {column["name"] for column in inspector.get_columns(table.name)}
        missing += [f"{table.name}.{column.name}" for column in table.columns if column.name not in there]
    revisions: tuple[str, ...] = ()
    if "alembic_version" in present:
        revisions = tuple(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    has_tables = any(table.name in present for table in _tables())
    return Readiness(revisions=revisions, missing=tuple(missing), has_tables=has_tables)


def _tables() -> list[Table]:
    """The tables of models.py, whatever other models the process has loaded."""
    classes = [value for value in vars(models).values() if isinstance(value, type) and issubclass(value, SQLModel)]
    return [model.__table__ for model in classes if hasattr(model, "__table__")]
