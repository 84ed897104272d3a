"""Indexes: those that the models have otherwise than the database, in whatever a CREATE INDEX statement can say.

Alembic compares the columns, and on PostgreSQL the expressions; it leaves out conditions, order, operator classes,
methods, prefixes, and on SQLite every index on an expression, also that of a new table.
"""

import warnings
from collections.abc import Callable, Collection
from typing import Any, cast

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import (
    _alembic_autogenerate_prefix,
    _render_gen_name,
    _render_potential_expr,
    _sqlalchemy_autogenerate_prefix,
)
from alembic.operations import ops
from sqlalchemy import Column, Connection, Dialect, Index, Table, UniqueConstraint
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.elements import ClauseElement, Label, conv
from sqlalchemy.sql.expression import text

from oppmigrate.autogenerate.written import as_sql, as_text, as_written
from oppmigrate.databases import Database
from oppmigrate.databases.expressions import plain
from oppmigrate.databases.indexes import DEFAULT_METHOD, IndexDefinition, IndexPart, read_definition
from oppmigrate.databases.rows import TableName


def compare_indexes(
    context: AutogenContext,
    database: Database,
    operations: ops.ModifyTableOps,
    conn_table: Table | None,
    metadata_table: Table | None,
    reflected: Collection[str | None],
) -> None:
    """Put right, in place, what Alembic has found about the table's indexes.

    Args:
        conn_table: None for a new table.
        metadata_table: None for one that goes.
        reflected: the names of the indexes that Alembic knows of.
    """
    place = TableName(operations.table_name, operations.schema)
    connection = context.connection
    assert connection is not None
    stored = database.read_indexes(connection, place) if conn_table is not None else ()
    if stored is None:
        return
    model = _model_indexes(context, metadata_table)
    uniques = _model_uniques(metadata_table)

    comparison = comparing(context, database, place)
    found = _Found(operations)
    for definition in stored:
        if conn_table is None or definition.name in uniques:
            continue
        old = _as_index(definition, conn_table, database, context.dialect)
        if definition.name not in model:
            is_known = definition.name in reflected
            if found.drops(definition.name) if is_known else _is_to_go(context, old, place):
                found.replace(definition.name, ops.DropIndexOp.from_index(old))
            continue
        new, new_definition = model.pop(definition.name)
        is_same = comparison.is_same(definition, new_definition)
        if is_same or not context.run_object_filters(new, definition.name, "index", False, old):
            found.replace(definition.name)
        else:
            found.replace(definition.name, ops.DropIndexOp.from_index(old), ops.CreateIndexOp.from_index(new))
    for name, (index, _) in model.items():
        if not found.creates(name) and context.run_object_filters(index, name, "index", False, None):
            found.replace(name, ops.CreateIndexOp.from_index(index))


def take_stored_indexes(table: Table, database: Database, connection: Connection) -> None:
    """Give a reflected table, in place of the indexes that SQLAlchemy has found, those that the database has."""
    stored = database.read_indexes(connection, TableName(table.name, table.schema))
    if stored is None:
        return
    constraints = _model_uniques(table)
    table.indexes.clear()
    for definition in stored:
        if definition.name not in constraints:
            _as_index(definition, table, database, connection.dialect)


def hide_untrue_warnings() -> None:
    """Keep SQLAlchemy and Alembic from saying what does not hold here.

    Indexes on expressions are compared, and keys of tables that refer to each other are made after both.
    """
    for message in (
        ".*unsupported reflection of expression-based index",
        ".*expression-based index.*can't be compared",
        "Cannot correctly sort tables",
    ):
        warnings.filterwarnings("ignore", message)


class _Found:
    """What was found about indexes, by their names; what replaces it stands where it stood."""

    def __init__(self, operations: ops.ModifyTableOps) -> None:
        self.operations = operations

    def creates(self, name: str) -> bool:
        return any(isinstance(op, ops.CreateIndexOp) for op in self._of(name))

    def drops(self, name: str) -> bool:
        return any(isinstance(op, ops.DropIndexOp) for op in self._of(name))

    def replace(self, name: str, *by: ops.MigrateOperation) -> None:
        stale = self._of(name)
        at = self.operations.ops.index(stale[0]) if stale else len(self.operations.ops)
        kept = [op for op in self.operations.ops if op not in stale]
        self.operations.ops[:] = [*kept[:at], *by, *kept[at:]]

    def _of(self, name: str) -> list[Any]:
        kinds = (ops.CreateIndexOp, ops.DropIndexOp)
        return [op for op in self.operations.ops if isinstance(op, kinds) and op.index_name == name]


def _is_to_go(context: AutogenContext, index: Index, place: TableName) -> bool:
    """Is an index to be dropped that Alembic has passed over, for all that the project's own filters say?"""
    parents: Any = {"table_name": place.name, "schema_name": place.schema}
    return context.run_name_filters(index.name, "index", parents) and context.run_object_filters(
        index, index.name, "index", True, None
    )


# ---- the models' indexes


def _model_indexes(context: AutogenContext, table: Table | None) -> dict[str, tuple[Index, IndexDefinition]]:
    """By the name that the database has for it."""
    found = {}
    for index in sorted(table.indexes, key=lambda each: str(each.name)) if table is not None else ():
        definition = read_definition(as_written(context, str(CreateIndex(index).compile(dialect=context.dialect))))
        assert definition is not None, index
        found[definition.name] = (index, definition)
    return found


