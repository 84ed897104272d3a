"""The collations of a PostgreSQL database's columns."""

from sqlalchemy import Connection, text

from oppmigrate.databases.collation_questions import CollationQuestions, Collations
from oppmigrate.databases.rows import TableName, ask

COLLATIONS = """
SELECT c.relname, nullif(c.relnamespace, to_regnamespace(current_schema()::text)::oid)::regnamespace::text,
  a.attname, l.collname
FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid AND t.typcollation <> a.attcollation
JOIN pg_collation AS l ON l.oid = a.attcollation JOIN pg_class AS c ON c.oid = a.attrelid
WHERE c.relkind IN ('r', 'p') AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
"""


class PostgreSQLCollations(CollationQuestions):
    """Its answers about collations."""

    def read_collations(self, connection: Connection) -> Collations:
        rows = ask(connection, text(COLLATIONS))
        return {(TableName(table, schema), column): name for table, schema, column, name in rows}

    def default_collation(self, connection: Connection, table: TableName) -> str:
        return "default"

    def is_same_collation(self, one: str, other: str) -> bool:
        return one == other
