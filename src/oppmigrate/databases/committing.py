"""What the engine asks of a database about statements that are committed at once."""

from sqlalchemy import Connection


class Committing:
    """Of a server where every statement is part of the transaction; others say what is different."""

    def commits_by_itself(self, statement: str) -> bool:
        """Does a statement commit what came before it, and itself; or is it refused inside a transaction?"""
        return False

    def read_mark(self, connection: Connection, statement: str) -> str | None:
        """What tells later, by `settle`, whether such a statement has run; read before it runs."""
        return None

    def settle(self, connection: Connection, statement: str, mark: str | None) -> bool | None:
        """Has such a statement run, when it was cut off? None where it cannot be told; leftovers of it are removed."""
        return None

    def is_untouched(self, connection: Connection, statement: str, mark: str | None) -> bool:
        """Is all as it was before such a statement was sent, for certain? Only looks."""
        return False

    def is_refused_in_transaction(self, error: Exception) -> bool:
        """Does the server say that the statement has to run outside of a transaction?"""
        return False
