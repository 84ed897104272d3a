"""Collations of columns, of which Alembic compares those only that both the models and its reflection name."""

from copy import copy
from typing import Any

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Enum, String, Table
from sqlalchemy.types import TypeEngine

from oppmigrate.autogenerate.asking_once import asked_once
from oppmigrate.databases import Database
from oppmigrate.databases.collation_questions import Collations
from oppmigrate.databases.rows import TableName


def types_with_collations(
    context: AutogenContext,
    database: Database,
    table: TableName,
    column: str,
    inspected: TypeEngine[Any],
    modelled: TypeEngine[Any],
) -> tuple[TypeEngine[Any], TypeEngine[Any]] | None:
    """The types before and after of a column whose text is to be compared and sorted otherwise; None for any other.

    `inspected` is given the collation that the database has, so that the way back has it too.
    """
    assert context.dialect is not None
    model = modelled._unwrapped_dialect_impl(context.dialect)
    if not isinstance(inspected, String) or isinstance(inspected, Enum) or not isinstance(model, String):
        return None
    known = asked_once(context, database.read_collations)
    if known is not None:
        inspected.collation = known.get((table, column))
    stored, wanted = inspected.collation, model.collation
    if stored == wanted:
        return None
    assert context.connection is not None
    default = database.default_collation(context.connection, table)
    if default is None or database.is_same_collation(stored or default, wanted or default):
        return None
    if not database.keeps_collations:
        return inspected, modelled
    return (inspected if stored else _with(inspected, default)), (modelled if wanted else _with(model, default))


def take_stored_collations(table: Table, collations: Collations | None) -> None:
    """Let a reflected table say how the database compares the text of its columns."""
    if collations is None:
        return
    for column in table.columns:
        if isinstance(column.type, String):
            column.type.collation = collations.get((TableName(table.name, table.schema), column.name))


def _with(type_: String, collation: str) -> String:
    made = copy(type_)
    made.collation = collation
    return made
