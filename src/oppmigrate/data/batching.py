"""Through the rows of a table from the first to the last, so many at a time, by its key."""

import enum
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, overload

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Row, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import FromClause, TableClause
from sqlalchemy.types import Enum, NullType

from oppmigrate.data.reading import Op, no_column
from oppmigrate.data.refusing import DataStepRefused, not_offline
from oppmigrate.databases.locking import autocommits
from oppmigrate.databases.rows import TAKES_WHAT_IS_LEFT

# as the driver gives it: a key that is sent back has to be the one that came
RAW = NullType()
KEY = "oppman_key_{}"
VALUE = "oppman_value_{}"

NewValues = Callable[[Row[Any]], Mapping[str, Any] | None]
Key = tuple[Any, ...]


class Batch(Sequence[Row[Any]]):
    """Some rows of a `select()`, in the order of the key, and what is to be done to them in the table."""

    def __init__(
        self, connection: Connection, rows: Sequence[Row[Any]], keys: Sequence[Key], columns: Sequence[Any]
    ) -> None:
        self._connection = connection
        self._rows = rows
        self._keys = keys
        self._columns = columns

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row[Any]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Row[Any]]: ...

    def __getitem__(self, index: int | slice) -> Row[Any] | Sequence[Row[Any]]:
        return self._rows[index]

    def update(self, values: NewValues) -> int:
        """Write what `values` gives for each row, by the row's key; returns the number of rows written.

        Args:
            values: takes a row, gives the new values by column; None or nothing leaves the row as it is.

        Raises:
            DataStepRefused: no such column, or a row is not found by its key.
        """
        table = self._table()
        by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for row, key in zip(self._rows, self._keys, strict=True):
            new = values(row)
            if new:
                for name, value in new.items():
                    _refuse_untyped(table, _column(table, name), value)
                by_columns.setdefault(tuple(new), []).append({**_numbered(VALUE, new.values()), **_numbered(KEY, key)})
        for names, parameters in by_columns.items():
            written = {
                _column(table, name): sa.bindparam(VALUE.format(n), type_=_column(table, name).type)
                for n, name in enumerate(names)
            }
            self._send(table.update().values(written), parameters)
        return sum(map(len, by_columns.values()))

    def delete(self) -> int:
        """Delete the rows by their keys; returns their number.

        Raises:
            DataStepRefused: a row is not found by its key.
        """
        self._send(self._table().delete(), [_numbered(KEY, key) for key in self._keys])
        return len(self._keys)

    def _send(self, statement: Any, parameters: list[dict[str, Any]]) -> None:
        keys = (_raw(column) == sa.bindparam(KEY.format(n), type_=RAW) for n, column in enumerate(self._columns))
        with _together(self._connection):
            found = self._connection.execute(statement.where(*keys), parameters).rowcount
            if 0 <= found < len(parameters):
                raise self._not_found(len(parameters), found)

    def _not_found(self, wanted: int, found: int) -> DataStepRefused:
        return DataStepRefused(
            f"{wanted - found} of {wanted} rows of table `{self._table().name}` were not found by their keys",
            why="a trigger or a policy of the server keeps the rows from being changed, they were changed in the "
            "loop already, or the driver does not give the key as it is stored",
            do="change them by a statement of your own in place of the batch's",
            table=self._table().name,
        )

    def _table(self) -> TableClause:
        table = self._columns[0].table
        if not isinstance(table, TableClause):
            raise DataStepRefused(
                f"rows of `{table}` cannot be changed by their key",
                why="it is no table",
                do="write the changes with op.get_bind().execute(…)",
            )
        return table


