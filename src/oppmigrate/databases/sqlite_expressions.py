"""The expressions of a SQLite table, read from its stored definition, whose words are those that it was made with."""

from collections.abc import Mapping

from sqlalchemy import CheckConstraint, Connection

from oppmigrate.databases.expressions import Namer, StoredCheck, StoredComputed
from oppmigrate.databases.rows import TableName
from oppmigrate.databases.sqlite_rebuild.definition import Definition
from oppmigrate.databases.sqlite_rebuild.rendering import as_constraints
from oppmigrate.databases.sqlite_rebuild.stored import find_schema, read_table
from oppmigrate.databases.sqlite_rebuild.tokens import normalized, tokenize
from oppmigrate.errors import MigrationFailed


def read_checks(connection: Connection, table: TableName, namer: Namer) -> tuple[StoredCheck, ...] | None:
    """Those with a name first. Of those without, what a rebuild would call the last comes first.

    A rebuild finds them by that name, and the name of the one before does not change when the last is gone.
    """
    definition = _read(connection, table)
    if definition is None:
        return None
    named = [
        StoredCheck(clause.name, definition.text(clause.group))
        for clause in definition.of_kind("CHECK")
        if clause.name is not None
    ]
    carrier, unnamed = as_constraints(definition, table.schema, None)
    namer(carrier.metadata)
    checks = [each for each in unnamed if isinstance(each, CheckConstraint)]
    checks.sort(key=lambda each: str(each.name), reverse=True)
    return (*named, *(StoredCheck(str(each.name), definition.text(unnamed[each].group), False) for each in checks))


def read_computed(
    connection: Connection, table: TableName, reflected: Mapping[str, StoredComputed]
) -> Mapping[str, StoredComputed]:
    """As `Database.read_computed`; SQLAlchemy reads such an expression up to its first closing parenthesis."""
    definition = _read(connection, table)
    if definition is None:
        return reflected
    generated = ((column, column.clause("GENERATED")) for column in definition.columns)
    return {
        column.name: StoredComputed(definition.text(clause.group), column.is_stored)
        for column, clause in generated
        if clause is not None
    }


def canonical(expression: str) -> str:
    return " ".join(normalized(tokenize(expression)))


def _read(connection: Connection, table: TableName) -> Definition | None:
    schema = find_schema(connection, table.name, table.schema)
    try:
        return read_table(connection, schema, table.name).definition if schema else None
    except MigrationFailed:  # a virtual table, or a text that only SQLite itself can read
        return None
