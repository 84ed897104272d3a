"""PostgreSQL, by psycopg, asyncpg or any other of SQLAlchemy's drivers."""

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases import (
    postgresql_asyncpg,
    postgresql_casts,
    postgresql_dump,
    postgresql_errors,
    postgresql_expressions,
    postgresql_indexes,
    postgresql_rows,
    postgresql_statements,
)
from oppmigrate.databases.base import Database, Progress, any_row, driver_errors, original
from oppmigrate.databases.facts import TableFacts
from oppmigrate.databases.indexes import IndexDefinition, IndexPart
from oppmigrate.databases.locking import SAVED, Lock, OnWait, Patience, autocommits, by_itself
from oppmigrate.databases.postgresql_collations import PostgreSQLCollations
from oppmigrate.databases.postgresql_constraints import PostgreSQLConstraints
from oppmigrate.databases.postgresql_lock import (
    KEEPALIVE,
    ORPHANS_END,
    accepts,
    hold,
    leave_unprepared,
    lock_number,
    set_local,
)
from oppmigrate.databases.postgresql_objects import (
    literally,
    quoted,
    read_objects,
    read_schemas,
    refuse_dependents,
    statements_to_empty,
)
from oppmigrate.databases.postgresql_proxy import refuse_dump, shares_sessions
from oppmigrate.databases.postgresql_sequences import PostgreSQLSequences
from oppmigrate.databases.rows import Misfits, TableName, TypeChange
from oppmigrate.databases.scratch import PREFIX, fence_off, removed_after
from oppmigrate.databases.type_questions import NamedEnum
from oppmigrate.errors import (
    AccessDenied,
    ConfigurationError,
    DatabaseMissing,
    MigrateError,
)

MAINTENANCE = ("postgres", "template1")  # databases that are there when the URL's own is not
LIBPQ_DRIVERS = frozenset({"psycopg", "psycopg_async", "psycopg2", "psycopg2cffi"})
CONTENTION = frozenset({"55P03", "40P01", "40001"})  # lock_not_available, deadlock_detected, serialization_failure

TABLES = """
SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'
"""
EXTENSIONS = """
SELECT e.extname, n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql' ORDER BY e.oid
"""
ENCODING = """
SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = current_database()
"""
SCHEMAS_OF_EXTENSIONS_ONLY = """
SELECT DISTINCT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
WHERE n.nspname <> 'pg_catalog' AND NOT EXISTS (
  SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid AND NOT EXISTS (
    SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e'))
"""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What `prepare` has found and set: settings of every transaction, and psycopg's own threshold of before."""

    settings: dict[str, str]
    threshold: int | None


