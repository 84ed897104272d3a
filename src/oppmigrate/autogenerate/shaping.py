"""The operations in the shape that a careful person would write, before they become text."""

import itertools
from typing import Any

from alembic.operations import ops
from sqlalchemy import CheckConstraint, Column

_INDEX = (ops.CreateIndexOp, ops.DropIndexOp)


def shape(container: ops.OpContainer) -> None:
    """Rearrange the operations of one direction, in place.

    - An index needs no table rebuild, so it stands outside of `batch_alter_table`.
    - The indexes of a table that is dropped go with it. Dropped one by one before, MariaDB and MySQL refuse the one
      that a foreign key of the table leans on (error 1553).
    - To drop an index takes no word of what it was, but that it is to go CONCURRENTLY.
    - Dropped columns stand in the order of their names: Alembic finds them in an order that changes from run to run.
      A generated column goes before what it is made from, and comes behind it.
    - That the NULLs of a UNIQUE are distinct goes without saying.
    - A CHECK that stands inside of a column stands with those of its new table, since Alembic leaves it out there.
    """
    flat: list[ops.MigrateOperation] = []
    for operation in container.ops:
        if isinstance(operation, ops.ModifyTableOps) and all(isinstance(each, _INDEX) for each in operation.ops):
            flat += operation.ops
        else:
            flat.append(operation)
    for operation in flat:
        if isinstance(operation, ops.DropIndexOp):
            operation.kw = {name: value for name, value in operation.kw.items() if name.endswith("_concurrently")}
        if isinstance(operation, ops.ModifyTableOps):
            _sort_drops(operation.ops)
            _sort_additions(operation.ops)
            for each in operation.ops:
                if isinstance(each, ops.CreateUniqueConstraintOp):
                    _leave_unsaid(each.kw)
        if isinstance(operation, ops.CreateTableOp):
            operation.columns = [*operation.columns, *_checks_of_columns(operation)]
    dropped = {(op.schema, op.table_name) for op in flat if isinstance(op, ops.DropTableOp)}
    container.ops[:] = [
        op for op in flat if not (isinstance(op, ops.DropIndexOp) and (op.schema, op.table_name) in dropped)
    ]


def _leave_unsaid(options: dict[str, Any]) -> None:
    """Take out what goes without saying, and a reflected constraint says all the same."""
    if options.get("postgresql_nulls_not_distinct") is False:
        del options["postgresql_nulls_not_distinct"]


def _sort_drops(operations: list[ops.MigrateOperation]) -> None:
    """Put dropped columns that follow each other in the order of their names, but first those made from others."""
    runs = itertools.groupby(list(operations), key=lambda each: isinstance(each, ops.DropColumnOp))
    operations[:] = [each for is_drop, run in runs for each in (sorted(run, key=_place) if is_drop else run)]


def _sort_additions(operations: list[ops.MigrateOperation]) -> None:
    """Among added columns that follow each other, put those last that are made from others."""
    runs = itertools.groupby(list(operations), key=lambda each: isinstance(each, ops.AddColumnOp))
    operations[:] = [each for is_add, run in runs for each in (sorted(run, key=_is_computed) if is_add else run)]


def _is_computed(addition: Any) -> bool:
    return addition.column.computed is not None


def _place(drop: ops.MigrateOperation) -> tuple[bool, str]:
    added_back = getattr(drop, "_reverse", None)
    return added_back is None or not _is_computed(added_back), str(getattr(drop, "column_name", ""))


def _checks_of_columns(table: ops.CreateTableOp) -> list[CheckConstraint]:
    columns = (item for item in table.columns if isinstance(item, Column))
    checks = (each for column in columns for each in column.constraints if isinstance(each, CheckConstraint))
    return [CheckConstraint(each.sqltext, name=each.name) for each in sorted(checks, key=lambda each: str(each.name))]
