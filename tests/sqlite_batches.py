"""Batches of operations on a SQLite database, as a revision runs them, and what the database holds before and after."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection

from oppmigrate.databases import Database, open_database
from oppmigrate.environment.batching import rebuilding

Revision = Callable[[Operations], None]


class Tables:
    """A database in memory, prepared for migrating; every method is a step of one test."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self.database = database
        self.connection = connection
        self.statements: list[str] = []
        sa.event.listen(connection, "before_cursor_execute", self._heard)

    def _heard(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.statements.append(statement)

    def execute(self, *statements: str) -> None:
        for statement in statements:
            self.connection.exec_driver_sql(statement)
        self.connection.commit()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        rows = [tuple(row) for row in self.connection.exec_driver_sql(sql)]
        self.connection.rollback()
        return rows

    def upgrade(self, revision: Revision, *, allowed: tuple[str, ...] = (), **options: Any) -> None:
        """Run `revision` in a transaction of its own."""
        context = MigrationContext.configure(self.connection, opts={"transactional_ddl": True, **options})
        self.statements.clear()
        with (
            Operations.context(context) as operations,
            context.begin_transaction(),
            rebuilding(operations, self.database, lambda rule: rule in allowed),
        ):
            revision(operations)

    # ---- what it holds

    def sql(self, name: str) -> str | None:
        """The stored statement of a table, an index, a trigger or a view."""
        rows = self.rows(
            f"SELECT sql FROM (SELECT * FROM sqlite_master UNION SELECT * FROM sqlite_temp_master) "
            f"WHERE name = '{name}'"
        )
        return rows[0][0] if rows else None

    def objects(self) -> set[tuple[Any, ...]]:
        """Every stored statement."""
        return set(
            self.rows(
                "SELECT type, name, tbl_name, sql FROM sqlite_master UNION "
                "SELECT type, name, tbl_name, sql FROM sqlite_temp_master"
            )
        )

    def everything(self) -> tuple[Any, ...]:
        """All that it holds, in a form that can be compared."""
        tables = sorted(row[1] for row in self.objects() if row[0] == "table")
        return self.objects(), {table: self.rows(f'SELECT * FROM "{table}"') for table in tables}

    def copies(self) -> int:
        """How often the last upgrade copied a table."""
        return sum(statement.startswith("INSERT OR ABORT INTO") for statement in self.statements)

    def edits(self) -> int:
        """How often the last upgrade edited a stored definition; trying out a DEFAULT is one, too."""
        return sum(
            statement.startswith("UPDATE") and "sqlite_master SET sql" in statement for statement in self.statements
        )

    def assert_sound(self) -> None:
        assert self.rows("PRAGMA integrity_check") == [("ok",)]
        assert self.rows("PRAGMA foreign_key_check") == []


@contextmanager
def tables(*, edits: bool = True) -> Iterator[Tables]:
    """Args:
    edits: may a stored definition be edited? Else the table is rebuilt.
    """
    database = open_database("sqlite://")
    database.edits_schema = edits
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        connection.rollback()
        database.prepare(connection)
        yield Tables(database, connection)
