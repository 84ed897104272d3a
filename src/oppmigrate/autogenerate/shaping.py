"""The operations in the shape that a careful person would write, before they become text."""

from alembic.operations import ops

_INDEX = (ops.CreateIndexOp, ops.DropIndexOp)


def shape(container: ops.OpContainer) -> None:
    """Rearrange the operations of one direction, in place.

    - An index needs no table rebuild, so it stands outside of `batch_alter_table`.
    - The indexes of a table that is dropped go with it. Dropped one by one before, MariaDB and MySQL refuse the one
      that a foreign key of the table leans on (error 1553).
    """
    flat: list[ops.MigrateOperation] = []
    for operation in container.ops:
        if isinstance(operation, ops.ModifyTableOps) and all(isinstance(each, _INDEX) for each in operation.ops):
            flat += operation.ops
        else:
            flat.append(operation)
    dropped = {(op.schema, op.table_name) for op in flat if isinstance(op, ops.DropTableOp)}
    container.ops[:] = [
        op for op in flat if not (isinstance(op, ops.DropIndexOp) and (op.schema, op.table_name) in dropped)
    ]
