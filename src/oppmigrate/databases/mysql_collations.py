"""The collations of a MariaDB or MySQL database's columns; the inspector finds those that are not the table's."""

from sqlalchemy import Connection, text

from oppmigrate.databases.collation_questions import CollationQuestions
from oppmigrate.databases.rows import TableName, ask

DEFAULT = """
SELECT table_collation FROM information_schema.tables
WHERE table_name = :name AND table_schema = coalesce(:schema, DATABASE())
"""


class MySQLCollations(CollationQuestions):
    """Its answers about collations; those of columns SQLAlchemy's inspector finds."""

    def default_collation(self, connection: Connection, table: TableName) -> str | None:
        found = ask(connection, text(DEFAULT), name=table.name, schema=table.schema)
        return str(found[0][0]) if found else None
