"""A MariaDB database's sequences. MySQL has none."""

from typing import ClassVar

from sqlalchemy import Connection

from oppmigrate.databases.rows import TableName, ask, quoted_table
from oppmigrate.databases.sequence_questions import SequenceQuestions, StoredSequence

SEQUENCES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'SEQUENCE'"
)
OPTIONS = "start_value, increment, minimum_value, maximum_value, cycle_option, cache_size"


class MySQLSequences(SequenceQuestions):
    """Its answers about sequences."""

    sequence_cache = 1000
    no_cycle = "NOCYCLE"
    sequence_types: ClassVar = {None: (-(2**63) + 1, 2**63 - 2)}

    def read_sequences(self, connection: Connection) -> dict[TableName, StoredSequence]:
        found = {}
        for (name,) in ask(connection, SEQUENCES):
            place = TableName(name)
            ((start, increment, minimum, maximum, cycle, cache),) = ask(
                connection, f"SELECT {OPTIONS} FROM {quoted_table(connection, place)}"
            )
            found[place] = StoredSequence(None, start, increment, minimum, maximum, bool(cycle), cache)
        return found

    def number_rows_sql(self, table: str, column: str) -> str:
        return f"UPDATE {table}, (SELECT @numbered := 0) AS numbered SET {column} = (@numbered := @numbered + 1)"

    def rename_sequence_sql(self, old: str, new: str) -> str:
        return f"RENAME TABLE {old} TO {new}"