def _model_uniques(table: Table | None) -> set[str]:
    """The names of the constraints, which MariaDB keeps as indexes."""
    constraints = table.constraints if table is not None else ()
    return {str(each.name) for each in constraints if isinstance(each, UniqueConstraint) and each.name}


# ---- which is the same


def comparing(context: AutogenContext, database: Database, place: TableName) -> "Comparison":
    """What tells whether two indexes on the table are the same."""
    connection = context.connection
    assert connection is not None

    def canonical(expression: str) -> str | None:
        return database.canonical(connection, place, expression)

    return Comparison(canonical, lambda name: database.is_default_class(connection, name))


class Comparison:
    """Two indexes are the same where the server would make the same of both."""

    def __init__(self, canonical: Callable[[str], str | None], is_default_class: Callable[[str], bool]) -> None:
        self.canonical = canonical
        self.is_default_class = is_default_class

    def is_same(self, stored: IndexDefinition, model: IndexDefinition) -> bool:
        return (
            stored.kind == model.kind
            and len(stored.parts) == len(model.parts)
            and (stored.method or DEFAULT_METHOD) == (model.method or DEFAULT_METHOD)
            and stored.include == model.include
            and dict(stored.options) == dict(model.options)
            and stored.nulls_not_distinct == model.nulls_not_distinct
            and self._says_same(stored.where, model.where)
            and all(map(self._is_same_part, stored.parts, model.parts))
        )

    def _is_same_part(self, stored: IndexPart, model: IndexPart) -> bool:
        if stored.is_column or model.is_column:
            same = stored.is_column == model.is_column and stored.sql.lower() == model.sql.lower()
        else:
            same = self._says_same(stored.sql, model.sql)
        return (
            same
            and (stored.collation or "").lower() == (model.collation or "").lower()
            and self._class(stored) == self._class(model)
            and stored.descending == model.descending
            and stored.nulls_come_first == model.nulls_come_first
            and stored.length == model.length
        )

    def _class(self, part: IndexPart) -> str | None:
        given = part.operator_class
        return None if given is None or self.is_default_class(given) else given

    def _says_same(self, one: str | None, other: str | None) -> bool:
        if one is None or other is None:
            return one is other
        if plain(one) == plain(other):
            return True
        mine = self.canonical(one)
        return mine is not None and mine == self.canonical(other)


# ---- what the database has, as SQLAlchemy states it


def _as_index(definition: IndexDefinition, table: Table, database: Database, dialect: Dialect) -> Index:
    """The index that makes the one that is there."""
    quote = dialect.identifier_preparer.quote
    plain_columns = {
        part: column for part in definition.parts if (column := table.c.get(part.sql)) is not None and part.is_plain
    }
    parts = [plain_columns.get(part, text(as_text(part.as_sql(quote)))) for part in definition.parts]
    arguments: dict[str, Any] = {
        f"{dialect.name}_{name}": text(as_text(value)) if name == "where" else value
        for name, value in database.index_arguments(definition, plain_columns).items()
    }
    # the name is the database's: no convention is to be put on it
    return Index(conv(definition.name), *parts, unique=definition.unique, _table=table, **arguments)


# ---- as text of a revision


@renderers.dispatch_for(ops.CreateIndexOp, replace=True)
def _render(context: AutogenContext, op: ops.CreateIndexOp) -> str:
    """As Alembic's own; but a percent sign and a colon in an expression are written as they will be read."""
    index = op.to_index()
    assert index.table is not None
    parts = ", ".join(_render_part(context, part) for part in index.expressions)
    name = _render_gen_name(context, index.name)
    table = "" if context._has_batch else f", {str(index.table.name)!r}"
    options = [f"unique={bool(index.unique)}"]
    if index.table.schema and not context._has_batch:
        options.append(f"schema={str(index.table.schema)!r}")
    options += [f"{key}={_render_option(context, value)}" for key, value in index.dialect_kwargs.items()]
    if op.if_not_exists is not None:
        options.append(f"if_not_exists={bool(op.if_not_exists)}")
    prefix = _alembic_autogenerate_prefix(context)
    return f"{prefix}create_index({name!r}{table}, [{parts}], {', '.join(options)})"


def _render_part(context: AutogenContext, part: Any) -> str:
    if isinstance(part, Column):
        return repr(str(part.name))
    # PostgreSQL wants most expressions in parentheses, and its Alembic knows which
    sql = as_written(context, cast(Any, context.migration_context.impl).render_ddl_sql_expr(part, is_index=True))
    element = f"{_sqlalchemy_autogenerate_prefix(context)}literal_column({sql!r})"
    return f"{element}.label({part.name!r})" if isinstance(part, Label) and type(part.name) is str else element


def _render_option(context: AutogenContext, value: Any) -> str:
    if isinstance(value, ClauseElement):  # a column is a condition as well: a boolean one
        return f"{_sqlalchemy_autogenerate_prefix(context)}text({as_text(as_sql(value, context))!r})"
    return _render_potential_expr(value, context)
