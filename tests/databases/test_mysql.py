"""MariaDB and MySQL: locks, scratch databases, and backups by their own programs."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases import Database, mysql_dump, mysql_errors, open_database, opening
from oppmigrate.errors import (
    AccessDenied,
    BackupError,
    BackupUnreadable,
    ConfigurationError,
    DatabaseError,
    DatabaseLocked,
    DatabaseMissing,
    DatabaseReadOnly,
    DatabaseUnreachable,
    DriverMissing,
    ProgramMissing,
    Refused,
)
from programs_on_path import set_path

DRIVERS = ("mysql+pymysql", "mysql+aiomysql", "mariadb+pymysql")
PASSWORD = "Se#s\\am:'open@/100%\""

SCHEMA = [
    "CREATE TABLE parents (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) NOT NULL UNIQUE COLLATE utf8mb4_bin,"
    " mood ENUM('low', 'high') DEFAULT 'high', picture BLOB, `odd:name %s` VARCHAR(20), twice INT AS (id * 2) VIRTUAL)"
    " AUTO_INCREMENT = 40",
    "CREATE TABLE children (id INT AUTO_INCREMENT PRIMARY KEY, parent INT,"
    " FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE)",
    "CREATE VIEW named AS SELECT name FROM parents",
    "CREATE TRIGGER bred AFTER INSERT ON parents FOR EACH ROW BEGIN"
    " INSERT INTO children (parent) VALUES (NEW.id); INSERT INTO children (parent) VALUES (NEW.id); END",
    "CREATE FUNCTION doubled(x INT) RETURNS INT DETERMINISTIC RETURN x * 2",
    "CREATE PROCEDURE nothing() BEGIN END",
    "CREATE EVENT later ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00' DO SELECT 1",
    "INSERT INTO parents (name, picture) VALUES ('Ada', X'00FF27'), ('Grüße 🌙', NULL)",
]


@pytest.fixture(params=DRIVERS)
def database(request: pytest.FixtureRequest, mysql_url: str) -> Database:
    return open_database(with_driver(mysql_url, request.param))


@pytest.fixture
def plain(mysql_url: str) -> Database:
    return open_database(mysql_url)


def with_driver(url: str, driver: str, **changes: Any) -> str:
    return make_url(url).set(drivername=driver, **changes).render_as_string(hide_password=False)


def connect(database: Database) -> "pymysql.Connection[Any]":
    url = database.url
    return pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        autocommit=True,
    )


def query(database: Database, *statements: str) -> list[Any]:
    """Run the statements; the rows of the last one."""
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


def is_mariadb(database: Database) -> bool:
    return "MariaDB" in query(database, "SELECT VERSION()")[0][0]


def state(database: Database) -> list[Any]:
    rows = query(database, "SHOW TABLES")
    found: list[Any] = [rows]
    for (name,) in rows:
        found += query(database, f"SHOW CREATE TABLE `{name}`") + query(database, f"SELECT * FROM `{name}`")
    for kind in ("TRIGGERS", "EVENTS"):
        found.append([row[:4] for row in query(database, f"SHOW {kind}")])
    routines = (
        "SELECT routine_name, routine_definition FROM information_schema.routines WHERE routine_schema = DATABASE()"
    )
    return [*found, query(database, routines + " ORDER BY 1")]


@pytest.fixture
def account(plain: Database) -> Iterator[str]:
    """A user with a password full of special characters, and with no right yet."""
    name = f"oppman_{plain.label[-6:]}"
    with closing(connect(plain)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER %s@'%%' IDENTIFIED BY %s", (name, PASSWORD))
        yield name
        cursor.execute("DROP USER %s@'%%'", (name,))


# ---- which driver


def test_url_without_a_driver_takes_the_one_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("mysql", "mariadb"):
        for installed, expected in (
            ({"MySQLdb", "pymysql"}, "mysqldb"),
            ({"pymysql"}, "pymysql"),
            ({"aiomysql", "pymysql", "greenlet"}, "pymysql"),
            ({"asyncmy", "greenlet"}, "asyncmy"),
        ):
            monkeypatch.setattr(opening, "is_installed", installed.__contains__)
            database = open_database(f"{scheme}://u@h/d")
            assert (database.url.get_backend_name(), database.url.get_driver_name()) == (scheme, expected)


def test_missing_driver_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "is_installed", lambda module: False)
    for url, command in (
        ("mysql://u:secret@h/d", "pip install 'oppmigrate[mysql]'"),
        ("mariadb+pymysql://u:secret@h/d", "pip install 'oppmigrate[mysql]'"),
        ("mysql+aiomysql://u:secret@h/d", "pip install aiomysql"),
        ("mysql+mysqldb://u:secret@h/d", "pip install mysqlclient"),
    ):
        with pytest.raises(DriverMissing) as caught:
            open_database(url)
        assert caught.value.do == command
        assert "secret" not in str(caught.value)


def test_url_without_a_database_is_incomplete() -> None:
    with pytest.raises(ConfigurationError, match="names no database"):
        open_database("mysql+pymysql://u:secret@h")


ONLY_ONE_DRIVER = """
import sys
for name in sys.argv[3:]:
    sys.modules[name] = None