class PostgreSQL(PostgreSQLConstraints, PostgreSQLCollations, PostgreSQLSequences, Database):
    """A database of a PostgreSQL server."""

    name = "PostgreSQL"
    backends = frozenset({"postgresql"})
    drivers = ("psycopg", "asyncpg", "psycopg2")
    install = {"psycopg": "'oppmigrate[postgresql]'", "psycopg_async": "'oppmigrate[postgresql]'"}
    rolls_back_ddl = True
    converts_by_expression = True
    has_named_enums = True
    expressions_have_types = True
    backup_suffix = ".dump"
    script_command = "psql --set=ON_ERROR_STOP=1 --file=SCRIPT DATABASE"

    def __init__(self, url: URL) -> None:
        if not (url.database or url.query.get("dbname") or url.query.get("service")):
            raise ConfigurationError(
                "the database URL names no database",
                do="write it after the last slash: postgresql://user@host:5432/NAME",
            )
        super().__init__(url)

    # ---- connections

    def connect_arguments(self) -> dict[str, Any]:
        driver = self.url.get_driver_name()
        wanted: dict[str, Any] = {}
        if driver in LIBPQ_DRIVERS:
            wanted = {"connect_timeout": self.connect_timeout_s, "fallback_application_name": "oppmigrate"}
        elif driver == "asyncpg":
            wanted = {"timeout": self.connect_timeout_s, **postgresql_asyncpg.CONNECT_ARGUMENTS}
        if driver in ("psycopg", "psycopg_async"):
            wanted["prepare_threshold"] = None
        return {name: value for name, value in wanted.items() if name not in self.url.query}

    def size_bytes(self) -> int:
        query = "SELECT pg_database_size(current_database())"
        return int(self.run(lambda connection: connection.exec_driver_sql(query).scalar_one()))

    # ---- migrating

    def prepare(self, connection: Connection) -> None:
        """As `Database.prepare`: a waiting ALTER would make every later query of its table wait behind it.

        Each transaction gets a lock_timeout where the URL, the role or the database set none, and the statement
        timeout of the policy. Inside of `autocommit_block` there is neither: cut off, CREATE INDEX CONCURRENTLY leaves
        an invalid index.
        """
        if SAVED in connection.info:
            return
        with by_itself(connection):
            has_its_own = connection.exec_driver_sql("SHOW lock_timeout").scalar_one() != "0"
            limits = {} if has_its_own else {"lock_timeout": milliseconds(self.table_lock_timeout_s)}
            if self.statement_timeout_s is not None:
                limits["statement_timeout"] = milliseconds(self.statement_timeout_s)
            orphans = ORPHANS_END if accepts(connection, ORPHANS_END) else {}
        settings = {**limits, **orphans, **KEEPALIVE}
        if connection.dialect.driver == "asyncpg":
            postgresql_asyncpg.insist(connection.engine)
        connection.info[SAVED] = _Prepared(settings, leave_unprepared(connection))
        event.listen(connection, "begin", self._begin)
        if connection.in_transaction():
            self._begin(connection)

    def release(self, connection: Connection) -> None:
        prepared: _Prepared | None = None
        if not connection.closed and not connection.invalidated:
            prepared = connection.info.pop(SAVED, None)
        if prepared is None:
            return
        event.remove(connection, "begin", self._begin)
        driver: Any = connection.connection.driver_connection
        if prepared.threshold is not None:
            driver.prepare_threshold = prepared.threshold

    def _begin(self, connection: Connection) -> None:
        prepared: _Prepared | None = connection.info.get(SAVED)
        if prepared is not None and not autocommits(connection):
            set_local(connection, prepared.settings)

    def lock(
        self, connection: Connection, key: str, timeout_s: float, on_wait: OnWait | None = None
    ) -> AbstractContextManager[Lock]:
        """As `Database.lock`, in a session of its own: see `postgresql_lock`."""
        return hold(connection, lock_number(key), Patience(timeout_s, on_wait))

    def is_lock_timeout(self, error: BaseException) -> bool:
        """As `Database.is_lock_timeout`: lock_timeout, a deadlock, a transaction that could not be serialized."""
        return any(postgresql_errors.sqlstate(each) in CONTENTION for each in driver_errors(error))

    # ---- statements that are committed at once

    def commits_by_itself(self, statement: str) -> bool:
        return postgresql_statements.runs_alone(statement)

    def settle(self, connection: Connection, statement: str, mark: str | None) -> bool | None:
        return postgresql_statements.settle(connection, statement)

    def is_untouched(self, connection: Connection, statement: str, mark: str | None) -> bool:
        return postgresql_statements.is_untouched(connection, statement)

    def is_refused_in_transaction(self, error: Exception) -> bool:
        return postgresql_errors.sqlstate(original(error)) == "25001"

    # ---- looking at rows

    def count_rows(self, connection: Connection, table: TableName, limit: int) -> int | None:
        return postgresql_rows.count_rows(connection, table, limit)

    def others_may_have_changed(self, connection: Connection, table: TableName) -> bool:
        return postgresql_rows.others_may_have_changed(connection, table)

    def may_be_null(self, connection: Connection, table: TableName, column: str) -> bool:
        return postgresql_rows.may_be_null(connection, table, column)

    def trial(self, connection: Connection) -> AbstractContextManager[None]:
        return postgresql_rows.trial(connection)

    def is_about_the_statement(self, error: DBAPIError) -> bool:
        return postgresql_rows.is_about_the_statement(error)

    def misfits(self, connection: Connection, change: TypeChange) -> AbstractContextManager[Misfits | None]:
        return postgresql_rows.misfits(connection, change)

    def make_plain(self, connection: Connection, table: TableName, column: str) -> tuple[str, ...]:
        return (postgresql_expressions.make_plain(connection, table, column),)

    def canonical(self, connection: Connection, table: TableName, expression: str) -> str | None:
        try:
            with self.trial(connection):
                return postgresql_expressions.canonical(connection, table, expression)
        except DBAPIError as error:
            if not self.is_about_the_statement(error):
                raise
            return None

    def canonical_conditions(
        self, connection: Connection, conditions: Sequence[tuple[TableName, str]]
    ) -> Sequence[str | None]:
        answers: list[str | None] = [None] * len(conditions)
        for places in postgresql_expressions.rounds([table for table, _ in conditions]):
            for place, answer in zip(
                places, self._canonical(connection, [conditions[at] for at in places]), strict=True
            ):
                answers[place] = answer
        return answers

    def _canonical(self, connection: Connection, conditions: Sequence[tuple[TableName, str]]) -> list[str | None]:
        """Of different tables, all at once; where the server does not take one of them, in halves."""
        if len(conditions) == 1:
            return [self.canonical(connection, *conditions[0])]
        try:
            with self.trial(connection):
                return [*postgresql_expressions.canonical_conditions(connection, conditions)]
        except DBAPIError as error:
            if not self.is_about_the_statement(error):
                raise
        half = len(conditions) // 2
        return [*self._canonical(connection, conditions[:half]), *self._canonical(connection, conditions[half:])]

    def read_indexes(self, connection: Connection, table: TableName) -> tuple[IndexDefinition, ...]:
        return postgresql_indexes.read_indexes(connection, table)

    def read_facts(self, connection: Connection, schema: str | None) -> Mapping[str, TableFacts] | None:
        from oppmigrate.databases.postgresql_facts import read_facts

        return read_facts(connection, schema)

    def index_arguments(self, definition: IndexDefinition, plain: Collection[IndexPart]) -> Mapping[str, Any]:
        return postgresql_indexes.index_arguments(definition, plain)

    def is_default_class(self, connection: Connection, operator_class: str) -> bool:
        return postgresql_indexes.is_default_class(connection, operator_class)

    # ---- types

    def read_enums(self, connection: Connection) -> tuple[NamedEnum, ...]:
        return postgresql_casts.read_enums(connection)

    def can_add_values_in_transaction(self, connection: Connection) -> bool:
        version: tuple[Any, ...] = connection.dialect.server_version_info or ()
        return version >= postgresql_casts.ADDS_IN_TRANSACTION

    def cast(self, connection: Connection, column: str, old: str, new: str) -> str | None:
        return postgresql_casts.cast(connection, column, old, new)

    def owned_sequence(self, connection: Connection, table: str, schema: str | None, column: str) -> str | None:
        return postgresql_casts.owned_sequence(connection, table, schema, column)

    def holds_rows(self, besides: Collection[str] = ()) -> bool:
        def work(connection: Connection) -> bool:
            places = connection.exec_driver_sql(TABLES).all()
            return any_row(
                connection, (f"{quoted(schema)}.{quoted(name)}" for schema, name in places if name not in besides)
            )

        try:
            return self.run(work)
        except AccessDenied:  # to one of them: nobody can say
            return True

    # ---- scratch

    @contextmanager
    def scratch(self) -> Iterator[Database]:
        """As `Database.scratch`: a database of its own, or, where the rights allow only that, a schema in this one.

        In the schema, statements that name another schema are refused: they would change real data.
        """
        name = PREFIX + secrets.token_hex(6)
        home = self._home()
        made: Database
        try:
            made = self._make_scratch_database(home, name)
        except AccessDenied as error:
            if home.url.database != self.url.database:
                raise self._no_scratch(error) from error
            made = self._make_scratch_schema(name, error)
            removal = f"DROP SCHEMA IF EXISTS {name} CASCADE"
        else:
            removal = f"DROP DATABASE IF EXISTS {name}"
        with removed_after(home.run_alone, removal, name):
            yield made

    def _home(self) -> "PostgreSQL":
        """A database to be connected to while others are made: this one, or where it is missing the server's own."""
        if self.exists():
            return self
        for database in MAINTENANCE:
            home = PostgreSQL(self.url.set(database=database))
            with suppress(DatabaseMissing, AccessDenied):
                home.probe()
                return home
        raise postgresql_errors.missing(self.url)

    def _make_scratch_database(self, home: "PostgreSQL", name: str) -> "PostgreSQL":
        encoding, collate, ctype = home.run(lambda connection: connection.exec_driver_sql(ENCODING).one())
        literals = [str(value).replace("'", "''") for value in (encoding, collate, ctype)]
        home.run_alone(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING '{}' LC_COLLATE '{}' LC_CTYPE '{}'".format(name, *literals)
        )
        made = PostgreSQL(self.url.set(database=name))
        try:
            if home.url.database == self.url.database:
                extensions = home.run(lambda connection: connection.exec_driver_sql(EXTENSIONS).all())
                for extension, schema in extensions:
                    made.run_alone(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
                    made.run_alone(
                        f"CREATE EXTENSION IF NOT EXISTS {quoted(extension)} SCHEMA {quoted(schema)} CASCADE"
                    )
        except BaseException:
            home.run_alone(f"DROP DATABASE IF EXISTS {name}")
            raise
        return made

    def _make_scratch_schema(self, name: str, denied: AccessDenied) -> "PostgreSQL":
        if self.run(shares_sessions):
            raise self._no_scratch(denied)
        names = self.run(read_schemas)
        beside = self.run(lambda connection: connection.scalars(text(SCHEMAS_OF_EXTENSIONS_ONLY)).all())
        try:
            self.run_alone(f"CREATE SCHEMA {name}")
        except AccessDenied as error:
            raise self._no_scratch(error) from denied
        return _ScratchSchema(self.url, name, beside=beside, real=names)

    def _no_scratch(self, error: AccessDenied) -> AccessDenied:
        user = self.url.username or "the user"
        return AccessDenied(
            f"`{user}` may not make a scratch database on {postgresql_errors.address(self.url)}",
            why=f"the models are compared with an empty database brought to the latest revision; {error.why}",
            do=f'ALTER ROLE "{user}" CREATEDB  (or: GRANT CREATE ON DATABASE "{self.url.database}" TO "{user}")',
            user=user,
        )

    def run_alone(self, statement: str) -> None:
        """Run one statement that takes no transaction around it."""

        def work(connection: Connection) -> None:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(literally(statement))

        self.run(work)

    # ---- the whole of it

    def check_backup(self) -> None:
        postgresql_dump.find_dump(self._server_version())
        self.run(refuse_dump)

    def backup(self, target: Path, *, progress: Progress | None = None) -> None:
        self.run(refuse_dump)
        postgresql_dump.backup(self.url, self._settings(), target, self._server_version())

    def verify_backup(self, path: Path) -> None:
        postgresql_dump.verify(path)

    def restore(self, path: Path) -> str | None:
        """As `Database.restore`: the whole database, every schema, in one transaction."""
        postgresql_dump.verify(path)
        drops = self.run(statements_to_empty)
        postgresql_dump.restore(self.url, self._settings(), path, drops, self.table_lock_timeout_s)
        return None

    def delete(self, schemas: Sequence[str] = ()) -> tuple[str, ...]:
        """As `Database.delete`, in one transaction: what lies in the current schema, or in those named.

        Raises:
            Refused: something in another schema depends on it; nothing was removed.
        """

        def work(connection: Connection) -> tuple[str, ...]:
            with connection.begin():
                chosen = list(schemas) or [connection.exec_driver_sql("SELECT current_schema()").scalar_one()]
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {milliseconds(self.table_lock_timeout_s)}")
                refuse_dependents(connection, chosen)
                stored = read_objects(connection, chosen)
                for item in stored:
                    connection.execute(literally(item.drop))
            return tuple(str(item) for item in stored)

        return self.run(work)

    def _settings(self) -> dict[str, str]:
        return postgresql_dump.connection_settings(self.connect_options())

    def _server_version(self) -> int:
        query = "SELECT current_setting('server_version_num')::int / 10000"
        return int(self.run(lambda connection: connection.exec_driver_sql(query).scalar_one()))

    def explain(self, error: Exception) -> MigrateError | None:
        return postgresql_errors.explain(self.url, error) or super().explain(error)

    def unreachable(self, why: str) -> MigrateError:
        return postgresql_errors.unreachable(self.url, why)


class _ScratchSchema(PostgreSQL):
    """A schema of a database that holds real data as well."""

    def __init__(self, url: URL, schema: str, beside: Sequence[str], real: Sequence[str]) -> None:
        super().__init__(url)
        self.search_path = ", ".join(quoted(name) for name in (schema, *beside))
        self.real = tuple(real)

    def set_up(self, engine: Engine) -> None:
        def choose_schema(driver: Any, _record: Any) -> None:
            cursor = driver.cursor()
            cursor.execute(f"SET search_path TO {self.search_path}")
            cursor.close()
            driver.commit()

        # before SQLAlchemy's own listener, which asks for the default schema
        event.listen(engine, "connect", choose_schema, insert=True)
        user = self.url.username or "the user"
        fence_off(engine, self.real, what="the scratch schema", do=f'ALTER ROLE "{user}" CREATEDB')


def milliseconds(seconds: float) -> str:
    """For a timeout of PostgreSQL's, to which 0 means none."""
    return str(max(int(seconds * 1000), 1))
