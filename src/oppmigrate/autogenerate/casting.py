"""Expressions that a person gave for the values of columns that get another type."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from alembic.operations import MigrateOperation, ops
from sqlalchemy import Dialect

from oppmigrate.autogenerate.retyping import RetypeColumnOp
from oppmigrate.autogenerate.words import flatten, qualified
from oppmigrate.autogenerate.written import as_text, quoted_name
from oppmigrate.databases import Database
from oppmigrate.errors import WrongUsage


def apply_casts(
    containers: Sequence[ops.OpContainer], casts: Mapping[str, str], database: Database, dialect: Dialect
) -> None:
    """Have each new type that an expression was given for reached by it, in place.

    Where an ALTER takes no expression, the values are written anew before it; only where both are undone together.

    Raises:
        WrongUsage: a column does not get another type, or the server can do neither.
    """
    if not casts:
        return
    retyped = {name for container in containers for name, _op in _new_types(flatten(container.ops))}
    unused = sorted(set(casts) - retyped)
    if unused:
        raise WrongUsage(
            f"--cast {', '.join(unused)}: the revision gives no column of that name another type",
            do="leave the flag out; `python oppman.py migrate check` lists what differs",
        )
    if database.converts_by_expression:
        for container in containers:
            _set_expressions(container, casts)
    elif database.rolls_back_ddl:
        for container in containers:
            container.ops[:0] = _updates(container, casts, dialect)
    else:
        raise WrongUsage(
            f"--cast {', '.join(casts)}: {database.name} cannot give a column another type by an expression",
            why="its values would have to be written anew before, and it commits that by itself: a conversion that is "
            "then refused would leave them changed",
            do="add a column of the new type, fill it, and drop the old one, in a revision each",
        )


def _new_types(operations: Iterable[MigrateOperation]) -> Iterator[tuple[str, ops.AlterColumnOp]]:
    for op in operations:
        if isinstance(op, ops.AlterColumnOp) and op.modify_type is not None:
            yield f"{qualified(op.schema, op.table_name)}.{op.column_name}", op


def _set_expressions(container: ops.OpContainer, casts: Mapping[str, str]) -> None:
    for table in container.ops:
        if isinstance(table, ops.ModifyTableOps):
            given = {id(op): casts[name] for name, op in _new_types(table.ops) if name in casts}
            table.ops = [_by(op, given[id(op)]) if id(op) in given else op for op in table.ops]


def _by(op: MigrateOperation, expression: str) -> RetypeColumnOp:
    assert isinstance(op, ops.AlterColumnOp)
    return RetypeColumnOp.of(op, expression)


def _updates(container: ops.OpContainer, casts: Mapping[str, str], dialect: Dialect) -> Iterator[MigrateOperation]:
    for name, op in list(_new_types(flatten(container.ops))):
        if name in casts:
            table = quoted_name(dialect, op.schema, op.table_name)
            column = quoted_name(dialect, None, op.column_name)
            yield ops.ExecuteSQLOp(as_text(f"UPDATE {table} SET {column} = {casts[name]}"))
