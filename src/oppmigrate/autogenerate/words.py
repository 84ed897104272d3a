"""Alembic's operations in words, for `create`, `check`, `show` and the plan."""

from collections.abc import Callable, Iterable
from typing import Any

from alembic.operations import ops
from sqlalchemy import ARRAY, Column, Enum
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeEngine

from oppmigrate.autogenerate.entities import is_about_entity, summary_of_entity
from oppmigrate.databases.statements import read_statements
from oppmigrate.results import Change

# longest piece of raw SQL that is shown, in characters
SQL_WIDTH = 90


def describe_all(operations: Iterable[ops.MigrateOperation]) -> tuple[Change, ...]:
    """Every operation in words, those of `batch_alter_table` and other containers one by one."""
    return tuple(describe(operation) for operation in flatten(operations))


def flatten(operations: Iterable[ops.MigrateOperation]) -> Iterable[ops.MigrateOperation]:
    """The single operations of nested containers, in order."""
    for operation in operations:
        if isinstance(operation, ops.OpContainer):
            yield from flatten(operation.ops)
        else:
            yield operation


def describe(operation: Any) -> Change:
    """One operation in words. An operation that a plugin brings is named by its class."""
    for kind, describer in _DESCRIBERS.items():
        if isinstance(operation, kind):
            return describer(operation)
    table = getattr(operation, "table_name", None)
    if hasattr(operation, "summary"):  # one of ours says it itself
        return Change(table, operation.summary)
    if is_about_entity(operation):
        return Change(None, summary_of_entity(operation))
    name = type(operation).__name__.removesuffix("Op")
    spaced = "".join(" " + c.lower() if c.isupper() else c for c in name).strip()
    return Change(table, f"{spaced} {table}" if table else spaced)


def _create_table(op: ops.CreateTableOp) -> Change:
    columns = [item for item in op.columns if isinstance(item, Column)]
    return Change(_table(op), f"create table {_table(op)} ({_count(len(columns), 'column')})")


def _drop_table(op: ops.DropTableOp) -> Change:
    return Change(_table(op), f"drop table {_table(op)}", loses_data=True)


def _rename_table(op: ops.RenameTableOp) -> Change:
    return Change(_table(op), f"rename table {_table(op)} to {op.new_table_name}")


def _add_column(op: ops.AddColumnOp) -> Change:
    return Change(_table(op), f"add column {_table(op)}.{op.column.name} ({_column(op.column)})")


def _drop_column(op: ops.DropColumnOp) -> Change:
    return Change(_table(op), f"drop column {_table(op)}.{op.column_name}", loses_data=True)


def _alter_column(op: ops.AlterColumnOp) -> Change:
    parts = []
    if op.modify_name is not None:
        parts.append(f"rename to {op.modify_name}")
    if op.modify_type is not None:
        before = f"{type_words(op.existing_type)} " if op.existing_type is not None else ""
        parts.append(f"type {before}-> {type_words(op.modify_type)}")
    if op.modify_nullable is not None:
        parts.append("NOT NULL -> nullable" if op.modify_nullable else "nullable -> NOT NULL")
    if op.modify_server_default is not False:
        before, after = _default(op.existing_server_default), _default(op.modify_server_default)
        parts.append(f"default {before} -> {after}")
    if op.modify_comment is not False:
        parts.append(f"comment {op.modify_comment!r}" if op.modify_comment else "no comment")
    if op.kw.get("autoincrement") is not None and not (op.modify_name and not parts[1:]):  # a rename says it again
        parts.append(f"autoincrement {op.kw['autoincrement']}")
    return Change(_table(op), f"alter column {_table(op)}.{op.column_name}: {', '.join(parts) or 'no change'}")


def _create_index(op: ops.CreateIndexOp) -> Change:
    columns = ", ".join(str(getattr(column, "name", column)) for column in op.columns)
    unique = "unique index" if op.unique else "index"
    return Change(_table(op), f"create {unique} {op.index_name} on {_table(op)} ({columns})")


def _drop_index(op: ops.DropIndexOp) -> Change:
    if op.table_name is None:
        return Change(None, f"drop index {op.index_name}")
    return Change(_table(op), f"drop index {op.index_name} on {_table(op)}")


def _create_foreign_key(op: ops.CreateForeignKeyOp) -> Change:
    table = qualified(op.kw.get("source_schema"), op.source_table)
    there = qualified(op.kw.get("referent_schema"), op.referent_table) + _in_brackets(op.remote_cols)
    return Change(table, f"add foreign key{_named(op)} on {table}{_in_brackets(op.local_cols)} -> {there}")


def _add_constraint(op: Any) -> Change:
    kind = _KINDS.get(op.constraint_type, f"{op.constraint_type} constraint")
    if isinstance(op, ops.CreateCheckConstraintOp):
        detail = f": {op.condition}"
    else:
        detail = _in_brackets(getattr(op, "columns", None))
    return Change(_table(op), f"add {kind}{_named(op)} on {_table(op)}{detail}")