from pathlib import Path
from oppmigrate.databases import open_database

database = open_database(sys.argv[1])
database.probe()
assert database.exists()
database.size_bytes()

def work(connection):
    database.prepare(connection)
    with database.lock(connection, "key", 1), connection.begin():
        connection.exec_driver_sql("CREATE TABLE t (x integer)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    database.release(connection)

database.run(work)
with database.scratch() as scratch:
    scratch.run(work)
target = Path(sys.argv[2])
database.backup(target)
assert database.delete() == ("table t",)
database.restore(target)
print(database.run(lambda connection: connection.exec_driver_sql("SELECT x FROM t").scalar_one()))
"""


@pytest.mark.parametrize(
    ("driver", "absent"),
    [("mysql+aiomysql", "MySQLdb"), ("mysql+pymysql", "aiomysql"), ("mysql", "aiomysql"), ("mariadb", "aiomysql")],
)
def test_every_method_works_with_one_driver_alone(mysql_url: str, tmp_path: Path, driver: str, absent: str) -> None:
    command = [sys.executable, "-W", "error", "-c", ONLY_ONE_DRIVER, with_driver(mysql_url, driver), tmp_path / "b.sql"]
    done = subprocess.run([*command, absent, "MySQLdb", "asyncmy"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1\n", "")


# ---- connections


def test_run_commits_nothing_by_itself(database: Database) -> None:
    query(database, "CREATE TABLE t (x INT)")
    database.run(lambda connection: connection.exec_driver_sql("INSERT INTO t VALUES (1)"))
    assert query(database, "SELECT * FROM t") == []


def test_run_works_inside_a_running_event_loop(database: Database) -> None:
    async def main() -> int:
        return database.run(lambda connection: int(connection.exec_driver_sql("SELECT 7").scalar_one()))

    assert asyncio.run(main()) == 7


def test_ddl_is_known_to_commit_by_itself(plain: Database) -> None:
    assert (plain.rolls_back_ddl, plain.one_transaction, plain.rebuilds_tables) == (False, False, False)


def test_exists_and_size(database: Database) -> None:
    query(database, "CREATE TABLE t (x INT)")
    assert database.exists()
    assert database.size_bytes() > 1000
    assert not type(database)(database.url.set(database="oppman_none")).exists()


def test_statement_longer_than_the_time_to_connect_runs_to_its_end(
    mysql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pymysql's read timeout stands for the connecting only."""
    monkeypatch.setattr("oppmigrate.databases.base.Database.connect_timeout_s", 1)
    for driver in DRIVERS:
        database = open_database(with_driver(mysql_url, driver))
        assert database.run(lambda connection: connection.exec_driver_sql("SELECT SLEEP(1.3)").scalar_one()) == 0


# ---- migrating


def lock_wait_timeout(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT @@SESSION.lock_wait_timeout").scalar_one())


def test_prepare_sets_a_lock_timeout_and_release_takes_it_back(database: Database) -> None:
    def work(connection: Connection) -> None:
        before = lock_wait_timeout(connection)
        connection.rollback()
        database.prepare(connection)
        assert not connection.in_transaction()
        assert lock_wait_timeout(connection) == 5 < before
        database.release(connection)
        assert lock_wait_timeout(connection) == before

    database.run(work)


def test_prepare_leaves_a_lock_timeout_of_the_users_own(plain: Database) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("SET SESSION lock_wait_timeout = 60")
        plain.prepare(connection)
        assert lock_wait_timeout(connection) == 60
        plain.release(connection)
        assert lock_wait_timeout(connection) == 60

    plain.run(work)


def test_statement_that_waits_for_a_lock_becomes_database_locked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(database), "lock_timeout_s", 1)
    query(database, "CREATE TABLE t (x INT)")

    def work(connection: Connection) -> None:
        database.prepare(connection)
        connection.exec_driver_sql("ALTER TABLE t ADD COLUMN y INT")

    with closing(connect(database)) as other, other.cursor() as cursor:
        other.begin()
        cursor.execute("SELECT * FROM t")
        with pytest.raises(DatabaseLocked, match="another session"):
            database.run(work)
        other.rollback()


def test_lock_is_held_by_one_and_free_afterwards(database: Database) -> None:
    def first(connection: Connection) -> None:
        with database.lock(connection, "key", 0):
            assert not connection.in_transaction()
            with pytest.raises(DatabaseLocked, match="another migration") as caught:
                database.run(second)
            assert isinstance(caught.value.facts["pid"], int)
            assert "KILL" in str(caught.value.do)
            database.run(elsewhere)
        database.run(second)

    def second(connection: Connection) -> None:
        with database.lock(connection, "key", 0.2):
            pass

    def elsewhere(connection: Connection) -> None:
        with database.lock(connection, "another key", 0):
            pass

    database.run(first)


def test_lock_of_another_database_is_another_lock(plain: Database, mysql_url: str) -> None:
    def first(connection: Connection) -> None:
        other = type(plain)(plain.url.set(database="information_schema"))
        with plain.lock(connection, "key", 0):
            other.run(lambda second: other.lock(second, "key", 0).__enter__())

    plain.run(first)


def test_lock_waits_until_the_other_is_done(plain: Database) -> None:
    held = threading.Event()

    def first(connection: Connection) -> None:
        with plain.lock(connection, "key", 0):
            held.set()
            time.sleep(0.4)

    def second(connection: Connection) -> None:
        with plain.lock(connection, "key", 5):
            pass

    thread = threading.Thread(target=plain.run, args=(first,))
    thread.start()
    held.wait()
    plain.run(second)
    thread.join()


# ---- scratch


@pytest.mark.parametrize("error", [None, ValueError("mine"), KeyboardInterrupt()])
def test_scratch_is_empty_and_removed_whatever_happens(database: Database, error: BaseException | None) -> None:
    query(database, "CREATE TABLE t (x INT)", f"ALTER DATABASE `{database.label}` COLLATE utf8mb4_bin")
    names: list[str] = []
    try:
        with database.scratch() as scratch:
            names.append(scratch.label)
            scratch.run(lambda connection: connection.exec_driver_sql("CREATE TABLE t (x VARCHAR(5))"))
            assert "utf8mb4_bin" in query(scratch, "SHOW CREATE TABLE t")[0][1]
            if error is not None:
                raise error
    except (ValueError, KeyboardInterrupt) as caught:
        assert caught is error
    assert (names[0],) not in query(database, "SHOW DATABASES")


def test_scratch_keeps_statements_away_from_other_databases(database: Database) -> None:
    query(database, "CREATE TABLE t (x INT)")
    real = database.label
    with database.scratch() as scratch:
        for statement in (
            f"INSERT INTO {real}.t VALUES (1)",
            f"ALTER TABLE `{real}`.`t` ADD COLUMN y INT",
            f"DROP TABLE IF EXISTS x, {real}.t",
            f"USE {real}",
            f"CREATE DATABASE {real}_2",
        ):
            with pytest.raises(AccessDenied, match="was not run in the scratch database"):
                scratch.run(lambda connection, statement=statement: connection.exec_driver_sql(statement))
        columns = f"SELECT {real}.x FROM (SELECT 1 AS x) AS {real} WHERE {real}.x = 1"  # a table called as the database
        assert scratch.run(lambda connection: connection.exec_driver_sql(columns).scalar_one()) == 1
    assert query(database, "SELECT * FROM t") == []


def test_scratch_works_where_the_database_does_not_exist_yet(plain: Database) -> None:
    with type(plain)(plain.url.set(database="oppman_none")).scratch() as scratch:
        scratch.run(lambda connection: connection.exec_driver_sql("CREATE TABLE t (x INT)"))


def test_scratch_without_the_right_names_the_grant_which_then_suffices(plain: Database, account: str) -> None:
    query(plain, f"GRANT ALL ON `{plain.label}`.* TO '{account}'@'%'")
    database = type(plain)(plain.url.set(username=account, password=PASSWORD))
    with pytest.raises(AccessDenied, match="may not make a scratch database") as caught, database.scratch():
        pass
    command = str(caught.value.do).removeprefix("as an administrator: ")
    assert command == f"GRANT ALL ON `oppman\\_scratch\\_%`.* TO '{account}'@'%'"
    assert PASSWORD not in str(caught.value)
    query(plain, command)
    with database.scratch() as scratch:
        scratch.run(lambda connection: connection.exec_driver_sql("CREATE TABLE t (x INT)"))


# ---- backups


def test_backup_and_restore_bring_everything_back(database: Database, tmp_path: Path) -> None:
    query(database, *SCHEMA)
    if is_mariadb(database):
        query(database, "CREATE SEQUENCE counter START WITH 5", "SELECT NEXTVAL(counter)")
    before = state(database)
    target = tmp_path / "backups" / "b.sql"
    database.backup(target)
    database.verify_backup(target)
    query(
        database,
        "DELETE FROM parents WHERE name = 'Ada'",
        "ALTER TABLE parents DROP COLUMN mood",
        "DROP VIEW named",
        "CREATE TABLE later (x INT)",
        "DROP TRIGGER bred",
        "DROP FUNCTION doubled",
        "DROP EVENT later",
    )
    database.restore(target)
    assert state(database) == before
    query(database, "INSERT INTO parents (name) VALUES ('Edsger')")
    assert query(database, "SELECT id, twice FROM parents WHERE name = 'Edsger'") == [(42, 84)]
    assert [entry.name for entry in target.parent.iterdir()] == ["b.sql"]
    assert target.stat().st_mode & 0o777 == 0o600


def test_backup_and_restore_by_a_user_with_a_difficult_password(
    plain: Database, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ~/.my.cnf with another password does not get in the way."""
    (tmp_path / ".my.cnf").write_text("[client]\npassword=wrong\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    query(plain, f"GRANT ALL ON `{plain.label}`.* TO '{account}'@'%'")
    database = type(plain)(plain.url.set(username=account, password=PASSWORD))
    query(database, "CREATE TABLE t (x INT)", "INSERT INTO t VALUES (5)", "CREATE VIEW v AS SELECT x FROM t")
    database.backup(tmp_path / "b.sql")
    query(database, "DELETE FROM t")
    database.restore(tmp_path / "b.sql")
    assert query(database, "SELECT x FROM v") == [(5,)]


SPOILS = {
    "truncated": lambda data: data[: len(data) // 2],
    "without its end": lambda data: data[: data.index(b"-- Dump completed")],
    "changed in the middle": lambda data: data.replace(b"'Ada'", b"'Eve'"),
    "empty": lambda data: b"",
    "of another kind": lambda data: b"PGDMP" + data,
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_restore_of_a_spoilt_backup_changes_nothing(plain: Database, tmp_path: Path, spoil: str) -> None:
    query(plain, *SCHEMA)
    target = tmp_path / "b.sql"
    plain.backup(target)
    data = target.read_bytes()
    if spoil == "of another kind":
        data = data.replace(b"-- MariaDB dump", b"-- dump").replace(b"-- MySQL dump", b"-- dump")
    target.write_bytes(SPOILS[spoil](data))
    before = state(plain)
    with pytest.raises(BackupUnreadable, match=r"b\.sql"):
        plain.restore(target)
    assert state(plain) == before


def test_dump_that_somebody_else_made_is_accepted(plain: Database, tmp_path: Path) -> None:
    query(plain, *SCHEMA)
    target = tmp_path / "b.sql"
    plain.backup(target)
    lines = target.read_bytes().splitlines(keepends=True)
    assert lines[-1].startswith(b"-- sha256")
    target.write_bytes(b"".join(lines[:-1]))
    plain.restore(target)
    assert len(query(plain, "SELECT * FROM parents")) == 2


def test_restore_that_the_server_refuses_says_where_the_backup_lies(plain: Database, tmp_path: Path) -> None:
    target = tmp_path / "b.sql"
    target.write_text("-- MySQL dump 10.19\nCREATE TABLE t (x INT);\nno sql;\n-- Dump completed\n")
    with pytest.raises(BackupError, match="only a part of the backup") as caught:
        plain.restore(target)
    assert f"oppman restore {target}" in str(caught.value.do)
    assert "syntax" in str(caught.value.why)


def test_restore_without_the_client_program_drops_nothing(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query(plain, *SCHEMA)
    plain.backup(tmp_path / "b.sql")
    before = state(plain)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissing, match="mariadb or mysql|mysql or mariadb"):
        plain.restore(tmp_path / "b.sql")
    assert state(plain) == before


def test_missing_program_is_named_with_its_package(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissing, match=r"mariadb-dump|mysqldump") as caught:
        plain.backup(tmp_path / "b.sql")
    assert "apt install" in str(caught.value.do)
    assert list(tmp_path.iterdir()) == []


def test_backup_is_of_one_moment_while_others_write(plain: Database, tmp_path: Path) -> None:
    query(plain, "CREATE TABLE pairs (number INT, side VARCHAR(5))")
    over = threading.Event()

    def write() -> None:
        with closing(connect(plain)) as other, other.cursor() as cursor:
            number = 0
            while not over.is_set():
                cursor.execute("INSERT INTO pairs VALUES (%s, 'left'), (%s, 'right')", (number, number))
                number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        plain.backup(tmp_path / "b.sql")
    finally:
        over.set()
        thread.join()
    plain.restore(tmp_path / "b.sql")
    assert query(plain, "SELECT number FROM pairs GROUP BY number HAVING COUNT(*) <> 2") == []


def test_backup_never_overwrites(plain: Database, tmp_path: Path) -> None:
    target = tmp_path / "b.sql"
    target.write_text("precious")
    with pytest.raises(BackupError, match="exists already"):
        plain.backup(target)
    assert [entry.name for entry in tmp_path.iterdir()] == ["b.sql"]


def test_password_is_in_no_argument_and_no_message(
    plain: Database, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "record"
    script = 'case "$1" in --version) echo "mariadb-dump from 10.11-MariaDB"; exit;; esac; '
    script += f'echo "$@" > {record}; /bin/cat "${{1#--defaults-file=}}" >> {record}; '
    script += (
        f'/usr/bin/stat -c %a "${{1#--defaults-file=}}" >> {record}; printf "no \'%s\'" "$OPPMAN_TEST_WORD" >&2; exit 1'
    )
    monkeypatch.setenv("OPPMAN_TEST_WORD", PASSWORD)
    set_path(monkeypatch, tmp_path / "bin", {"mariadb-dump": script, "mysqldump": script})
    query(plain, f"GRANT ALL ON `{plain.label}`.* TO '{account}'@'%'")
    database = type(plain)(plain.url.set(username=account, password=PASSWORD))
    with pytest.raises(BackupError) as caught:
        database.backup(tmp_path / "b.sql")
    arguments, *settings, mode = record.read_text().splitlines()
    assert PASSWORD not in f"{arguments}{caught.value}{database!r}{database.safe_url}"
    assert caught.value.why == "no '***'"
    assert mode == "600"
    assert settings[0] == "[client]"
    assert not Path(arguments.split()[0].partition("=")[2]).exists()


# ---- delete


def test_delete_empties_the_database_and_leaves_it(database: Database) -> None:
    query(database, *SCHEMA, "CREATE TABLE `a %s ``b``` (x INT)")
    removed = database.delete()
    expected = [
        "view named",
        "table a %s `b`",
        "table children",
        "table parents",
        "function doubled",
        "procedure nothing",
    ]
    assert list(removed) == [*expected, "event later"]
    assert database.exists()
    assert database.delete() == ()


def test_delete_is_refused_while_another_database_needs_it(plain: Database) -> None:
    query(plain, *SCHEMA)
    other = f"{plain.label}_x"
    query(plain, f"CREATE DATABASE {other}")
    try:
        query(
            plain, f"CREATE TABLE {other}.t (x INT, CONSTRAINT k FOREIGN KEY (x) REFERENCES {plain.label}.parents (id))"
        )
        before = state(plain)
        with pytest.raises(Refused, match="cannot be emptied") as caught:
            plain.delete()
        assert f"foreign key k of {other}.t refers to parents" in str(caught.value.why)
        assert state(plain) == before
    finally:
        query(plain, f"DROP DATABASE {other}")


# ---- errors


@pytest.mark.parametrize("driver", DRIVERS)
class TestUnreachable:
    def test_port_without_a_server(self, driver: str) -> None:
        assert "Errno 111" in self.why(f"{driver}://u:secretly@127.0.0.1:{free_port()}/d", "127.0.0.1")

    def test_host_name_that_nobody_knows(self, driver: str) -> None:
        self.why(f"{driver}://u:secretly@nowhere.invalid/d", "nowhere.invalid")

    def test_server_that_never_answers(self, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("oppmigrate.databases.base.Database.connect_timeout_s", 1)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            began = time.monotonic()
            self.why(f"{driver}://u:secretly@127.0.0.1:{silent.getsockname()[1]}/d", "127.0.0.1")
            assert time.monotonic() - began < 5

    @staticmethod
    def why(url: str, words: str) -> str:
        database = open_database(url)
        with pytest.raises(DatabaseUnreachable, match=words) as caught:
            database.probe()
        assert caught.value.why
        assert "secretly" not in f"{caught.value}{database!r}"
        return caught.value.why


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_unknown_database_gets_the_command_that_makes_it(database: Database) -> None:
    with pytest.raises(DatabaseMissing) as caught:
        type(database)(database.url.set(database="oppman_none")).probe()
    assert "CREATE DATABASE `oppman_none`" in str(caught.value.do)


def test_wrong_password_is_denied_and_never_shown(database: Database, account: str) -> None:
    query(database, f"GRANT ALL ON `{database.label}`.* TO '{account}'@'%'")
    right = type(database)(database.url.set(username=account, password=PASSWORD))
    right.probe()
    wrong = type(database)(database.url.set(username=account, password="wrongly"))
    with pytest.raises(AccessDenied, match=account) as caught:
        wrong.probe()
    assert "wrongly" not in f"{caught.value}{wrong!r}"


def test_lacking_right_names_the_grant(database: Database, account: str) -> None:
    query(database, "CREATE TABLE t (x INT)", f"GRANT SELECT ON `{database.label}`.* TO '{account}'@'%'")
    limited = type(database)(database.url.set(username=account, password=PASSWORD))
    with pytest.raises(AccessDenied, match="lacks a right") as caught:
        limited.run(lambda connection: connection.exec_driver_sql("ALTER TABLE t ADD COLUMN y INT"))
    assert str(caught.value.do).startswith(f"as an administrator: GRANT ALL ON `{database.label}`.* TO '{account}'@'")
    assert account in str(caught.value.do)


def test_connection_that_the_server_ends(database: Database) -> None:
    def work(connection: Connection) -> None:
        query(database, f"KILL {connection.exec_driver_sql('SELECT CONNECTION_ID()').scalar_one()}")
        connection.exec_driver_sql("SELECT 1")

    with pytest.raises(DatabaseUnreachable, match="was lost"):
        database.run(work)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (1045, AccessDenied),
        (1698, AccessDenied),
        (1044, AccessDenied),
        (1142, AccessDenied),
        (1227, AccessDenied),
        (1049, DatabaseMissing),
        (2003, DatabaseUnreachable),
        (2013, DatabaseUnreachable),
        (1040, DatabaseUnreachable),
        (1205, DatabaseLocked),
        (1213, DatabaseLocked),
        (1290, DatabaseReadOnly),
        (1114, DatabaseError),
        (1064, type(None)),
        (1062, type(None)),
    ],
)
def test_error_is_known_by_its_number(number: int, kind: type) -> None:
    error = DBAPIError("SELECT 1", {}, pymysql.err.OperationalError(number, "words"))
    explained = mysql_errors.explain(make_url("mysql://u:secretly@h/d"), error)
    assert type(explained) is kind
    assert "secretly" not in str(explained)


def test_missing_cryptography_is_a_missing_package() -> None:
    error = RuntimeError("'cryptography' package is required for sha256_password or caching_sha2_password auth methods")
    explained = mysql_errors.explain(make_url("mysql+pymysql://u@h/d"), error)
    assert isinstance(explained, DriverMissing)
    assert explained.do == "pip install cryptography"


def test_option_file_quotes_every_character() -> None:
    options = {"host": "h", "port": 3306, "user": "u", "password": 'a"b\\c#d', "ssl": {"ca": "/ca.pem"}}
    with mysql_dump.settings_file(options) as path:
        lines = path.read_text().splitlines()
    assert 'password="a\\"b\\\\c#d"' in lines
    assert 'ssl-ca="/ca.pem"' in lines
    assert 'protocol="tcp"' in lines
    assert not path.exists()
