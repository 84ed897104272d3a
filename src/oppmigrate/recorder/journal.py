"""The journal: one table beside the version table, a row for each revision that was run, in either direction.

Alembic's version table stays the only truth of what is applied; the journal tells when, how long, by whom, and keeps
the file that was run. Nothing here commits: all of it is part of the caller's transaction.
"""

import hashlib
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    Text,
    false,
    func,
    inspect,
    literal_column,
    select,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateTable

from oppmigrate.databases.rows import OWN
from oppmigrate.errors import ConfigurationError
from oppmigrate.results import Direction

Outcome = Literal["running", "done", "failed"]

MYSQL = ("mysql", "mariadb")  # SQLAlchemy's names for one kind of server
MYSQL_OPTIONS = {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}
LONGEST = 255
OURS = {OWN: True}  # no step of a revision's
# what makes a table a journal, and is asked for without looking; every other column may be missing while one reads
OWN_COLUMNS = frozenset({"id", "version_table", "revision", "direction", "checksum", "started", "outcome", "progress"})


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One run of one revision.

    Attributes:
        body: the source of the file that was run; None where it was not asked for.
        started, finished: aware, UTC.
        duration_ms: None while it runs, and for a revision that was recorded without being run.
        by: `user@host`.
        version: of oppmigrate.
        body_digest: of the bytes, whatever they mean; equal ones need no second look.
        progress: how far a revision that commits in pieces has come; JSON text that is the executor's own.
    """

    id: int
    revision: str
    direction: Direction
    checksum: str
    body: bytes | None
    started: datetime
    finished: datetime | None
    duration_ms: float | None
    rows_moved: int | None
    by: str
    version: str
    backup: str | None
    outcome: Outcome
    error: str | None
    progress: str | None
    body_digest: str | None


class Journal:
    """The journal table of one database, as far as it is about one version table.

    Args:
        schema: that of the version table; None is the connection's own.
        version_table: environments that share a database, each with a version table of its own, share the journal
            too, and see nothing of each other's entries.
    """

    def __init__(
        self, name: str = "oppman_journal", schema: str | None = None, *, version_table: str = "alembic_version"
    ) -> None:
        self.table = _table(name, schema)
        self._version_table = version_table
        self._is_ours = self.table.c.version_table == version_table

    @classmethod
    def beside(cls, context: MigrationContext, name: str) -> "Journal":
        """The journal beside the version table of a run of Alembic."""
        return cls(name, context.version_table_schema, version_table=context.version_table)

    # ---- the table

    def exists(self, connection: Connection) -> bool:
        """Is there a journal? A table of that name that is something else is none."""
        return self._columns(connection) >= OWN_COLUMNS

    def ensure(self, connection: Connection) -> None:
        """Make the table, or add the columns that an earlier release did not have; MariaDB commits by that.

        Raises:
            ConfigurationError: the name is taken by a table that is no journal.
        """
        there = self._columns(connection)
        if not there:
            connection.execute(CreateTable(self.table, if_not_exists=True))
            return
        if not there >= OWN_COLUMNS:
            raise ConfigurationError(
                f"the database has a table `{self.table.fullname}` that is no journal of migrations",
                why=f"it has no {', '.join(f'`{name}`' for name in sorted(OWN_COLUMNS - there))}; nothing was changed",
                do='name another table for the journal: journal_table = "…" under [tool.oppman] in pyproject.toml',
                table=self.table.fullname,
            )
        operations = Operations(MigrationContext.configure(connection))
        for column in self.table.columns:
            if column.name not in there:
                operations.add_column(self.table.name, column._copy(), schema=self.table.schema)

    # ---- writing

    def begin(
        self,
        connection: Connection,
        *,
        revision: str,
        direction: Direction,
        checksum: str,
        body: bytes,
        by: str,
        version: str,
        backup: str | None = None,
    ) -> int:
        """Write down that a revision is about to be run; returns the id of the entry, whose outcome is `running`."""
        facts = self._facts(revision, direction, checksum, body, by, version, backup)
        return self._insert(connection, **facts, started=_now(), outcome="running")

    def record(
        self,
        connection: Connection,
        *,
        revision: str,
        direction: Direction,
        checksum: str,
        body: bytes,
        by: str,
        version: str,
        started: datetime,
        duration_ms: float,
        rows_moved: int | None = None,
        backup: str | None = None,
        outcome: Outcome = "done",
        error: str | None = None,
    ) -> int:
        """Write down a revision that has been run, in one statement; returns the id of the entry."""
        return self._insert(
            connection,
            **self._facts(revision, direction, checksum, body, by, version, backup),
            started=started.astimezone(UTC).replace(tzinfo=None),
            finished=_now(),
            duration_ms=duration_ms,
            rows_moved=rows_moved,
            outcome=outcome,
            error=error and _storable(error),
        )

    def save_progress(self, connection: Connection, id: int, progress: str) -> None:
        """Write down how far the revision has come."""
        self._update(connection, self.table.c.id == id, progress=progress)

    def withdraw(self, connection: Connection, id: int) -> None:
        """Take back an entry that was begun: nothing was done, and that leaves no trace."""
        connection.execute(self.table.delete().where(self.table.c.id == id), execution_options=OURS)

    def finish(
        self,
        connection: Connection,
        id: int,
        *,
        outcome: Outcome,
        error: str | None = None,
        duration_ms: float | None,
        rows_moved: int | None = None,
        backup: str | None = None,
    ) -> None:
        """Write down how it ended; without `backup`, the one that `begin` was given stays."""
        values: dict[str, Any] = {
            "outcome": outcome,
            "error": error and _storable(error),
            "finished": _now(),
            "duration_ms": duration_ms,
            "rows_moved": rows_moved,
        }
        if backup is not None:
            values["backup"] = _storable(backup)
        if outcome == "done":
            values["progress"] = None  # nothing is left to go on with
        self._update(connection, self.table.c.id == id, **values)

    def accept(
        self, connection: Connection, *, revision: str, checksum: str, body: bytes, by: str, version: str
    ) -> None:
        """Write down that this file stands for what was applied, and was not run: an upgrade without a duration."""
        id_ = self.begin(
            connection, revision=revision, direction="upgrade", checksum=checksum, body=body, by=by, version=version
        )
        self.finish(connection, id_, outcome="done", duration_ms=None)

    def forget_unfinished(self, connection: Connection) -> None:
        """Settle what stands half done: a person has said where the database stands."""
        if self.exists(connection):
            self._update(connection, self._is_unfinished, progress=None)

    # ---- reading; where there is no journal there is nothing to read

    def unfinished(self, connection: Connection) -> JournalEntry | None:
        """The newest entry of a revision that stands half done; None where there is none."""
        found = self._read(connection, self._is_unfinished, with_bodies=True, limit=1)
        return found[0] if found else None

    def entries(self, connection: Connection, revision: str | None = None) -> tuple[JournalEntry, ...]:
        """Every entry, or those of one revision and with their bodies, newest first."""
        if revision is None:
            return self._read(connection)
        return self._read(connection, self.table.c.revision == revision, with_bodies=True)

    def applied(self, connection: Connection, revisions: Collection[str]) -> Mapping[str, JournalEntry]:
        """For each revision the newest upgrade that was done, where no downgrade was done after it; no bodies."""
        wanted = frozenset(revisions)
        newest: dict[str, JournalEntry] = {}
        for entry in self._read(connection, self.table.c.outcome == "done") if wanted else ():
            if entry.revision in wanted:
                newest.setdefault(entry.revision, entry)
        return {revision: entry for revision, entry in newest.items() if entry.direction == "upgrade"}

    # ---- inside

    @property
    def _is_unfinished(self) -> ColumnElement[bool]:
        columns = self.table.c
        return self._is_ours & columns.outcome.in_(("running", "failed")) & columns.progress.is_not(None)

    def _columns(self, connection: Connection) -> frozenset[str]:
        """The columns that the table has; nothing where there is no table."""
        if not inspect(connection).has_table(self.table.name, schema=self.table.schema):
            return frozenset()
        # one short query, where the inspector asks PostgreSQL for every enum and domain as well
        nothing: Select[Any] = select(literal_column("*")).select_from(self.table).where(false())
        return frozenset(connection.execute(nothing).keys())

    def _facts(
        self,
        revision: str,
        direction: Direction,
        checksum: str,
        body: bytes,
        by: str,
        version: str,
        backup: str | None,
    ) -> dict[str, Any]:
        return {
            "version_table": self._version_table,
            "revision": revision,
            "direction": direction,
            "checksum": checksum,
            "body": zlib.compress(body),
            "body_digest": digest_of(body),
            "done_by": _storable(by)[:LONGEST],
            "version": version,
            "backup": backup and _storable(backup),
        }

    def _insert(self, connection: Connection, **values: Any) -> int:
        # as parameters: an INSERT around the values is put together anew for each of thousands of revisions
        key = connection.execute(self.table.insert(), values, execution_options=OURS).inserted_primary_key
        assert key is not None
        return int(key[0])

    def _update(self, connection: Connection, condition: ColumnElement[bool], **values: Any) -> None:
        connection.execute(self.table.update().where(condition).values(values), execution_options=OURS)

    def _read(
        self,
        connection: Connection,
        condition: ColumnElement[bool] | None = None,
        *,
        with_bodies: bool = False,
        limit: int | None = None,
    ) -> tuple[JournalEntry, ...]:
        there = self._columns(connection)
        if not there >= OWN_COLUMNS:
            return ()
        # a column that a later release has added is not asked for, and one that an earlier release lacked is None
        columns = [each for each in self.table.c if each.name in there and (with_bodies or each.name != "body")]
        query = select(*columns).where(self._is_ours).order_by(self.table.c.id.desc()).limit(limit)
        if condition is not None:
            query = query.where(condition)
        return tuple(_entry(row) for row in connection.execute(query).mappings())


def digest_of(body: bytes) -> str:
    """SHA-256, in hexadecimal, of a file's bytes."""
    return hashlib.sha256(body).hexdigest()


