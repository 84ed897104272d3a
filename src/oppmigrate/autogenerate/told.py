"""Operations of ours, which Alembic's own comparison meets among its own."""

from typing import Any

from alembic.operations import MigrateOperation


class ToldOp(MigrateOperation):
    """An operation that says in words what it does, as its `summary`."""

    summary: Any  # a text; some work it out

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """What `alembic check` and `compare_metadata` give for it, beside ("add_column", …) and the like."""
        return (type(self).__name__, self.summary)
