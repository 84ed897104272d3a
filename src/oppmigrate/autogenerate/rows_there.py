"""What the project's database holds, asked while a revision is drafted: how many rows, and which values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from oppmigrate.autogenerate.decisions import Decisions
from oppmigrate.databases import Database
from oppmigrate.errors import DatabaseError

LOOKED_AT = 100_000  # the first rows: to go through all of a large table takes too long for a question
SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Held:
    """What a column holds in the first rows of its table.

    Args:
        rows: how many were looked at.
        is_all: there are no others.
        filled: in how many of them it holds a value.
        values: some of these, as the driver gives them.
    """

    rows: int
    is_all: bool
    filled: int
    values: tuple[Any, ...]


class RowsThere:
    """Looks into a database that stands at the heads.

    Args:
        database: None where there is none to look into; then nothing is known.
        decisions: of which the renames count: the database knows tables and columns by their old names.
    """

    def __init__(self, database: Database | None, decisions: Decisions) -> None:
        self._database = database
        self._decisions = decisions

    def nulls(self, schema: str | None, table: str, column: str) -> int | None:
        """How many rows hold NULL in a column, by its new name; None where nobody can say."""
        asked: sa.ColumnClause[Any] = sa.column(self._decisions.old_column(table, column))
        place = sa.table(self._decisions.old_table(table), asked, schema=schema)
        query = sa.select(sa.func.count()).select_from(place).where(asked.is_(None))
        found = self._ask(query)
        return None if found is None else int(found[0][0])

    def held(self, schema: str | None, table: str, column: str) -> Held | None:
        """What a column holds, by its old name; None where nobody can say."""
        asked: sa.ColumnClause[Any] = sa.column(column)
        rows = sa.select(asked).select_from(sa.table(self._decisions.old_table(table), asked, schema=schema))
        looked_at = rows.limit(LOOKED_AT + 1).subquery()
        value = looked_at.c[column]
        counts = self._ask(sa.select(sa.func.count(), sa.func.count(value)).select_from(looked_at))
        values = self._ask(sa.select(value).where(value.is_not(None)).limit(SAMPLE))
        if counts is None or values is None:
            return None
        (found, filled) = counts[0]
        return Held(min(found, LOOKED_AT), found <= LOOKED_AT, min(filled, LOOKED_AT), tuple(row[0] for row in values))

    def rows(self, schema: str | None, table: str) -> tuple[int, bool] | None:
        """How many rows a table has, up to `LOOKED_AT`, and whether there are no others; None where nobody can say."""
        one: sa.Select[Any] = sa.select(sa.literal_column("1").label("one")).select_from(sa.table(table, schema=schema))
        found = self._ask(sa.select(sa.func.count()).select_from(one.limit(LOOKED_AT + 1).subquery()))
        return None if found is None else (min(found[0][0], LOOKED_AT), found[0][0] <= LOOKED_AT)

    def _ask(self, query: sa.Select[*tuple[Any, ...]]) -> Sequence[Any] | None:
        if self._database is None:
            return None
        try:
            return self._database.run(lambda connection: connection.execute(query).all())
        except DatabaseError:  # a table that may not be read
            return None
