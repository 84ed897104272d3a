"""Columns that were compared once and need not be again: the same facts on both sides have the same outcome.

Of a thousand tables, hundreds of columns are the same text beside the same String. Alembic's own comparators say what
comes of such a pair, on one of them; nothing of it outlives the comparison.
"""

import warnings
from collections.abc import Collection, Hashable, Mapping
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import ARRAY, Column, DefaultClause, Enum, Identity, MetaData, Table, inspect, text
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from oppmigrate.autogenerate.counting import counts_otherwise
from oppmigrate.databases import Database
from oppmigrate.databases.facts import TableFacts

Pair = tuple[Hashable, Hashable]
Place = tuple[str | None, str]  # schema, table; the default schema is None
GENERIC = ("sqlalchemy.sql.sqltypes", "sqlmodel.sql.sqltypes")  # whose keys say all of their types


class ColumnPairs:
    """The pairs of one comparison, by the facts of both sides."""

    def __init__(self, context: AutogenContext, database: Database) -> None:
        assert context.connection is not None
        self._context = context
        self._connection = context.connection
        self._database = database
        self._types: dict[int, Hashable] = {}

    def of_table(self, facts: TableFacts, table: Table) -> dict[str, Pair]:
        """The pairs of a table that has the same columns on both sides, by their names."""
        counting = table.autoincrement_column
        keys = facts.primary_key
        return {
            column.name: (
                (facts.columns[column.name], column.name in keys, len(keys)),
                self._modelled(column, column is counting),
            )
            for column in table.columns
        }

    def _modelled(self, column: Column[Any], is_counting: bool) -> Hashable:
        type_ = column.type
        key = self._types.get(id(type_))
        if key is None:
            key = self._types[id(type_)] = self._type_key(type_)
        default = None if column.server_default is None else self._default_key(column.server_default)
        return key, column.nullable, column.primary_key, is_counting, column.autoincrement, default, column.comment

    def _type_key(self, type_: TypeEngine[Any]) -> Hashable:
        """The same for two types that are written and compared alike; one's own where that is not known."""
        if type_._variant_mapping:
            return id(type_)
        if type(type_) is Enum:
            name = (type_.name, type_.schema) if self._database.has_named_enums or type_.create_constraint else ()
            return (Enum, *type_.enums, name, type_.native_enum, type_.create_constraint, type_.length, type_.collation)
        if isinstance(type_, TypeDecorator):
            is_generic = type_.cache_ok is True and not isinstance(type_.impl, Enum | ARRAY)
        else:
            is_generic = type(type_).__module__ in GENERIC and not isinstance(type_, Enum | ARRAY)
        return (_words(type_) if is_generic else None) or id(type_)

    def _default_key(self, default: Any) -> Hashable:
        if isinstance(default, Identity):
            return tuple(sorted((name, repr(value)) for name, value in default._as_dict().items()))
        argument = default.arg if isinstance(default, DefaultClause) else None
        if isinstance(argument, str):
            return argument
        if isinstance(argument, TextClause) and not argument._bindparams:
            return "text", argument.text
        if isinstance(argument, FunctionElement) and not len(argument.clauses):
            return "function", type(argument), getattr(argument, "name", None)
        return "only", id(default)

    def unchanged(self, tables: Mapping[Place, tuple[Table, dict[str, Pair]]]) -> set[Pair]:
        """The pairs that Alembic finds nothing to change about."""
        examples: dict[Pair, tuple[Place, str]] = {}
        for place, (_, pairs) in tables.items():
            for name, pair in pairs.items():
                if pair not in examples:
                    examples[pair] = place, name
        reflected = self._read({place for place, _ in examples.values()})
        found = set()
        for pair, (place, name) in examples.items():
            stored, modelled = reflected.get((place, name)), tables[place][0].c[name]
            if stored is not None and self._is_same(place, self._as_column(place, stored, pair), modelled):
                found.add(pair)
        return found

    def _read(self, places: Collection[Place]) -> dict[tuple[Place, str], Any]:
        """The columns of these tables, as SQLAlchemy reads them for Alembic."""
        found: dict[tuple[Place, str], Any] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # told when the table itself is compared
            for schema in {schema for schema, _ in places}:
                names = [name for of, name in places if of == schema]
                tables = inspect(self._connection).get_multi_columns(schema=schema, filter_names=names)
                for (_, table), columns in tables.items():
                    found |= {((schema, table), column["name"]): column for column in columns}
        return found

    def _as_column(self, place: Place, reflected: Any, pair: Pair) -> Column[Any]:
        """As `Inspector.reflect_table` makes it."""
        stored: Any = pair[0]
        is_key, keys = stored[1:]
        table = Table(place[1], MetaData(), schema=place[0])
        reflected = {**reflected}
        impl: Any = self._context.migration_context.impl
        impl.autogen_column_reflect(inspect(self._connection), table, reflected)
        words = {name: reflected[name] for name in ("nullable", "autoincrement", "comment") if name in reflected}
        default: Any = None
        if "identity" in reflected:
            default = Identity(**reflected["identity"])
        elif reflected.get("default") is not None:
            default = DefaultClause(text(reflected["default"]), _reflected=True)
        column = Column(reflected["name"], reflected["type"], default, primary_key=is_key, **words)
        others = (
            Column(f"key {number}", NullType(), primary_key=True) for number in range(1, keys if is_key else keys + 1)
        )
        for each in (column, *others):
            table.append_column(each)
        return column

    def _is_same(self, place: Place, stored: Column[Any], modelled: Column[Any]) -> bool:
        if isinstance(stored.type, NullType) or isinstance(modelled.type, NullType):
            return False
        if counts_otherwise(self._context, self._database, stored, modelled):
            return False
        schema, table = place
        operation = ops.AlterColumnOp(table, modelled.name, schema=schema)
        assert self._context.dialect is not None
        compare = self._context.comparators.dispatch("column", qualifier=self._context.dialect.name)
        compare(self._context, operation, schema, table, modelled.name, stored, modelled)
        return not operation.has_changes()


def _words(type_: TypeEngine[Any]) -> tuple[Hashable, ...] | None:
    """What a type was made with, and is made of; None where that cannot be looked up.

    SQLAlchemy's own `_static_cache_key` leaves out the type that a decorator wraps, and with it the length of
    SQLModel's `AutoString`; it also asks each time anew what the class can be made with.
    """
    words = [
        (name, _words(value) if isinstance(value, TypeEngine) else value)
        for name, value in vars(type_).items()
        if value is not None and name != "dispatch" and not name.startswith("_")
    ]
    key = (type(type_), *words)
    try:
        hash(key)
    except TypeError:
        return None
    return None if any(value is None for _, value in words) else key
