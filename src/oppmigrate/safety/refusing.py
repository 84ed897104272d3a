"""What a change asks of the rows that are there, and the error for those that do not fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases import Database
from oppmigrate.databases.rows import Misfits, TableName, as_written, ask, quoted, quoted_table
from oppmigrate.errors import RowsDoNotFit

SAMPLE = 5
LONGEST_VALUE = 40
PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Demand:
    """What a change asks of the rows of a table.

    Args:
        misfits: the rows that do not fit.
        does: what the revision does: "makes `users.email` NOT NULL".
        verb, fault: what is wrong with the rows: "hold", "no value there".
        do: what to do about them.
        columns: what it is about.
        shows_values: are the values of these columns shown beside the primary key?
        probe: a query with a row where there is a misfit, quicker than looking for the misfits.
        order: what the sample is ordered by before the primary key.
    """

    table: TableName
    misfits: Misfits
    does: str
    verb: str
    fault: str
    do: str
    columns: tuple[str, ...] = ()
    shows_values: bool = True
    probe: str | None = None
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Whom to ask about rows, and for which revision."""

    connection: Connection
    database: Database
    revision: str

    def require(self, demand: Demand) -> None:
        """Raises:
        RowsDoNotFit: some rows do not fit, with their number and a sample.
        """
        source, condition = demand.misfits.source, demand.misfits.condition
        if self.ask(demand.probe or f"SELECT 1 FROM {source} WHERE {condition} LIMIT 1"):
            raise self._error(demand)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a query; none where the server cannot make sense of it.

        The operation that the query is made from then says by itself what is missing or wrongly written; or it is in
        words that an index takes and a query does not.
        """
        try:
            with self.database.trial(self.connection):
                return ask(self.connection, statement)
        except DBAPIError as error:
            if not self.database.is_about_the_statement(error):
                raise
            return []

    def quoted(self, name: str) -> str:
        return quoted(self.connection, name)

    def table(self, table: TableName) -> str:
        return quoted_table(self.connection, table)

    def shown(self, sql: str) -> str:
        """SQL as a person would paste it."""
        return as_written(self.connection, sql)

    def _error(self, demand: Demand) -> RowsDoNotFit:
        source, condition = demand.misfits.source, demand.misfits.condition
        count = int(ask(self.connection, f"SELECT count(*) FROM {source} WHERE {condition}")[0][0])
        total = int(ask(self.connection, f"SELECT count(*) FROM {self.table(demand.table)}")[0][0])
        sample = self._sample(demand)
        verb = demand.verb if count != 1 else f"{demand.verb}s"
        rows = "row" if total == 1 else "rows"
        return RowsDoNotFit(
            f"revision {self.revision} {demand.does}, and {count:,} of {total:,} {rows} {verb} {demand.fault}",
            why=_described(sample, count) if any(sample) else None,
            do=self.shown(demand.do),
            revision=self.revision,
            table=str(demand.table),
            column=demand.columns[0] if len(demand.columns) == 1 else None,
            columns=list(demand.columns),
            count=count,
            total=total,
            sample=sample,
        )

    def _sample(self, demand: Demand) -> list[dict[str, Any]]:
        """Some of the rows: their primary key, and the values that it is about."""
        key = inspect(self.connection).get_pk_constraint(demand.table.name, schema=demand.table.schema)
        keys = list(key["constrained_columns"])
        values = [name for name in demand.columns if name not in keys and demand.shows_values]
        if not keys and not values:
            return []
        quoted_keys = [self.quoted(name) for name in keys]
        texts = [f"{self.database.as_text(self.quoted(name))} AS oppman_{n}" for n, name in enumerate(values)]
        query = f"SELECT {', '.join([*quoted_keys, *texts])} FROM {demand.misfits.source}"
        query += f" WHERE {demand.misfits.condition}"
        order = [*demand.order, *quoted_keys]
        query += f" ORDER BY {', '.join(order)}" if order else ""
        rows = ask(self.connection, f"{query} LIMIT {SAMPLE}")
        return [dict(zip([*keys, *values], map(_plain, row), strict=True)) for row in rows]


def _plain(value: Any) -> Any:
    """A value as JSON and a message take it."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value if isinstance(value, PLAIN) else str(value)


def _described(sample: Sequence[dict[str, Any]], count: int) -> str:
    rows = "; ".join(", ".join(f"{name}={_shortened(value)}" for name, value in row.items()) for row in sample)
    return f"{'they are' if count > 1 else 'it is'} {rows}" if count <= SAMPLE else f"among them {rows}"


def _shortened(value: Any) -> str:
    if value is None:
        return "NULL"
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
