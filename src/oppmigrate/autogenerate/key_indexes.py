"""Indexes that foreign keys lean on, where the server asks for one: made before another goes, and gone with the key."""

from collections.abc import Iterator, Sequence
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.sql.elements import conv

from oppmigrate.autogenerate.restating import RestateOp
from oppmigrate.databases import Database
from oppmigrate.databases.indexes import IndexDefinition
from oppmigrate.databases.rows import TableName

_MAKES = (ops.CreateIndexOp, ops.CreateUniqueConstraintOp)


def arrange_key_indexes(container: ops.OpContainer, context: AutogenContext, database: Database) -> None:
    """Say which index comes and goes with a key, and let no key be without one in between; in place."""
    assert context.connection is not None
    models = {(table.schema, table.name): table for table in context.sorted_tables}
    new = {(op.schema, op.table_name) for op in container.ops if isinstance(op, ops.CreateTableOp)}
    drops_if_there = database.drops_index_if_there(context.connection)
    for change in container.ops:
        if not isinstance(change, ops.ModifyTableOps) or (change.schema, change.table_name) in new:
            continue
        model = models.get((change.schema, change.table_name))
        stored: Sequence[IndexDefinition] | None = None
        if any(isinstance(op, (RestateOp, *_MAKES)) or _drops_index(op) or _dropped_key(op) for op in change.ops):
            stored = database.read_indexes(context.connection, TableName(change.table_name, change.schema))
        _say_indexes(change, model, stored or (), drops_if_there)
        _drop_late(change)
        if model is None or stored is None:
            continue
        for name, columns in _staying_keys(change, context):
            _make_missing(change, model, stored, name, columns)
            if drops_if_there:
                _drop_replaced(change, model, stored, name, columns)


def _say_indexes(
    change: ops.ModifyTableOps, model: Table | None, stored: Sequence[IndexDefinition], drops_if_there: bool
) -> None:
    """Make and drop by name the index that a server would make for a key, and would leave behind when the key goes.

    Another index that is made before the key goes may have taken its place.
    """
    if_there = True if drops_if_there and any(isinstance(op, _MAKES) for op in change.ops) else None
    made = {op.constraint_name for op in change.ops if isinstance(op, ops.CreateForeignKeyOp)}
    gone = {op.constraint_name for op in change.ops if _dropped_key(op) and isinstance(op, ops.DropConstraintOp)}
    kept = {each.name for each in model.indexes} if model is not None else set()
    left = {each.name for each in stored} - made - kept
    arranged: list[ops.MigrateOperation] = []
    for op in change.ops:
        new = op if isinstance(op, ops.CreateForeignKeyOp) and op.constraint_name not in gone else None
        if new is not None and model is not None and not any(_serving(model, new.local_cols)):
            arranged += _index_of(new)
        arranged.append(op)
        dropped = _dropped_key(op)
        if dropped is not None and dropped.constraint_name in left:
            arranged += [_drop_of(index, if_there) for index in _index_of(dropped)]
    change.ops = arranged


def _drop_late(change: ops.ModifyTableOps) -> None:
    """Let indexes go behind the keys that lean on them, and behind others that are made in their place.

    The inverse makes the old ones before the new ones go. What the server made for a key goes right behind that: it
    goes by itself when another index takes its place.
    """
    keys = {op.constraint_name for op in change.ops if _dropped_key(op) and isinstance(op, ops.DropConstraintOp)}
    gone = _names(filter(_drops_index, change.ops))
    waited_for = [op for op in change.ops if _dropped_key(op) or (isinstance(op, _MAKES) and not gone & _names([op]))]
    held: list[ops.MigrateOperation] = []
    arranged: list[ops.MigrateOperation] = []
    for op in change.ops:
        if _drops_index(op) and waited_for and not keys & _names([op]):
            held.append(op)
            continue
        # held no longer where their column goes, or another of the same name is made
        if isinstance(op, ops.DropColumnOp) or (isinstance(op, _MAKES) and gone & _names([op])):
            arranged += held
            held = []
        arranged.append(op)
        waited_for = [each for each in waited_for if each is not op]
        if not waited_for:
            arranged += held
            held = []
    change.ops = arranged


