"""PostgreSQL behind pgbouncer, which gives each transaction another session: nothing of ours stays in any of them."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, make_url, text

from migrated_project import MigratedProject
from oppmigrate.databases import Database, open_database
from oppmigrate.databases.postgresql_proxy import shares_sessions
from oppmigrate.errors import AccessDenied, BackupError
from pgbouncer import pgbouncer
from postgresql_rows import DRIVERS, connect, query, role
from projects import Project
from servers import with_driver

SETTINGS = ("search_path", "lock_timeout", "statement_timeout", "row_security", "extra_float_digits", "IntervalStyle")
SHOWN = f"SELECT pg_backend_pid(), {', '.join(f'current_setting({name!r})' for name in SETTINGS)}"

STATEMENTS = 50

MODELS = """
from sqlmodel import Field, SQLModel


class T(SQLModel, table=True):
    x: int = Field(primary_key=True)
    y: int
"""


@pytest.fixture(params=["transaction", "session"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pooled(request: pytest.FixtureRequest, postgresql_url: str, tmp_path: Path) -> Iterator[str]:
    """The database's URL by way of the proxy; in transaction mode, unless the test has another."""
    mode = request.getfixturevalue("mode") if "mode" in request.fixturenames else "transaction"
    with pgbouncer(postgresql_url, tmp_path, mode=mode) as port:
        yield make_url(postgresql_url).set(port=port).render_as_string(hide_password=False)


def settings_of_its_sessions(pooled: str) -> set[tuple[str, ...]]:
    """What somebody finds who gets one of the proxy's sessions: as many at once as there may be."""
    asked = [connect(open_database(pooled)) for _ in range(8)]
    for session in asked:
        session.autocommit = False
    rows = [session.execute(SHOWN).fetchone() for session in asked]  # type: ignore[call-overload]
    for session in asked:
        session.close()
    return {tuple(row[1:]) for row in rows if row}


@pytest.mark.parametrize("driver", DRIVERS)
def test_shared_sessions_are_noticed(pooled: str, mode: str, driver: str) -> None:
    database = open_database(with_driver(pooled, driver))
    assert [database.run(shares_sessions) for _ in range(3)] == [mode == "transaction"] * 3


@pytest.mark.parametrize("driver", DRIVERS)
def test_server_itself_shares_none(postgresql_url: str, driver: str) -> None:
    assert not open_database(with_driver(postgresql_url, driver)).run(shares_sessions)


def test_single_session_is_noticed_at_once(postgresql_url: str, tmp_path: Path) -> None:
    """With no second session to be had, whoever asks for it would wait for ever."""
    with pgbouncer(postgresql_url, tmp_path, pool_size=1) as port:
        url = make_url(postgresql_url).set(port=port).render_as_string(hide_password=False)
        assert open_database(url).run(shares_sessions)


def test_backup_is_refused_where_its_settings_would_stay(pooled: str, tmp_path: Path) -> None:
    database = open_database(pooled)
    query(database, "CREATE TABLE t (x integer); INSERT INTO t VALUES (1)")
    before = settings_of_its_sessions(pooled)
    with pytest.raises(BackupError, match="proxy") as raised:
        database.backup(tmp_path / "b.dump")
    assert "the server's own address" in str(raised.value.do)
    assert not (tmp_path / "b.dump").exists()
    assert settings_of_its_sessions(pooled) == before


def test_backup_and_restore_go_through_a_proxy_that_shares_none(
    postgresql_url: str, tmp_path: Path, plain: Database
) -> None:
    query(plain, "CREATE TABLE t (x integer); INSERT INTO t VALUES (1)")
    with pgbouncer(postgresql_url, tmp_path, mode="session") as port:
        database = open_database(make_url(postgresql_url).set(port=port).render_as_string(hide_password=False))
        database.backup(tmp_path / "b.dump")
        query(database, "DROP TABLE t")
        database.restore(tmp_path / "b.dump")
    assert query(plain, "SELECT x FROM t") == [(1,)]


def test_restore_leaves_no_setting_in_the_sessions(pooled: str, plain: Database, tmp_path: Path) -> None:
    query(plain, "CREATE TABLE t (x integer); INSERT INTO t VALUES (1)")
    plain.backup(tmp_path / "b.dump")
    before = settings_of_its_sessions(pooled)
    query(plain, "DELETE FROM t")
    open_database(pooled).restore(tmp_path / "b.dump")
    assert query(plain, "SELECT x FROM t") == [(1,)]
    assert settings_of_its_sessions(pooled) == before


def test_asyncpg_runs_what_it_prepared_while_others_take_the_sessions(pooled: str, plain: Database) -> None:
    """Each statement that commits by itself is prepared in one session; the next may be another."""
    query(plain, "CREATE TABLE t (x integer); INSERT INTO t VALUES (0)")
    database, over = open_database(with_driver(pooled, "postgresql+asyncpg")), threading.Event()

    def hold_a_session() -> None:
        with closing(connect(open_database(pooled))) as session:
            session.prepare_threshold = None
            while not over.is_set():
                session.execute("SELECT 1")

    def count(connection: Connection) -> None:
        database.prepare(connection)
        connection.rollback()
        with connection.execution_options(isolation_level="AUTOCOMMIT"):
            for _ in range(STATEMENTS):
                assert connection.exec_driver_sql("UPDATE t SET x = x + 1").rowcount == 1
                assert connection.execute(text("SELECT x >= :least FROM t"), {"least": 1}).scalar_one()

    others = [threading.Thread(target=hold_a_session) for _ in range(4)]
    for other in others:
        other.start()
    try:
        database.run(count)
    finally:
        over.set()
        for other in others:
            other.join()
    assert query(plain, "SELECT x FROM t") == [(STATEMENTS,)]


def test_scratch_schema_is_refused_where_its_search_path_would_stay(
    plain: Database, role_name: str, tmp_path: Path
) -> None:
    """Others would find its tables in place of theirs."""
    url = role(plain, role_name, f"GRANT CREATE ON DATABASE {plain.label} TO {role_name}")
    with pgbouncer(url, tmp_path) as port:
        pooled = make_url(url).set(port=port).render_as_string(hide_password=False)
        before = settings_of_its_sessions(pooled)
        with pytest.raises(AccessDenied, match="scratch"), open_database(pooled).scratch():
            pass
        assert settings_of_its_sessions(pooled) == before


def test_upgrade_that_loses_data_says_that_there_is_no_backup(project: Project, pooled: str) -> None:
    shop = MigratedProject(project, pooled)
    project.write("models.py", MODELS)
    shop.ok("migrate", "init")
    shop.revision("one", None, 'op.create_table("t", sa.Column("x", sa.Integer), sa.Column("y", sa.Integer))')
    shop.ok("migrate", "upgrade")
    shop.execute("INSERT INTO t VALUES (1, 2)")
    shop.revision("two", "one", 'op.drop_column("t", "y")')
    refused = shop.run("migrate", "upgrade", "--backup")
    assert refused.returncode == 1
    assert "there is no backup, and so nothing was changed: pg_dump cannot be run through a proxy" in refused.stderr
    assert shop.heads() == [("one",)]
    done = shop.run("migrate", "upgrade")
    assert done.returncode == 0
    assert "no backup was taken: pg_dump cannot be run through a proxy" in done.stderr
    assert shop.rows("SELECT * FROM t") == [(1,)]
