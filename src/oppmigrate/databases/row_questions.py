"""What the engine asks of a database about its rows, before and after they are in the way of a change."""

from contextlib import AbstractContextManager, nullcontext

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases.rows import Misfits, TableName, TypeChange


class RowQuestions:
    """The answers of a server that nobody here knows how to ask."""

    def count_rows(self, connection: Connection, table: TableName, limit: int) -> int | None:
        """How many rows the table has; None where that is `limit` or more, or cannot be told, or there is no table."""
        return None

    def others_may_have_changed(self, connection: Connection, table: TableName) -> bool:
        """Can somebody else have added or removed rows of the table since this transaction first looked at it?"""
        return True

    def may_be_null(self, connection: Connection, table: TableName, column: str) -> bool:
        """Does the column, as it stands, take NULL? True also where that is not known."""
        return True

    def renumbers_zero(self, connection: Connection) -> bool:
        """Does a row with 0 in a column get another number when the column begins to count up?"""
        return False

    def trial(self, connection: Connection) -> AbstractContextManager[None]:
        """A statement that fails in the block leaves the transaction as it was."""
        return nullcontext()

    def is_about_the_statement(self, error: DBAPIError) -> bool:
        """Does the error come from the words of a statement, or the values it met, rather than from the server?"""
        return False

    def misfits(self, connection: Connection, change: TypeChange) -> AbstractContextManager[Misfits | None]:
        """The rows whose value the new type does not take, or changes; None where there are none, or none to be asked.

        Finds without looking at a row what can hold no such value: a longer text, a larger number. To be asked for
        only inside of the block.
        """
        return nullcontext()

    def as_text(self, sql: str) -> str:
        """An expression that gives the value of another one as the server writes it."""
        return f"CAST({sql} AS VARCHAR)"

    def as_type(self, sql: str, type_sql: str) -> str:
        """An expression that gives the value of a default as a column of that type would store it."""
        return f"CAST({sql} AS {type_sql})"
