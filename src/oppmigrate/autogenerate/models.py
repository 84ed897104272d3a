"""The models that `env.py` gives to Alembic, of one MetaData or of several."""

from collections.abc import Iterator
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, MetaData, Table

from oppmigrate.autogenerate.words import qualified


def model_tables(context: MigrationContext) -> Iterator[Table]:
    """Their tables."""
    target = context.opts.get("target_metadata") or ()
    for metadata in [target] if isinstance(target, MetaData) else target:
        yield from metadata.tables.values()


def model_columns(context: MigrationContext) -> dict[str, Column[Any]]:
    """Their columns, by `table.column`."""
    return {
        f"{qualified(table.schema, table.name)}.{column.name}": column
        for table in model_tables(context)
        for column in table.columns
    }
