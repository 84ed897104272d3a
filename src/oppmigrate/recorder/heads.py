"""The heads recorded in Alembic's version table."""

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection


def read_heads(
    connection: Connection, *, version_table: str = "alembic_version", version_table_schema: str | None = None
) -> tuple[str, ...]:
    """The recorded heads, sorted; empty when there is no version table. Changes nothing."""
    context = MigrationContext.configure(
        connection, opts={"version_table": version_table, "version_table_schema": version_table_schema}
    )
    return tuple(sorted(context.get_current_heads()))