def batches(
    op: Op, rows: Select[Any] | TableClause, *, size: int = 1000, key: Sequence[ColumnElement[Any]] | None = None
) -> Iterator[Batch]:
    """The rows of a `select()`, or of a whole table, `size` at a time: no more of them are ever held.

    Each batch begins behind the last key of the one before, so that rows which do not fit the WHERE any more, because
    the loop has changed them, put none out of its place. The loop must not change the key, or add rows behind it.

    In an `autocommit_block`, what a batch writes is committed with it. A revision that was interrupted there takes
    what its WHERE says is left.

    Args:
        op: `alembic.op`.
        rows: without ORDER BY, LIMIT, GROUP BY and DISTINCT.
        key: columns that tell the rows apart and hold no NULL; by default the table's primary key.

    Raises:
        DataStepRefused: nothing tells the rows apart, or SQL is only written.
    """
    if size < 1:
        raise DataStepRefused(f"a batch cannot have {size} rows", do="write batches(op, …, size=1000)")
    select = rows if isinstance(rows, Select) else sa.select(rows)
    _refuse_order(select)
    columns = list(key if key is not None else _primary_key(select))
    is_resumable = select.whereclause is not None
    last: Key | None = None
    while True:
        connection = _connection(op)
        if autocommits(connection) and not is_resumable:
            raise _not_resumable()
        found, keys = _read(connection, select, columns, last, size + 1)  # one more, to see that its key is another
        if not keys:
            return
        _refuse_unfit(keys, last, columns)
        with _resumable(connection, is_resumable):
            yield Batch(connection, found[:size], keys[:size], columns)
        if len(keys) <= size:
            return
        last = keys[size - 1]


def _connection(op: Op) -> Connection:
    connection = op.get_bind()
    if op.get_context().as_sql or connection is None:
        raise not_offline("the rows", 'op.execute("UPDATE … SET …")')
    return connection


def _read(
    connection: Connection, select: Select[Any], columns: Sequence[Any], last: Key | None, limit: int
) -> tuple[Sequence[Row[Any]], list[Key]]:
    """The first rows behind the last key, and their keys as the driver gives them."""
    compared = [_as_compared(column) for column in columns]
    page = select.add_columns(*(_raw(column).label(KEY.format(n)) for n, column in enumerate(columns)))
    page = page.order_by(*compared).limit(limit)
    result = connection.execute(page if last is None else page.where(_behind(compared, last))).freeze()
    asked = len(list(select.selected_columns))
    keys = result().columns(*range(asked, asked + len(columns)))
    return result().columns(*range(asked)).all(), [tuple(each) for each in keys]


# ---- the key


def _primary_key(select: Select[Any]) -> Sequence[ColumnElement[Any]]:
    froms = select.get_final_froms()
    if len(froms) != 1 or not isinstance(froms[0], FromClause) or isinstance(froms[0], sa.Join):
        raise DataStepRefused(
            "rows of more than one table cannot be gone through in batches without a key",
            why="a batch begins behind the last row of the one before, and which columns tell the rows apart is not "
            "known",
            do="name them, those of one table if each of its rows comes once: batches(op, …, key=[users.c.id])",
        )
    if columns := list(froms[0].primary_key):
        return columns
    name = getattr(froms[0], "name", froms[0])
    raise DataStepRefused(
        f"table `{name}` has no primary key, so it cannot be gone through in batches",
        why="a batch begins behind the last row of the one before, and nothing tells the rows apart",
        do=f"name columns that do: batches(op, …, key=[{name}.c.…]); or change the rows by one statement: "
        f'op.execute("UPDATE {name} SET …")',
        table=str(name),
    )


def _raw(column: Any) -> Any:
    return sa.type_coerce(column, RAW)


def _as_compared(column: Any) -> Any:
    """What rows are ordered and compared by; MySQL orders an ENUM by place and compares it as a text."""
    return sa.type_coerce(sa.cast(column, sa.String), RAW) if isinstance(column.type, Enum) else _raw(column)


def _behind(key: Sequence[Any], last: Key) -> ColumnElement[bool]:
    """Rows with a greater key: a > x OR (a = x AND b > y), which every server has, and finds by an index."""
    bound = [sa.bindparam(None, value, type_=RAW, unique=True) for value in last]
    greater = [
        sa.and_(*(key[n] == bound[n] for n in range(place)), key[place] > bound[place]) for place in range(len(key))
    ]
    return greater[0] if len(key) == 1 else sa.and_(key[0] >= bound[0], sa.or_(*greater))


