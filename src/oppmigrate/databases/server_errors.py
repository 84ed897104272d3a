"""The errors that every server has, in the words that are the same for each."""

from dataclasses import dataclass

from sqlalchemy import URL

from oppmigrate.errors import (
    AccessDenied,
    DatabaseError,
    DatabaseLocked,
    DatabaseMissing,
    DatabaseReadOnly,
    DatabaseUnreachable,
)


@dataclass(frozen=True, slots=True)
class Server:
    """The server of a database URL, as messages call it, and what goes wrong with it.

    Every `why` is what the server or its driver said.
    """

    url: URL
    kind: str  # as in "no PostgreSQL answers"
    subject: str  # as in "the server at …"
    address: str

    @property
    def database(self) -> str:
        return f"`{self.url.database}`" if self.url.database else "the database"

    def missing(self, *, do: str) -> DatabaseMissing:
        return DatabaseMissing(
            f"there is no database {self.database} at {self.address}", do=do, database=self.url.database
        )

    def denied(self, why: str, *, into: str = "in") -> AccessDenied:
        user = self.url.username
        return AccessDenied(
            f"{self.subject} at {self.address} does not let `{user or 'the default user'}` {into}",
            why=why,
            do="look at the user and the password of the database URL "
            "(in it, @ : / # % are written %40 %3A %2F %23 %25)",
            user=user,
        )

    def locked(self, why: str, *, sessions: str) -> DatabaseLocked:
        """Args:
        sessions: the statement that shows who holds the lock.
        """
        return DatabaseLocked(
            f"another session holds a lock in {self.database}",
            why=why,
            do=f"run the command again; to see who it is: {sessions}",
        )

    def read_only(self, what: str, why: str) -> DatabaseReadOnly:
        return DatabaseReadOnly(
            f"{what} at {self.address} takes no writes", why=why, do="let the database URL name the primary server"
        )

    def full(self, why: str) -> DatabaseError:
        return DatabaseError(
            f"the server of {self.database} has no disk space left", why=why, do="make room on the server"
        )

    def busy(self, why: str) -> DatabaseUnreachable:
        return DatabaseUnreachable(
            f"{self.subject} at {self.address} takes no connections now",
            why=why,
            do="wait a little and run the command again",
        )

    def lost(self, why: str) -> DatabaseUnreachable:
        return DatabaseUnreachable(
            f"the connection to {self.database} at {self.address} was lost",
            why=why,
            do="look at the server's log; then look where the database stands: oppman migrate current",
        )

    def unreachable(self, why: str, *, program: str = "") -> DatabaseUnreachable:
        """Args:
        program: a command line that asks whether the server is there.
        """
        look = "look whether the server runs, and at host and port of the database URL"
        return DatabaseUnreachable(
            f"no {self.kind} answers at {self.address}",
            why=why,
            do=f"{look}: {program}" if program else look,
            address=self.address,
        )
