"""Rows that a table's new definition would not take, found before anything is changed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from oppmigrate.databases.sqlite_rebuild.conversions import Conversion
from oppmigrate.databases.sqlite_rebuild.tokens import quote
from oppmigrate.errors import RowsDoNotFit

SAMPLE = 5  # rows named in a message
LOSSY = "lossy-conversion"  # the rule that a person may allow to be broken


@dataclass(frozen=True)
class Rows:
    """The rows as they are to be: SQL to select from, with the new table's columns.

    Args:
        table: the table's name, for messages.
        source: a subquery.
        key: columns that tell one row from another, for messages.
    """

    connection: Connection
    table: str
    source: str
    key: tuple[str, ...]

    def ask(self, sql: str) -> list[Any]:
        return [tuple(row) for row in self.connection.exec_driver_sql(sql)]

    def count(self, condition: str) -> int:
        return int(self.ask(f"SELECT count(*) FROM {self.source} WHERE {condition}")[0][0])

    def sample(self, columns: Sequence[str], condition: str) -> list[dict[str, Any]]:
        names = list(dict.fromkeys([*self.key, *columns]))
        return [dict(zip(names, row, strict=True)) for row in self.values(map(quote, names), condition)]

    def values(self, expressions: Iterable[str], condition: str) -> list[tuple[Any, ...]]:
        """What the expressions come to for the first rows that the condition is true of."""
        listed = ", ".join(map(_bare, expressions))
        if not listed:
            return []
        rows = self.ask(f"SELECT {listed} FROM {self.source} WHERE {condition} LIMIT {SAMPLE}")
        return [tuple(_value(*pair) for pair in zip(row[::2], row[1::2], strict=True)) for row in rows]


def refuse_nulls(rows: Rows, column: str, becomes: str = "NOT NULL") -> None:
    """Raises:
    RowsDoNotFit: rows have no value in a column that is to have one.
    """
    condition = f"{quote(column)} IS NULL"
    count = rows.count(condition)
    if count:
        _refuse(
            rows,
            f"{_rows(count)} of `{rows.table}` {_have(count)} no value in `{column}`, which becomes {becomes}",
            f'fill them before: op.execute("UPDATE {rows.table} SET {column} = ... WHERE {column} IS NULL")',
            (column,),
            count,
            rows.sample([], condition),
        )


def refuse_duplicates(rows: Rows, columns: Sequence[str], parts: Sequence[str], where: str | None, what: str) -> None:
    """Refuse rows that have the same values where no two rows may.

    Args:
        columns: for the message.
        parts: SQL expressions that are to be unique together.
        where: of a partial index.
        what: what is to be unique, for the message.
    """
    conditions = [f"({part}) IS NOT NULL" for part in parts] + ([f"({where})"] if where else [])
    listed = ", ".join(f"({part})" for part in parts)
    named = [quote(f"part {number}") for number in range(len(parts))]
    values = ", ".join(f"({part}) AS {name}" for part, name in zip(parts, named, strict=True))
    groups = Rows(
        rows.connection,
        rows.table,
        f"(SELECT {values}, count(*) AS n FROM {rows.source} WHERE {' AND '.join(conditions)} "
        f"GROUP BY {listed} HAVING count(*) > 1)",
        (),
    )
    count = int(groups.ask(f"SELECT coalesce(sum(n), 0) FROM {groups.source}")[0][0])
    if not count:
        return
    sample = [dict(zip([*columns, "rows"], row, strict=True)) for row in groups.values([*named, "n"], "1")]
    _refuse(
        rows,
        f"{_rows(count)} of `{rows.table}` have the same {_columns(columns)} as another row, where {what} allows one",
        "delete or change all but one of each before: op.execute(...)",
        columns,
        count,
        sample,
    )


def refuse_check(rows: Rows, expression: str, name: str | None, columns: Sequence[str]) -> None:
    """Refuse rows of which a new CHECK says that they must not be."""
    condition = f"NOT ({expression})"
    count = rows.count(condition)
    if count:
        _refuse(
            rows,
            f"{_rows(count)} of `{rows.table}` {_break(count)} the new {f'CHECK `{name}`' if name else 'CHECK'} "
            f"({expression})",
            f'correct them before: op.execute("UPDATE {rows.table} SET ... WHERE {condition}")',
            columns,
            count,
            rows.sample(columns, condition),
        )


def refuse_orphans(rows: Rows, columns: Sequence[str], parent: str, referred: Sequence[str], name: str) -> None:
    """Refuse rows whose new foreign key would point nowhere.

    Args:
        parent: the table referred to, as SQL to select from; `name` is what a message calls it.
    """
    present = [f"r.{quote(column)} IS NOT NULL" for column in columns]
    # the parent's column stands on the left: its collation decides
    equal = [f"p.{quote(there)} = r.{quote(here)}" for here, there in zip(columns, referred, strict=True)]
    condition = f"{' AND '.join(present)} AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {' AND '.join(equal)})"
    aliased = Rows(rows.connection, rows.table, f"(SELECT * FROM {rows.source}) AS r", rows.key)
    # counted by a join, since a subquery, which is begun anew for each row, takes twice as long
    joined = Rows(rows.connection, rows.table, f"{aliased.source} LEFT JOIN {parent} AS p ON {' AND '.join(equal)}", ())
    count = joined.count(f"{' AND '.join(present)} AND p.{quote(referred[0])} IS NULL")
    if count:
        _refuse(
            rows,
            f"{_rows(count)} of `{rows.table}` would refer, by {_columns(columns)}, to rows of `{name}` that are "
            "not there",
            "add the missing rows, or delete or correct these, before the foreign key comes: op.execute(...)",
            columns,
            count,
            aliased.sample(columns, condition),
        )


def refuse_losses(
    rows: Rows, old: str, column: str, source: str, conversion: Conversion, is_allowed: Callable[[str], bool]
) -> None:
    """Refuse values that a new type would change, or that could not be read as it; unless a person allowed it.

    Args:
        old: the table as it is, as SQL to select from.
        source: the column's name there.
    """
    if conversion.doubt is None or is_allowed(LOSSY):
        return
    count = 0
    sample: list[dict[str, Any]] = []
    for value, converted in _doubtful(rows.connection, old, source, conversion):
        if conversion.fits(value, converted):
            continue
        count += 1
        if len(sample) < SAMPLE:
            sample.append({column: value, "would be": converted})
    if count:
        _refuse(
            rows,
            f"{_values(count)} of `{rows.table}.{column}` would not survive as {conversion.type_name}",
            f'correct them before: op.execute("UPDATE {rows.table} SET {column} = ..."); or, where they may go, write '
            f"`# oppman: allow {LOSSY} -- REASON` above the line",
            (column,),
            count,
            sample,
        )


def refuse_lost_values(rows: Rows, column: str, before: str, after: str, is_allowed: Callable[[str], bool]) -> None:
    """Refuse to compute a column whose stored values say something else."""
    condition = f"({before}) IS NOT ({after})"
    if is_allowed(LOSSY):
        return
    count = rows.count(condition)
    if count:
        _refuse(
            rows,
            f"{_values(count)} of `{rows.table}.{column}` {_are(count)} not what it would compute",
            f"keep them in another column; or, where they may go, write `# oppman: allow {LOSSY} -- REASON` above "
            "the line",
            (column,),
            count,
            [{"is": is_, "would be": would_be} for is_, would_be in rows.values((before, after), condition)],
        )


def refuse_without_value(rows: Rows, column: str) -> None:
    """Refuse a new NOT NULL column that nothing fills."""
    count = rows.count("1")
    if count:
        _refuse(
            rows,
            f"{_rows(count)} of `{rows.table}` would have no value in the new column `{column}`, which is NOT NULL",
            "give it a server_default; or add it nullable, fill it, and set it NOT NULL in a second batch",
            (column,),
            count,
            rows.sample([], "1"),
        )


def _doubtful(connection: Connection, old: str, source: str, conversion: Conversion) -> Iterator[tuple[Any, Any]]:
    condition = f"{quote(source)} IS NOT NULL AND ({conversion.doubt})"
    sql = f"SELECT {_bare(quote(source))}, {_bare(conversion.expression)} FROM {old} WHERE {condition}"
    for row in connection.exec_driver_sql(sql):
        yield _value(row[0], row[1]), _value(row[2], row[3])


def _bare(expression: str) -> str:
    """A value and its kind: a text that is no UTF-8 could not be fetched as one."""
    kind = f"typeof({expression})"
    return f"{kind}, CASE {kind} WHEN 'text' THEN CAST({expression} AS BLOB) ELSE {expression} END"


def _value(kind: str, value: Any) -> Any:
    return value.decode(errors="backslashreplace") if kind == "text" else value


def _refuse(rows: Rows, what: str, do: str, columns: Sequence[str], count: int, sample: Sequence[Any]) -> None:
    shown = "; ".join(_shown(each) for each in sample)
    raise RowsDoNotFit(
        what,
        why=f"for example {shown}" if shown else None,
        do=do,
        table=rows.table,
        column=", ".join(columns),
        count=count,
        sample=list(sample),
    )


def _shown(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in row.items())


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def _values(count: int) -> str:
    return f"{count:,} {'value' if count == 1 else 'values'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _break(count: int) -> str:
    return "breaks" if count == 1 else "break"


def _columns(columns: Sequence[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns)
