"""The tables as they are at a revision: read from the database there, whatever the models have become since."""

import difflib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from weakref import WeakKeyDictionary

from alembic.operations import MigrateOperation, Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, inspect
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.exc import NoSuchTableError, SAWarning
from sqlalchemy.types import TypeEngine

from oppmigrate.data.refusing import DataStepRefused, not_offline

Types = Mapping[str, TypeEngine[Any] | type[TypeEngine[Any]]]
SHOWN_NAMES = 10


class Op(Protocol):
    """What of `alembic.op` is used."""

    def get_bind(self) -> Connection: ...

    def get_context(self) -> MigrationContext: ...

    def invoke(self, operation: Any) -> Any: ...


class ReadTableOp(MigrateOperation):
    """Read a table for a data step; an operation, so that whoever plans or watches a revision learns of it."""

    def __init__(self, table_name: str, schema: str | None, types: Types) -> None:
        self.table_name = table_name
        self.schema = schema
        self.types = types

    @property
    def name(self) -> str:
        """The table's name with its schema, where it has one."""
        return f"{self.schema}.{self.table_name}" if self.schema else self.table_name

    @property
    def summary(self) -> str:
        """The operation in words."""
        return data_step(self.name)


def data_step(table: str) -> str:
    """What a data step is known to do before it runs, in words."""
    return f"data step: reads or changes rows of {table}"


class Tables:
    """The tables of the database that a revision runs on, each read when it is asked for.

    `tables(op).users`; `tables(op)["shop.users"]` for one in a schema, or with a name that is no word of Python's;
    `tables(op)("users", token=sa.Uuid())` for columns that are to have another type than the one that was read.
    """

    def __init__(self, op: Op) -> None:
        self._op = op

    def __getattr__(self, name: str) -> Table:
        if name.startswith("__"):
            raise AttributeError(name)  # Python's own questions
        return self(name)

    def __getitem__(self, name: str) -> Table:
        return self(name)

    def __call__(self, name: str, /, **types: TypeEngine[Any] | type[TypeEngine[Any]]) -> Table:
        """The table as it is now: asked for again behind a change, it is another one; else it is the same.

        Args:
            name: `table` or `schema.table`.
            types: by column, in place of those that the database tells. Where it keeps a UUID, an enum or JSON as
                text, the text is what one gets otherwise.

        Raises:
            DataStepRefused: there is no such table or column, or SQL is only written.
        """
        schema, _, table = name.rpartition(".")
        read = self._op.invoke(ReadTableOp(table, schema or None, types))
        if read is None:  # nothing is carried out: somebody looks what the revision would do
            raise not_offline(f"table `{name}`", _statement(name))
        return cast(Table, read)


def tables(op: Op) -> Tables:
    """The tables as they are at the revision that runs, read from its database; `op` is `alembic.op`."""
    return Tables(op)


@dataclass
class _Known:
    """What was read on a migration context: two tables of one name would not be one in a statement."""

    metadata: MetaData = field(default_factory=MetaData)  # the tables that were read last, to be joined
    tables: dict[tuple[str, str], Table] = field(default_factory=dict)  # by name, and the types that were given


_KNOWN: WeakKeyDictionary[MigrationContext, _Known] = WeakKeyDictionary()


@Operations.implementation_for(ReadTableOp)
def _read(operations: Operations, op: ReadTableOp) -> Table:
    context = operations.get_context()
    connection = operations.get_bind()
    if context.as_sql or connection is None:
        raise not_offline(f"table `{op.name}`", _statement(op.name))
    known = _KNOWN.setdefault(context, _Known())
    key = op.name, repr(sorted(op.types.items()))
    table, before = _reflected(op, connection), known.tables.get(key)
    if before is not None and _definition(before) == _definition(table):
        return before
    last = known.metadata.tables.get(op.name)
    if last is not None:
        known.metadata.remove(last)
    known.tables[key] = table.to_metadata(known.metadata)
    return known.tables[key]


def _definition(table: Table) -> tuple[Any, ...]:
    columns = [(column.name, repr(column.type), column.nullable, column.primary_key) for column in table.columns]
    return columns, sorted(key.target_fullname for key in table.foreign_keys)


def _reflected(op: ReadTableOp, connection: Connection) -> Table:
    typed: set[str] = set()

    def give_type(_inspector: Any, _table: Table, column: ReflectedColumn) -> None:
        if column["name"] in op.types:
            typed.add(column["name"])
            given = op.types[column["name"]]
            column["type"] = given() if isinstance(given, type) else given

    try:
        with warnings.catch_warnings():
            # of types and indexes that SQLAlchemy has no class for; what is asked here are columns and keys
            warnings.simplefilter("ignore", SAWarning)
            table = Table(
                op.table_name,
                MetaData(),
                schema=op.schema,
                autoload_with=connection,
                resolve_fks=False,  # other tables are read when they are asked for
                listeners=[("column_reflect", give_type)],
            )
    except NoSuchTableError as error:
        raise _no_table(op, connection) from error
    for name in op.types:
        if name not in typed:
            raise no_column(table, name)
    return table


def no_column(table: Any, name: str) -> DataStepRefused:
    """The refusal of a column that a table does not have."""
    return DataStepRefused(
        f"table `{table.fullname}` has no column `{name}` at this revision",
        why=f"it has {_listed([column.name for column in table.columns], name)}",
        do="name a column that is there when this revision runs: earlier ones have been applied, later ones have not",
        table=table.fullname,
        column=name,
    )


def _no_table(op: ReadTableOp, connection: Connection) -> DataStepRefused:
    where = f"schema `{op.schema}`" if op.schema else "the database"
    names = inspect(connection).get_table_names(schema=op.schema)
    return DataStepRefused(
        f"there is no table `{op.name}` at this revision",
        why=f"{where} has {_listed(names, op.table_name)}",
        do="name a table that is there when this revision runs: earlier ones have been applied, later ones have not",
        table=op.name,
    )


def _listed(names: list[str], wanted: str) -> str:
    """The names, those that are most like the wanted one first."""
    if not names:
        return "none"
    close = difflib.get_close_matches(wanted, names, n=SHOWN_NAMES)
    ordered = [*close, *sorted(set(names) - set(close))]
    more = ", …" if len(ordered) > SHOWN_NAMES else ""
    return ", ".join(ordered[:SHOWN_NAMES]) + more


def _statement(table: str) -> str:
    return f'op.execute("UPDATE {table} SET …")'
