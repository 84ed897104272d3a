"""What is committed of a revision that commits in pieces, as the journal keeps it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from sqlalchemy import Connection

from oppmigrate.databases import Database
from oppmigrate.databases.statements import without_comments

SHOWN_CHARACTERS = 160
MOST_RESULTS = 5000  # row counts and new keys kept of one piece; the rest is forgotten

Result = tuple[int | None, int | None]  # rowcount, lastrowid


@dataclass
class Piece:
    """What was committed together: the changes of a transaction, or one statement by itself.

    Args:
        counts: how often each statement, by its digest, was sent.
        results: what it answered, in order.
        shown: the last statement, for people.
        mark: what the database said before the statement; see `Database.read_mark`.
        values: a digest of the statement's parameters, where it was committed by itself.
        sql: the statement, as long as it is not known whether it has run.
    """

    alone: bool = False
    state: Literal["done", "begun"] = "done"
    shown: str = ""
    mark: str | None = None
    values: str | None = None
    sql: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    results: dict[str, list[Result]] = field(default_factory=dict)

    def add(self, digest: str, statement: str, result: Result | None = None) -> None:
        self.counts[digest] = self.counts.get(digest, 0) + 1
        known = self.results.setdefault(digest, [])
        self.shown = shown(statement)
        if result is not None and len(known) < MOST_RESULTS:
            known.append(result)

    def finish(self) -> None:
        """Note that the statement has run."""
        self.state, self.sql = "done", None


def read_pieces(progress: str | None) -> list[Piece]:
    """What `as_progress` wrote."""
    return [Piece(**each) for each in json.loads(progress)] if progress else []


def as_progress(pieces: Sequence[Piece]) -> str | None:
    """A text for the journal; None where nothing is done."""
    if not any(piece.counts for piece in pieces):
        return None
    return json.dumps([asdict(piece) for piece in pieces], separators=(",", ":"))


def steps_done(progress: str | None) -> tuple[str, ...]:
    """The statements that were committed, as people read them; of a transaction the last."""
    return tuple(piece.shown for piece in read_pieces(progress) if piece.counts and piece.state == "done")


def is_nothing_done(progress: str | None, database: Database, connection: Connection) -> bool:
    """Was the run cut off before its first statement had any effect? Then there is nothing to go on with."""
    pieces = [piece for piece in read_pieces(progress) if piece.counts]
    if not pieces:
        return True
    first = pieces[0]
    if len(pieces) > 1 or first.state == "done" or first.sql is None:
        return False
    return database.is_untouched(connection, first.sql, first.mark)


def shown(statement: str) -> str:
    """The statement in a line, for people."""
    text = " ".join(without_comments(statement).split())  # the lock's mark before it is for the server
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
