"""What an operation does to what the database holds: which tables, and whether rows or values are at stake."""

from dataclasses import dataclass
from typing import Any

from alembic.operations import ops
from sqlalchemy import DDL, Computed, DefaultClause, Delete, TextClause, UpdateBase
from sqlalchemy import types as sqltypes
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.ddl import CreateTable, DropTable
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import TypeEngine

from oppmigrate.autogenerate.backfilling import BackfillOp
from oppmigrate.autogenerate.words import qualified
from oppmigrate.data.reading import ReadTableOp
from oppmigrate.databases.statements import read_statements


@dataclass(frozen=True, slots=True)
class Effect:
    """What one operation does.

    Args:
        tables: those that it touches, with their schema where it names one.
        changes_rows: it writes rows that are there, or adds some; also where that cannot be told.
        rewrites: where a server alters a table by rebuilding it, this does.
        drops: something that was made before goes.
        loses_data: values go that a downgrade does not bring back.
        converts: values are turned into another type, or cut.
        defines: it is a definition (DDL), which some servers commit by itself.
    """

    tables: tuple[str, ...] = ()
    changes_rows: bool = False
    rewrites: bool = False
    drops: bool = False
    loses_data: bool = False
    converts: bool = False
    defines: bool = True


def effect_of(operation: Any) -> Effect:
    """The effect of an operation; of one that a plugin brings, whatever can be said for certain: that it may be any."""
    tables = tables_of(operation)
    match operation:
        case ops.ExecuteSQLOp():
            return _effect_of_sql(operation.sqltext)
        case ops.BulkInsertOp() | BackfillOp() | ReadTableOp():
            return Effect(tables, changes_rows=True, defines=False)
        case ops.DropTableOp() | ops.DropColumnOp():
            return Effect(tables, rewrites=True, drops=True, loses_data=True)
        case ops.DropIndexOp():
            return Effect(tables, drops=True)
        case ops.DropConstraintOp():
            return Effect(tables, rewrites=True, drops=True)
        case ops.CreateIndexOp() | ops.CreateTableOp() | ops.RenameTableOp():
            return Effect(tables)
        case ops.AddConstraintOp():
            return Effect(tables, rewrites=True)
        case ops.AddColumnOp():
            return Effect(tables, rewrites=_is_computed(operation.column.server_default))
        case ops.AlterColumnOp():
            return Effect(tables, rewrites=not _only_renames(operation), converts=_converts(operation))
        case ops.CreateTableCommentOp() | ops.DropTableCommentOp():
            return Effect(tables)
    return Effect(tables, changes_rows=True)


def tables_of(operation: Any) -> tuple[str, ...]:
    """The qualified names of the tables that an operation names."""
    schema = getattr(operation, "schema", None)
    if isinstance(operation, ops.BulkInsertOp):
        return (qualified(operation.table.schema, operation.table.name),)
    if isinstance(operation, ops.CreateForeignKeyOp):
        there = qualified(operation.kw.get("referent_schema"), operation.referent_table)
        return tuple(dict.fromkeys((qualified(operation.kw.get("source_schema"), operation.source_table), there)))
    names = [getattr(operation, "table_name", None)]
    if isinstance(operation, ops.RenameTableOp):
        names.append(operation.new_table_name)
    return tuple(qualified(schema, name) for name in names if name)


def _effect_of_sql(sql: Any) -> Effect:
    if isinstance(sql, str):
        return _effect_of_text(sql)
    if isinstance(sql, TextClause):
        return _effect_of_text(sql.text)
    if isinstance(sql, DDL):
        return _effect_of_text(str(sql.statement))
    if isinstance(sql, UpdateBase):
        table: Any = getattr(sql, "table", None)
        named = (qualified(getattr(table, "schema", None), table.name),) if hasattr(table, "name") else ()
        return Effect(named, changes_rows=True, loses_data=isinstance(sql, Delete), defines=False)
    if isinstance(sql, ExecutableDDLElement):
        return _effect_of_definition(sql)
    return Effect(changes_rows=True, defines=False)


def _effect_of_text(text: str) -> Effect:
    """What each of its statements does; a query is run for what the functions in it do, which may be anything."""
    statements = read_statements(text)
    changing = [each.changes_rows or each.queries for each in statements]
    return Effect(
        tuple(dict.fromkeys(table for each in statements for table in each.tables)),
        changes_rows=any(changing),
        drops=any(each.drops for each in statements),
        loses_data=any(each.loses_data for each in statements),
        defines=not changing or not all(changing),
    )


def _effect_of_definition(ddl: ExecutableDDLElement) -> Effect:
    """SQLAlchemy's own: `CreateTable(table)`, an enum's type that is made or dropped."""
    drops = type(ddl).__name__.startswith("Drop")
    element: Any = getattr(ddl, "element", None)
    is_table = isinstance(ddl, CreateTable | DropTable)
    return Effect(
        (qualified(element.schema, element.name),) if is_table else (), drops=drops, loses_data=is_table and drops
    )


def _is_computed(default: Any) -> bool:
    """Is an added column's default one for which Alembic rebuilds a SQLite table?"""
    if isinstance(default, Computed):
        return bool(default.persisted)
    return isinstance(default, DefaultClause) and isinstance(default.arg, ClauseElement)


def _only_renames(op: ops.AlterColumnOp) -> bool:
    return (
        op.modify_type is None
        and op.modify_nullable is None
        and op.modify_server_default is False
        and op.modify_comment is False
        and op.kw.get("autoincrement") is None
    )


def _converts(op: ops.AlterColumnOp) -> bool:
    """May the new type change a value? Not if it is the same kind, and no narrower."""
    if op.modify_type is None:
        return False
    if op.existing_type is None:
        return True
    return not _holds_all_of(op.modify_type, op.existing_type)


def _holds_all_of(new: TypeEngine[Any], old: TypeEngine[Any]) -> bool:
    sizes = (sqltypes.SmallInteger, sqltypes.Integer, sqltypes.BigInteger)
    if isinstance(new, sqltypes.Integer) and isinstance(old, sqltypes.Integer):
        return _place(new, sizes) >= _place(old, sizes)
    if isinstance(new, sqltypes.Enum) or isinstance(old, sqltypes.Enum):
        return isinstance(new, sqltypes.Enum) and isinstance(old, sqltypes.Enum) and set(old.enums) <= set(new.enums)
    if isinstance(new, sqltypes.String) and isinstance(old, sqltypes.String):
        return new.length is None or (old.length is not None and new.length >= old.length)
    return type(new) is type(old) and repr(new) == repr(old)


def _place(type_: TypeEngine[Any], sizes: tuple[type, ...]) -> int:
    if isinstance(type_, sizes[2]):
        return 2
    return 0 if isinstance(type_, sizes[0]) else 1
