"""A PostgreSQL database's sequences, but those that a SERIAL or an identity column has for itself."""

from typing import ClassVar

from sqlalchemy import Connection, text

from oppmigrate.databases.rows import TableName, ask
from oppmigrate.databases.sequence_questions import SequenceQuestions, StoredSequence

SEQUENCES = """
SELECT c.relname, nullif(c.relnamespace, to_regnamespace(current_schema()::text)::oid)::regnamespace::text,
  format_type(q.seqtypid, NULL), q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcycle, q.seqcache
FROM pg_sequence AS q JOIN pg_class AS c ON c.oid = q.seqrelid
WHERE NOT pg_is_other_temp_schema(c.relnamespace) AND c.relpersistence <> 't'
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                  AND d.deptype IN ('a', 'i', 'e'))
"""


class PostgreSQLSequences(SequenceQuestions):
    """Its answers about sequences."""

    sequence_types: ClassVar = {
        "smallint": (-(2**15), 2**15 - 1),
        "integer": (-(2**31), 2**31 - 1),
        "bigint": (-(2**63), 2**63 - 1),
        None: (-(2**63), 2**63 - 1),
    }

    def number_rows_sql(self, table: str, column: str) -> str:
        return (
            f"UPDATE {table} SET {column} = numbered.number"
            f" FROM (SELECT ctid AS place, row_number() OVER () AS number FROM {table}) AS numbered"
            f" WHERE {table}.ctid = numbered.place"
        )

    def read_sequences(self, connection: Connection) -> dict[TableName, StoredSequence]:
        return {
            TableName(name, schema): StoredSequence(*facts) for name, schema, *facts in ask(connection, text(SEQUENCES))
        }
