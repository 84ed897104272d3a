"""A PostgreSQL database's UNIQUE and EXCLUDE constraints, in the server's own words."""

from sqlalchemy import Connection, text

from oppmigrate.databases.constraint_questions import ConstraintQuestions, StoredConstraint, StoredConstraints
from oppmigrate.databases.rows import TableName, ask

CONSTRAINTS = """
SELECT c.relname, nullif(c.relnamespace, to_regnamespace(current_schema()::text)::oid)::regnamespace::text,
  k.conname, k.contype = 'x', pg_get_constraintdef(k.oid), k.condeferrable, k.condeferred
FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
WHERE k.contype = 'x' OR k.contype = 'u' AND k.condeferrable ORDER BY k.conname
"""


class PostgreSQLConstraints(ConstraintQuestions):
    """Its answers about constraints."""

    defers_constraints = True

    def read_constraints(self, connection: Connection) -> StoredConstraints:
        found: dict[TableName, tuple[StoredConstraint, ...]] = {}
        for table, schema, *rest in ask(connection, text(CONSTRAINTS)):
            place = TableName(table, schema)
            found[place] = (*found.get(place, ()), StoredConstraint(*rest))
        return found
