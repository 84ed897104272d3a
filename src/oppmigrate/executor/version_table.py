"""What Alembic's version table can hold."""

from collections.abc import Iterable
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from oppmigrate.databases import Database
from oppmigrate.errors import RevisionError


def refuse_long_ids(database: Database, context: MigrationContext, revisions: Iterable[str]) -> None:
    """An id that the version table cannot hold would fail after its revision has run.

    Raises:
        RevisionError: with the id, and how many characters the table holds.
    """
    if not database.enforces_lengths:
        return
    assert context.connection is not None
    limit = _longest_id(context)
    for revision in revisions:
        if limit is not None and len(revision) > limit:
            raise RevisionError(
                f"the id of revision {revision} is too long to be recorded",
                why=f"it has {len(revision)} characters, and {context.version_table}.version_num holds {limit}",
                do="give the revision a shorter id (also in the `down_revision` of its children); nothing was changed",
                revision=revision,
            )


def _longest_id(context: MigrationContext) -> int | None:
    """How many characters the version table holds, as it is, or as it would be made."""
    column: Any = context._version.c.version_num
    assert context.connection is not None
    inspector = inspect(context.connection)
    if inspector.has_table(context.version_table, schema=context.version_table_schema):
        columns = inspector.get_columns(context.version_table, schema=context.version_table_schema)
        return next((getattr(each["type"], "length", None) for each in columns if each["name"] == column.name), None)
    length: int | None = getattr(column.type, "length", None)
    return length