def _drop_constraint(op: ops.DropConstraintOp) -> Change:
    kind = _KINDS.get(op.constraint_type or "", "constraint")
    return Change(_table(op), f"drop {kind} {op.constraint_name or '(unnamed)'} on {_table(op)}")


def _execute(op: ops.ExecuteSQLOp) -> Change:
    sql = _sql(op.sqltext)
    text = " ".join(sql.split())
    loses_data = any(each.loses_data for each in read_statements(sql))
    return Change(None, f"run SQL: {text if len(text) <= SQL_WIDTH else text[: SQL_WIDTH - 1] + '…'}", loses_data)


def _sql(sql: Any) -> str:
    """The text of a statement, with its values in it where they can be written."""
    if isinstance(sql, str):
        return sql
    for options in ({"literal_binds": True}, {}):
        try:
            return str(sql.compile(compile_kwargs=options))
        except (AttributeError, SQLAlchemyError, NotImplementedError):  # a value, or a dialect's own, that has no form
            continue
    return f"{type(sql).__name__} {getattr(getattr(sql, 'element', None), 'name', '')}".rstrip()


def _bulk_insert(op: ops.BulkInsertOp) -> Change:
    table = qualified(op.table.schema, op.table.name)
    return Change(table, f"insert {_count(len(op.rows), 'row')} into {table}")


def _table_comment(op: Any) -> Change:
    comment = getattr(op, "comment", None)
    return Change(
        _table(op), f"comment on table {_table(op)}: {comment!r}" if comment else f"no comment on table {_table(op)}"
    )


# in the order of looking: the more special class first
_DESCRIBERS: dict[type, Callable[[Any], Change]] = {
    ops.CreateTableOp: _create_table,
    ops.DropTableOp: _drop_table,
    ops.RenameTableOp: _rename_table,
    ops.AddColumnOp: _add_column,
    ops.DropColumnOp: _drop_column,
    ops.AlterColumnOp: _alter_column,
    ops.CreateIndexOp: _create_index,
    ops.DropIndexOp: _drop_index,
    ops.CreateForeignKeyOp: _create_foreign_key,
    ops.AddConstraintOp: _add_constraint,
    ops.DropConstraintOp: _drop_constraint,
    ops.CreateTableCommentOp: _table_comment,
    ops.DropTableCommentOp: _table_comment,
    ops.ExecuteSQLOp: _execute,
    ops.BulkInsertOp: _bulk_insert,
}


# Alembic's words for the kinds of constraints, those of its `add` and those of its `drop`
_KINDS = {
    "foreignkey": "foreign key",
    "unique": "unique constraint",
    "check": "check",
    "primarykey": "primary key",
    "primary": "primary key",
}


def _table(op: Any) -> str:
    return qualified(getattr(op, "schema", None), op.table_name)


def qualified(schema: str | None, name: str | None) -> str:
    """A table's name with its schema, where it has one."""
    return f"{schema}.{name}" if schema else str(name)


def _named(op: Any) -> str:
    return f" {op.constraint_name}" if op.constraint_name else ""


def _column(column: Column[Any]) -> str:
    parts = [type_words(column.type)]
    if not column.nullable:
        parts.append("NOT NULL")
    if column.server_default is not None:
        parts.append(_generation(column) or f"default {_default(column.server_default)}")
    if column.primary_key:
        parts.append("primary key")
    return ", ".join(parts + [f"-> {each.target_fullname}" for each in column.foreign_keys])


def _generation(column: Column[Any]) -> str:
    if column.computed is not None:
        return f"computed {column.computed.sqltext}"
    return "identity" if column.identity is not None else ""


def type_words(type_: TypeEngine[Any] | None) -> str:
    """A type as people read it, such as `VARCHAR(40)`."""
    if isinstance(type_, ARRAY):
        return f"{type_words(type_.item_type)}[]"
    if isinstance(type_, Enum):
        return f"enum of {', '.join(type_.enums)}"  # as a text it would be known by its length only
    try:
        unsigned = " UNSIGNED" if getattr(type_, "unsigned", False) else ""
        return f"{str(type_).removesuffix(unsigned)}{unsigned}"
    except SQLAlchemyError:  # a dialect's own type, which the generic compiler cannot write
        return repr(type_)


def _default(default: Any) -> str:
    if default is None or default is False:
        return "none"
    argument = getattr(default, "arg", getattr(default, "sqltext", default))
    return str(getattr(argument, "text", argument))


def _in_brackets(columns: Any) -> str:
    names = [str(getattr(column, "name", column)) for column in columns or ()]
    return f" ({', '.join(names)})" if names else ""


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
