"""A revision that commits in pieces, made resumable: what is committed is journalled with it, and is not done twice.

Where the server commits each DDL statement by itself, or inside of Alembic's `autocommit_block`, a revision is no
longer all or nothing. So its changes are followed statement by statement. A transaction's changes are journalled in
that transaction; a statement that commits by itself is journalled before and after. When a revision is run again, its
function is called from the start: what the journal holds is not sent again, and answers as it did.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases import Database
from oppmigrate.databases.locking import autocommits
from oppmigrate.databases.rows import OWN, TAKES_WHAT_IS_LEFT
from oppmigrate.databases.statements import kind_of
from oppmigrate.errors import RevisionDiverged
from oppmigrate.executor.pieces import Piece, Result, as_progress, read_pieces, shown

WATCHING = "oppmigrate.checkpoints"  # where a connection keeps the one that follows its statements

Execute = Callable[..., None]


class Checkpoints:
    """How far a revision has come on one connection.

    Args:
        save: writes the text into the journal, in the transaction that is open; None where nothing is done.
        verify: raises where the migration lock is not held any more: what commits by itself cannot be taken back.
        saved: that text of an earlier run, which this one goes on with.
    """

    def __init__(
        self,
        database: Database,
        connection: Connection,
        *,
        save: Callable[[str | None], None],
        verify: Callable[[], None],
        saved: str | None,
    ) -> None:
        self._database = database
        self._connection = connection
        self._write = save
        self._verify = verify
        self._pieces = read_pieces(saved)
        self._loaded = len(self._pieces)
        self._at = 0  # the first of those that the function has not come to again
        self._open = Piece()
        self._is_quiet = False
        self._answered: dict[int, dict[str, int]] = {}

    @property
    def is_replaying(self) -> bool:
        """Has the function not come yet to where the run before it ended?"""
        return self._at < self._loaded

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Follow every statement of the connection meanwhile.

        Raises:
            RevisionDiverged: the function does not do again what was done of it.
        """
        _listen(self._connection.engine)
        self._connection.info[WATCHING] = self
        event.listen(self._connection, "commit", self._committing)
        try:
            yield
            self._complete()
        finally:
            event.remove(self._connection, "commit", self._committing)
            if not (self._connection.closed or self._connection.invalidated):
                self._connection.info.pop(WATCHING, None)

    # ---- statements

    def execute(self, run: Execute, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        """Execute a statement, or answer as it did; False leaves it to SQLAlchemy."""
        is_ours = self._is_quiet or context.execution_options.get(OWN)
        if is_ours or kind_of(statement) != "changes":
            return False
        if self._connection.info.get(TAKES_WHAT_IS_LEFT):
            # batches: the WHERE of their select says what is left, and what was done is not asked for again
            if self._autocommits:
                self._verify_quietly()
            return False
        digest = hashlib.sha256(statement.encode()).hexdigest()[:16]
        if self.is_replaying and self._has_run(digest, statement, parameters, cursor, context):
            return True

        def send() -> None:
            run(cursor, statement, *([] if parameters is None else [parameters]), context=context)

        if self._database.commits_by_itself(statement) and (self._autocommits or not self._database.rolls_back_ddl):
            self._send_alone(send, digest, statement)
        elif self._autocommits:
            self._send_in_transaction(send, digest, statement, parameters, cursor)
        else:
            send()
            self._open.add(digest, statement, _result(cursor))
        return True

    def _send_alone(self, send: Callable[[], None], digest: str, statement: str) -> None:
        with self._quietly():
            self._verify()
            mark = self._database.read_mark(self._connection, statement)
        if self._open.counts:
            self._close_open_piece()
        piece = Piece(alone=True, state="begun", mark=mark, sql=statement)
        piece.add(digest, statement)
        self._pieces.append(piece)
        self._save_and_commit()
        try:
            send()
        except Exception:
            self._withdraw(piece, statement)
            raise
        piece.finish()
        self._save_and_commit()

    def _withdraw(self, piece: Piece, statement: str) -> None:
        """The server refused the statement: it is not begun any more, and the file may be mended.

        Where the connection is lost it stays begun.
        """
        with contextlib.suppress(DBAPIError), self._quietly():
            if self._database.settle(self._connection, statement, piece.mark) is False:
                self._pieces.remove(piece)
                self._save_and_commit()

    def _send_in_transaction(
        self, send: Callable[[], None], digest: str, statement: str, parameters: Any, cursor: Any
    ) -> None:
        """Inside of an `autocommit_block`: committed at once, and the journal with it."""
        self._verify_quietly()
        self._say("BEGIN")
        try:
            send()
            piece = Piece(alone=True, values=_digest_of_values(parameters))
            piece.add(digest, statement, _result(cursor))
            self._pieces.append(piece)
            self._save()
            self._say("COMMIT")
        except Exception as error:
            self._roll_back()
            if not self._database.is_refused_in_transaction(error):
                raise
            self._send_alone(send, digest, statement)

    # ---- transactions

    def _committing(self, _connection: Connection) -> None:
        """The transaction is about to be committed: by an `autocommit_block` that begins, or by the revision itself."""
        if self._is_quiet or self._autocommits:
            return
        if self.is_replaying:
            self._at += not self._pieces[self._at].alone
            return
        has_changes = bool(self._open.counts)
        self._close_open_piece()
        if has_changes:
            try:
                self._save()
            except Exception:
                self._roll_back()  # SQLAlchemy takes a transaction for ended whose commit has failed
                raise

    def _roll_back(self) -> None:
        """End what failed, so that the connection can be used; where it is lost, the server has done so."""
        with contextlib.suppress(DBAPIError):
            self._say("ROLLBACK")

    def _close_open_piece(self) -> None:
        self._pieces.append(self._open)  # an empty one too: the commits are counted when they come again
        self._open = Piece()

    def _complete(self) -> None:
        left = [piece for piece in self._pieces[self._at : self._loaded] if piece.alone]
        if left:
            raise self._diverged(left[0], "it ends without that statement")

    # ---- doing nothing twice

    def _has_run(self, digest: str, statement: str, parameters: Any, cursor: Any, context: Any) -> bool:
        number = next((n for n in range(self._at, self._loaded) if self._is_left(n, digest)), None)
        if number is None and self._is_over(statement):
            self._at = self._loaded
            return False
        if number is None:
            raise self._diverged(self._pieces[self._at], f"it now has: {shown(statement)}")
        if self._pieces[number].values not in (None, _digest_of_values(parameters)):
            # a loop over the rows that are left, or values that are others every time: who could tell
            raise self._diverged(self._pieces[number], f"it now has, with other values: {shown(statement)}")
        piece = self._pieces[number]
        self._at = number + piece.alone
        if piece.state == "begun":
            with self._quietly():
                has_run = self._database.settle(self._connection, statement, piece.mark)
            if has_run is None:
                raise self._unknown(statement)
            if not has_run:
                del self._pieces[number:]
                self._loaded = number
                return False
            piece.finish()
            self._save_and_commit()
        if context.compiled is not None and getattr(context.compiled, "effective_returning", None):
            raise self._diverged(piece, "what it returned to the revision is not kept")
        context.cursor = _Answered(cursor, *self._next_result(number, piece, digest))
        return True

    def _is_left(self, number: int, digest: str) -> bool:
        """Does a piece hold the statement more often than it has been answered from it?"""
        turns = self._answered.get(number, {})
        return turns.get(digest, -1) + 1 < self._pieces[number].counts.get(digest, 0)

    def _is_over(self, statement: str) -> bool:
        """Is all that was committed done again, so that the statement, which was not, is the first of the rest?

        So it is where the statement behind a transaction's changes failed, and was withdrawn or mended.
        """
        last = self._pieces[self._loaded - 1]
        if self._at != self._loaded - 1 or last.alone:
            return False
        turns = self._answered.get(self._at, {})
        is_complete = all(turns.get(digest, -1) + 1 >= count for digest, count in last.counts.items())
        return is_complete or self._database.commits_by_itself(statement)

    def _next_result(self, number: int, piece: Piece, digest: str) -> Result:
        """What the statement answered at its turn."""
        turns = self._answered.setdefault(number, {})
        turn = turns[digest] = turns.get(digest, -1) + 1
        results = piece.results[digest]
        return results[turn] if turn < len(results) else (None, None)

    def _diverged(self, piece: Piece, difference: str) -> RevisionDiverged:
        done = sum(bool(each.counts) for each in self._pieces)
        return RevisionDiverged(
            f"the revision was interrupted, and its file no longer does what was done of it: {difference}",
            why=f"{done} statement{'s'[: done != 1]} committed; the next of them was: {piece.shown or 'a commit'}",
            do="bring the file back as it was and run the command again; or finish the change by hand, and record it "
            "with `python oppman.py migrate stamp REVISION`",
            statement=piece.shown,
        )

    def _unknown(self, statement: str) -> RevisionDiverged:
        return RevisionDiverged(
            f"the revision was interrupted during: {shown(statement)}",
            why="whether that statement came to its end cannot be told from the database",
            do="look; then finish the change by hand and record it: python oppman.py migrate stamp REVISION",
            statement=shown(statement),
        )

    # ---- the journal, and what is said beside the revision

    @property
    def _autocommits(self) -> bool:
        """Is this inside of Alembic's `autocommit_block`?"""
        return autocommits(self._connection)

    def _save(self) -> None:
        with self._quietly():
            self._write(as_progress(self._pieces))

    def _save_and_commit(self) -> None:
        self._save()
        if not self._autocommits:
            self._say("COMMIT")

    def _say(self, statement: str) -> None:
        with self._quietly():
            self._connection.exec_driver_sql(statement)

    def _verify_quietly(self) -> None:
        with self._quietly():
            self._verify()

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        """What is executed meanwhile is ours, not the revision's."""
        before, self._is_quiet = self._is_quiet, True
        try:
            yield
        finally:
            self._is_quiet = before


class _Answered:
    """A cursor in place of one that was not executed: it answers as the statement did."""

    description = None

    def __init__(self, cursor: Any, rowcount: int | None, lastrowid: int | None) -> None:
        self._cursor = cursor
        self.rowcount = -1 if rowcount is None else rowcount
        self.lastrowid = lastrowid

    def close(self) -> None:
        self._cursor.close()


def _digest_of_values(parameters: Any) -> str | None:
    """None where they show themselves otherwise at each run, or there are none."""
    text = repr(parameters)
    if not parameters or " object at 0x" in text:
        return None
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _result(cursor: Any) -> Result:
    count, key = getattr(cursor, "rowcount", None), getattr(cursor, "lastrowid", None)
    return (count if isinstance(count, int) else None, key if isinstance(key, int) else None)


def _listen(engine: Engine) -> None:
    """Once for each engine: connections without a `WATCHING` are left alone."""
    for name, hear in (
        ("do_execute", _hear_one),
        ("do_executemany", _hear_many),
        ("do_execute_no_params", _hear_plain),
    ):
        if not event.contains(engine, name, hear):
            event.listen(engine, name, hear)


def _hear_one(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    return _told(context.dialect.do_execute, cursor, statement, parameters, context)


def _hear_many(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    return _told(context.dialect.do_executemany, cursor, statement, parameters, context)


def _hear_plain(cursor: Any, statement: str, context: Any) -> bool:
    return _told(context.dialect.do_execute_no_params, cursor, statement, None, context)


def _told(run: Execute, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    watching: Checkpoints | None = context.root_connection.info.get(WATCHING)
    return watching is not None and watching.execute(run, cursor, statement, parameters, context)
