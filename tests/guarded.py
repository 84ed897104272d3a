"""One operation on a database with rows, under the guard: what it refuses has to leave everything as it was."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from oppmigrate.databases import open_database
from oppmigrate.errors import RowsDoNotFit
from oppmigrate.safety import Guard, guarding

Change = Callable[[Operations], Any]
NO_FILE = Path("no_such_revision.py")


class Rows:
    """A database whose tables are made by SQL, and whose operations run under the guard."""

    def __init__(self, url: str, *setup: str) -> None:
        self.database = open_database(url)
        self.do(*setup)

    def do(self, *statements: str) -> None:
        def work(connection: sa.Connection) -> None:
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.commit()

        self.database.run(work)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.database.run(lambda connection: [tuple(row) for row in connection.execute(sa.text(query))])

    def state(self) -> dict[str, Any]:
        """Each table's columns, indexes, constraints and rows."""
        return self.database.run(_state)

    def run(self, change: Change, *settings: str, file: Path = NO_FILE) -> Guard:
        """Carry the change out in a transaction, and commit."""

        def work(connection: sa.Connection) -> Guard:
            self.database.prepare(connection)
            for setting in settings:
                connection.exec_driver_sql(setting)
            context = MigrationContext.configure(connection)
            operations = Operations(context)
            with guarding(operations, self.database, "r1", file) as guard:
                change(operations)
            connection.commit()
            return guard

        return self.database.run(work)

    def refuses(self, change: Change, *settings: str) -> RowsDoNotFit:
        """The change is refused, and nothing is changed."""
        before = self.state()
        try:
            self.run(change, *settings)
        except RowsDoNotFit as error:
            assert self.state() == before
            assert error.facts["revision"] == "r1"
            assert error.what.startswith("revision r1 ")
            assert len(error.facts["sample"]) <= 5
            return error
        raise AssertionError("nothing was refused")

    def takes(self, change: Change, *settings: str) -> Guard:
        """The change is carried out, and every row that was there is there still."""
        before = self.counts()
        guard = self.run(change, *settings)
        assert self.counts() == before
        return guard

    def counts(self) -> dict[str, int]:
        return {name: len(facts["rows"]) for name, facts in self.state().items()}


def _state(connection: sa.Connection) -> dict[str, Any]:
    inspector = sa.inspect(connection)
    preparer = connection.dialect.identifier_preparer
    found = {}
    for name in inspector.get_table_names():
        found[name] = {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"]) for column in inspector.get_columns(name)
            ],
            "indexes": inspector.get_indexes(name),
            "uniques": inspector.get_unique_constraints(name),
            "checks": inspector.get_check_constraints(name),
            "keys": inspector.get_foreign_keys(name),
            "rows": sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {preparer.quote(name)}"))),
        }
    return found