class _HexadecimalBlob(mysql.LONGBLOB):
    """Bytes that go to the server as text: aiomysql 0.3 cannot send others beside PyMySQL 1.2."""

    def bind_processor(self, dialect: Dialect) -> Callable[[bytes | None], str | None]:
        return lambda value: None if value is None else value.hex()

    def bind_expression(self, bindvalue: BindParameter[bytes]) -> ColumnElement[bytes]:
        return func.unhex(bindvalue, type_=self)


def _table(name: str, schema: str | None) -> Table:
    text = Text().with_variant(mysql.LONGTEXT(), *MYSQL)
    # naive and UTC on every server; without its precision, MariaDB would cut the microseconds off
    time = DateTime().with_variant(mysql.DATETIME(fsp=6), *MYSQL)
    # whatever the database's defaults are: rows that roll back, any text, and ids that differ in case alone
    options: dict[str, Any] = {f"{each}_{key}": value for each in MYSQL for key, value in MYSQL_OPTIONS.items()}
    return Table(
        name,
        MetaData(),
        Column("id", Integer, primary_key=True, autoincrement=True),
        Column("version_table", String(LONGEST), nullable=False),
        Column("revision", String(LONGEST), nullable=False),
        Column("direction", String(16), nullable=False),
        Column("checksum", String(64), nullable=False),
        Column("body", LargeBinary().with_variant(_HexadecimalBlob(), *MYSQL)),  # zlib's
        Column("body_digest", String(64)),
        Column("started", time, nullable=False),
        Column("finished", time),
        Column("duration_ms", Double),
        Column("rows_moved", BigInteger),
        Column("done_by", String(LONGEST)),
        Column("version", String(LONGEST)),
        Column("backup", text),
        Column("outcome", String(16), nullable=False),
        Column("error", text),
        Column("progress", text),
        schema=schema,
        **options,
    )


def _entry(row: Mapping[Any, Any]) -> JournalEntry:
    body = row.get("body")
    started, finished = row["started"], row.get("finished")
    return JournalEntry(
        id=row["id"],
        revision=row["revision"],
        direction=row["direction"],
        checksum=row["checksum"],
        body=None if body is None else zlib.decompress(body),
        started=started.replace(tzinfo=UTC),
        finished=finished and finished.replace(tzinfo=UTC),
        duration_ms=row.get("duration_ms"),
        rows_moved=row.get("rows_moved"),
        by=row.get("done_by") or "",
        version=row.get("version") or "",
        backup=row.get("backup"),
        outcome=row["outcome"],
        error=row.get("error"),
        progress=row.get("progress"),
        body_digest=row.get("body_digest"),
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _storable(text: str) -> str:
    """Text that every server takes: no NUL, no half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
