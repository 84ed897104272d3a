"""Foreign keys that cannot stand where Alembic puts them: made after both tables, away while a type changes."""

from collections.abc import Collection, Iterator
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import ForeignKeyConstraint

from oppmigrate.autogenerate.key_indexes import arrange_key_indexes
from oppmigrate.autogenerate.words import flatten
from oppmigrate.databases import Database

Place = tuple[str | None, str, str]  # schema, table, column
Table = tuple[str | None, str]


def arrange_foreign_keys(
    container: ops.OpContainer, context: AutogenContext, database: Database, retyped: Collection[Place]
) -> None:
    """Drop foreign keys before all else, and make them after it, where they would be in the way; in place.

    Args:
        retyped: columns that get a type with which they cannot stay in a foreign key.
    """
    if database.rebuilds_tables:  # there, a key is words in a table's definition
        return
    if database.indexes_foreign_keys:
        arrange_key_indexes(container, context, database)
    gone = {(op.schema, op.table_name) for op in container.ops if isinstance(op, ops.DropTableOp)}
    drops = [*_keys_of_dropped(container), *_moved(container, ops.DropConstraintOp, retyped, gone)]
    creates = [*_moved(container, ops.CreateForeignKeyOp, retyped), *_keys_to_later_tables(container, retyped)]
    for key in _keys_in_the_way(container, context, retyped, drops):
        drops.append(_drop(key))
        creates.append(key)
    container.ops[:] = [*map(_alone, drops), *container.ops, *map(_alone, creates)]


def _alone(op: Any) -> ops.ModifyTableOps:
    creates = isinstance(op, ops.CreateForeignKeyOp)
    table, schema = (op.source_table, op.kw.get("source_schema")) if creates else (op.table_name, op.schema)
    return ops.ModifyTableOps(table, [op], schema=schema)


# ---- tables that refer to each other


def _keys_to_later_tables(container: ops.OpContainer, retyped: Collection[Place]) -> Iterator[ops.CreateForeignKeyOp]:
    """Taken out of new tables: keys to a table that is made later, or to a column that gets its type later."""
    to_come = [(op.schema, op.table_name) for op in container.ops if isinstance(op, ops.CreateTableOp)]
    for op in container.ops:
        if isinstance(op, ops.CreateTableOp):
            to_come.remove((op.schema, op.table_name))
            yield from _taken_out(op, op.table_name, op.schema, to_come, retyped)


def _keys_of_dropped(container: ops.OpContainer) -> Iterator[ops.DropConstraintOp]:
    """Taken out of tables that go: keys to a table that goes before them."""
    gone: list[Table] = []
    for op in container.ops:
        if isinstance(op, ops.DropTableOp):
            if op._reverse is not None:
                yield from map(_drop, _taken_out(op._reverse, op.table_name, op.schema, gone, ()))
            gone.append((op.schema, op.table_name))


def _taken_out(
    table: ops.CreateTableOp, name: str, schema: str | None, absent: Collection[Table], retyped: Collection[Place]
) -> Iterator[ops.CreateForeignKeyOp]:
    for item in list(table.columns):
        if not isinstance(item, ForeignKeyConstraint):
            continue
        key = _operation_of(item, name, schema)
        there = key.kw.get("referent_schema"), key.referent_table
        if there == (schema, name) or not (
            there in absent or any((*there, each) in retyped for each in key.remote_cols)
        ):
            continue
        table.columns = [each for each in table.columns if each is not item]
        key.constraint_name = key.constraint_name or f"{name}_{'_'.join(key.local_cols)}_fkey"
        yield key


# ---- columns that get another type


def _moved(
    container: ops.OpContainer, kind: type[Any], retyped: Collection[Place], gone: Collection[Table] = ()
) -> list[Any]:
    """Take the operations of a kind on foreign keys of such columns, or to tables that go, out of their places."""
    found = []
    for table in container.ops:
        if isinstance(table, ops.ModifyTableOps):
            taken = [op for op in table.ops if isinstance(op, kind) and _is_in_the_way(op, retyped, gone)]
            table.ops = [op for op in table.ops if op not in taken]
            found += taken
    container.ops[:] = [op for op in container.ops if not isinstance(op, ops.ModifyTableOps) or op.ops]
    return found


def _is_in_the_way(op: Any, retyped: Collection[Place], gone: Collection[Table]) -> bool:
    key = op._reverse if isinstance(op, ops.DropConstraintOp) else op
    if not isinstance(key, ops.CreateForeignKeyOp):
        return False
    there = key.kw.get("referent_schema"), key.referent_table
    return there in gone or any(place in retyped for place in _places(key))


def _places(key: ops.CreateForeignKeyOp) -> Iterator[Place]:
    """Both ends."""
    yield from ((key.kw.get("source_schema"), key.source_table, name) for name in key.local_cols)
    yield from ((key.kw.get("referent_schema"), key.referent_table, name) for name in key.remote_cols)


def _keys_in_the_way(
    container: ops.OpContainer,
    context: AutogenContext,
    retyped: Collection[Place],
    dropped: Collection[ops.DropConstraintOp],
) -> Iterator[ops.CreateForeignKeyOp]:
    """The database's foreign keys of such columns that no operation drops."""
    tables = {(op.schema, op.table_name) for op in flatten(container.ops) if isinstance(op, ops.DropTableOp)}
    names = {(op.schema, op.table_name, op.constraint_name) for op in dropped}
    for schema in {None, *(schema for schema, _table, _column in retyped)} if retyped else ():
        for (_schema, table), keys in context.inspector.get_multi_foreign_keys(schema=schema).items():
            for found in keys:
                key = _operation(table, schema, found)
                ends = {(key.kw.get(f"{end}_schema"), name) for end, name in _ends(key)}
                if (schema, table, key.constraint_name) in names or ends & tables:
                    continue
                if any(place in retyped for place in _places(key)):
                    yield key


def _ends(key: ops.CreateForeignKeyOp) -> tuple[tuple[str, str], ...]:
    return ("source", key.source_table), ("referent", key.referent_table)


def _operation(table: str, schema: str | None, found: Any) -> ops.CreateForeignKeyOp:
    options = {name: value for name, value in (found.get("options") or {}).items() if value is not None}
    return ops.CreateForeignKeyOp(
        found["name"],
        table,
        found["referred_table"],
        list(found["constrained_columns"]),
        list(found["referred_columns"]),
        source_schema=schema,
        referent_schema=found["referred_schema"],
        **options,
    )


def _operation_of(key: ForeignKeyConstraint, table: str, schema: str | None) -> ops.CreateForeignKeyOp:
    """Read from its words: the table referred to need not be at hand."""
    *there, referred = key.elements[0].target_fullname.split(".")[:-1]
    options = {
        name: getattr(key, name)
        for name in ("onupdate", "ondelete", "initially", "deferrable", "match")
        if getattr(key, name)
    }
    return ops.CreateForeignKeyOp(
        str(key.name) if key.name is not None else None,
        table,
        referred,
        list(key.column_keys),
        [element.target_fullname.rpartition(".")[2] for element in key.elements],
        source_schema=schema,
        referent_schema=".".join(there) or None,
        **options,
        **key.dialect_kwargs,
    )


def _drop(key: ops.CreateForeignKeyOp) -> ops.DropConstraintOp:
    return ops.DropConstraintOp(
        key.constraint_name, key.source_table, "foreignkey", schema=key.kw.get("source_schema"), _reverse=key
    )
