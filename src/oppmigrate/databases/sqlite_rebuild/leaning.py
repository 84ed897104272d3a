"""What leans on a column that is dropped: what goes with it, and what stands in the way."""

from collections.abc import Iterable, Iterator

from oppmigrate.databases.sqlite_rebuild.definition import Clause, Definition, StoredIndex
from oppmigrate.errors import MigrationFailed


def checks_to_go(table: str, definition: Definition, gone: set[str]) -> list[Clause]:
    """The table's CHECKs that are about dropped columns only.

    Args:
        definition: without the columns.
        gone: their names, folded.

    Raises:
        MigrationFailed: a CHECK or a generated column is about a dropped column and about others.
    """
    to_go = []
    for clause in definition.clauses:
        used = clause.mentioned & gone if clause.kind in ("CHECK", "GENERATED") else set()
        if used and clause.kind == "CHECK" and clause.column is None and not _kept(definition, clause.mentioned):
            to_go.append(clause)
        elif used:
            raise _in_use(table, definition, used, clause)
    return to_go


def indexes_to_go(table: str, definition: Definition, indexes: Iterable[StoredIndex], gone: set[str]) -> Iterator[str]:
    """The names of the indexes that are about dropped columns only. Raises as `checks_to_go`."""
    for index in list(indexes):
        used = index.uses & gone
        if used and _kept(definition, index.uses):
            raise cannot_change(
                table,
                f"its index `{index.name}` needs `{min(used)}`, which is dropped",
                do=f'drop the index in the same batch: batch_op.drop_index("{index.name}")',
            )
        if used:
            yield index.name


def cannot_change(table: str, what: str, *, why: str | None = None, do: str | None = None) -> MigrationFailed:
    """The error for an operation that does not fit the table."""
    return MigrationFailed(
        f"table `{table}` cannot be changed: {what}", why=why, do=do or "correct the revision", table=table
    )


def _in_use(table: str, definition: Definition, used: set[str], clause: Clause) -> MigrationFailed:
    if clause.kind == "GENERATED":
        return cannot_change(
            table,
            f"its generated column `{clause.column}` is made from `{min(used)}`, which is dropped",
            do=f'drop it in the same batch: batch_op.drop_column("{clause.column}")',
        )
    return cannot_change(
        table,
        f"its CHECK ({definition.text(clause.group)}) needs `{min(used)}`, which is dropped",
        do=f'drop it in the same batch: batch_op.drop_constraint("{clause.name or "NAME"}", type_="check")',
    )


def _kept(definition: Definition, names: set[str]) -> set[str]:
    return {name for name in names if definition.column(name) is not None}