def _staying_keys(change: ops.ModifyTableOps, context: AutogenContext) -> Iterator[tuple[str, list[str]]]:
    """The keys that the table has and keeps, under the names that the database has for them, and their columns."""
    dropped = {op.constraint_name for op in change.ops if _dropped_key(op) and isinstance(op, ops.DropConstraintOp)}
    for key in context.inspector.get_foreign_keys(change.table_name, schema=change.schema):
        if key["name"] not in dropped:
            yield str(key["name"]), list(key["constrained_columns"])


def _make_missing(
    change: ops.ModifyTableOps, model: Table, stored: Sequence[IndexDefinition], name: str, columns: list[str]
) -> None:
    """Make the index of a key that would be left without one, for good or until a new one of the same name is there."""
    gone = _names(filter(_drops_index, change.ops))
    serving = set(_serving(model, columns))
    staying = (each for each in stored if each.name not in gone)
    if serving - gone or any([part.sql for part in each.parts][: len(columns)] == columns for each in staying):
        return
    index = ops.CreateIndexOp(conv(name), change.table_name, columns, schema=change.schema)
    change.ops.insert(0, index)
    if serving:
        change.ops.append(index.reverse())


def _drop_replaced(
    change: ops.ModifyTableOps, model: Table, stored: Sequence[IndexDefinition], name: str, columns: list[str]
) -> None:
    """Drop the index that the server made for a key, behind one that takes its place.

    The server does so by itself, but does not make it again when the other one goes: the inverse does.
    """
    serving = set(_serving(model, columns))
    is_own = name in {each.name for each in stored} and name not in {each.name for each in model.indexes}
    if not is_own or name in _names(filter(_drops_index, change.ops)):
        return
    for at, op in enumerate(change.ops):
        if serving & _names([op]) if isinstance(op, _MAKES) else isinstance(op, RestateOp) and None in serving:
            index = ops.CreateIndexOp(conv(name), change.table_name, columns, schema=change.schema)
            change.ops.insert(at + 1, _drop_of(index, True))
            return


def _drop_of(index: ops.CreateIndexOp, if_there: bool | None) -> ops.DropIndexOp:
    name = conv(str(index.index_name))
    return ops.DropIndexOp(name, index.table_name, schema=index.schema, if_exists=if_there, _reverse=index)


def _serving(model: Table, columns: Sequence[str]) -> Iterator[str | None]:
    """The names of the model's own indexes that begin with the columns; of its primary key, None."""
    keys = [each for each in model.constraints if isinstance(each, PrimaryKeyConstraint | UniqueConstraint)]
    found: list[tuple[Any, list[Any]]] = [
        (None if isinstance(key, PrimaryKeyConstraint) else key.name, [column.name for column in key.columns])
        for key in keys
    ]
    found += [(index.name, [getattr(part, "name", None) for part in index.expressions]) for index in model.indexes]
    return (name for name, names in found if names[: len(columns)] == list(columns))


def _names(operations: Any) -> set[Any]:
    """Those of the indexes, or of the constraints behind which they stand."""
    return {getattr(op, "index_name", None) or getattr(op, "constraint_name", None) for op in operations}


def _drops_index(op: ops.MigrateOperation) -> bool:
    is_unique = isinstance(op, ops.DropConstraintOp) and isinstance(op._reverse, ops.CreateUniqueConstraintOp)
    return is_unique or isinstance(op, ops.DropIndexOp)


def _dropped_key(op: ops.MigrateOperation) -> ops.CreateForeignKeyOp | None:
    inverse = op._reverse if isinstance(op, ops.DropConstraintOp) else None
    return inverse if isinstance(inverse, ops.CreateForeignKeyOp) else None


def _index_of(key: ops.CreateForeignKeyOp) -> list[ops.CreateIndexOp]:
    """The index that bears the key's name; none for a key without one."""
    if not key.constraint_name:
        return []
    name = conv(str(key.constraint_name))
    return [ops.CreateIndexOp(name, key.source_table, list(key.local_cols), schema=key.kw.get("source_schema"))]