def _refuse_order(select: Select[Any]) -> None:
    clauses = {
        "ORDER BY": bool(select._order_by_clauses),
        "LIMIT": select._limit_clause is not None or select._fetch_clause is not None,
        "OFFSET": select._offset_clause is not None,
        "GROUP BY": bool(select._group_by_clauses),
        "DISTINCT": select._distinct,
    }
    for clause, is_there in clauses.items():
        if is_there:
            raise DataStepRefused(
                f"a select with {clause} cannot be gone through in batches",
                why="batches are made by the key of the rows, in its order",
                do="leave it out, or run the select as it is: op.get_bind().execute(…)",
            )


def _refuse_unfit(keys: Sequence[Key], last: Key | None, columns: Sequence[Any]) -> None:
    """Rows that a batch could lose, or come to twice."""
    names = ", ".join(column.name for column in columns)
    before = last
    for key in keys:
        if None in key:
            raise DataStepRefused(
                f"a row holds NULL in its key ({names})",
                why="NULL is neither before nor behind anything, so the row would be left out",
                do="name columns that hold none: batches(op, …, key=[…]); or leave those rows to a statement of their "
                "own",
            )
        if key == before:
            raise DataStepRefused(
                f"more than one row has the key ({names}) = {_shown(key)}",
                why="where such rows fall into two batches, those in the second would be left out",
                do="name columns that tell the rows apart: batches(op, …, key=[…])",
            )
        before = key


def _shown(key: Key) -> str:
    return repr(key[0]) if len(key) == 1 else repr(key)


# ---- transactions


def _not_resumable() -> DataStepRefused:
    return DataStepRefused(
        "batches that commit by themselves need a WHERE that leaves out what is done",
        why="a revision that is interrupted in an autocommit_block begins anew, and would come to those rows twice",
        do="add it: sa.select(…).where(users.c.full_name.is_(None)); where twice does no harm: .where(sa.true())",
    )


@contextmanager
def _resumable(connection: Connection, is_resumable: bool) -> Iterator[None]:
    """What is executed in the block takes what is left, so that nobody is to take it for done."""
    info = connection.info
    before = info.get(TAKES_WHAT_IS_LEFT, False)
    info[TAKES_WHAT_IS_LEFT] = is_resumable
    try:
        yield
    finally:
        info[TAKES_WHAT_IS_LEFT] = before


@contextmanager
def _together(connection: Connection) -> Iterator[None]:
    """All of it or nothing, also where each statement commits by itself."""
    if not autocommits(connection):
        yield
        return
    connection.exec_driver_sql("BEGIN")
    try:
        yield
    except BaseException:
        with suppress(DBAPIError):  # a connection that is lost has rolled it back
            connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


def _numbered(name: str, values: Any) -> dict[str, Any]:
    return {name.format(n): value for n, value in enumerate(values)}


def _refuse_untyped(table: TableClause, column: Any, value: Any) -> None:
    """What the column keeps as text: how the models write it there, the database cannot tell."""
    if not isinstance(value, uuid.UUID | enum.Enum | dict | list) or not isinstance(column.type, sa.String):
        return
    if isinstance(value, enum.Enum) and getattr(column.type, "enum_class", None) is not None:
        return
    kinds = {uuid.UUID: "sa.Uuid()", enum.Enum: f"sa.Enum({type(value).__name__})"}
    wanted = next((text for kind, text in kinds.items() if isinstance(value, kind)), "sa.JSON()")
    raise DataStepRefused(
        f"column `{table.name}.{column.name}` is {column.type!s} at this revision, and is given {value!r}",
        why="how the models write that as text, the database cannot tell",
        do=f'name the type: tables(op)("{table.name}", {column.name}={wanted}); or write the text itself',
        table=table.name,
        column=column.name,
    )


def _column(table: TableClause, name: str) -> Any:
    if name not in table.c:
        raise no_column(table, name)
    return table.c[name]
