"""Foreign keys that only get another name, which Alembic passes over: it compares what they say."""

from collections.abc import Hashable

from alembic.operations import ops
from sqlalchemy import ForeignKeyConstraint, Table
from sqlalchemy.sql.elements import conv


def compare_key_names(operations: ops.ModifyTableOps, conn_table: Table, metadata_table: Table) -> None:
    """Make a key anew where its model names it otherwise than the database.

    A name that nobody gave, but a convention or the engine, counts for new keys only: a database that was made without
    it is no other for that. Where two keys say the same, none of them is touched.
    """
    changed = {str(getattr(op, "constraint_name", None)) for op in operations.ops}
    stored: dict[Hashable, dict[str, ForeignKeyConstraint]] = {}
    for key in conn_table.foreign_key_constraints:  # Alembic's comparison has put each there once more
        stored.setdefault(_says(key), {})[str(key.name)] = key
    for key in sorted(metadata_table.foreign_key_constraints, key=lambda each: str(each.name)):
        found = list(stored.get(_says(key), {}).values())
        if not _is_given(key) or len(found) != 1 or found[0].name is None or found[0].name == key.name:
            continue
        if not changed & {str(found[0].name), str(key.name)}:
            operations.ops += [
                ops.DropConstraintOp.from_constraint(found[0]),
                ops.CreateForeignKeyOp.from_constraint(key),
            ]


def _is_given(key: ForeignKeyConstraint) -> bool:
    return isinstance(key.name, str) and not isinstance(key.name, conv)


def _says(key: ForeignKeyConstraint) -> Hashable:
    return tuple(key.column_keys), tuple(element.target_fullname for element in key.elements)
