"""PostgreSQL: backups by pg_dump, put back in one transaction."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from oppmigrate.databases import Database, open_database, postgresql_dump
from oppmigrate.errors import (
    BackupError,
    BackupUnreadable,
    DatabaseLocked,
    ProgramMissing,
)
from postgresql_rows import PASSWORD, SCHEMA, connect, need, query, role, state
from programs_on_path import set_path
from server_checks import writing_pairs

# ---- backups


def test_backup_and_restore_bring_everything_back(database: Database, tmp_path: Path) -> None:
    query(database, SCHEMA)
    before = state(database)
    target = tmp_path / "backups" / "b.dump"
    database.backup(target)
    database.verify_backup(target)
    query(
        database,
        "DELETE FROM audit.log; DELETE FROM parents WHERE name = 'Ada'; ALTER TABLE parents DROP COLUMN mood;"
        "DROP VIEW named; CREATE TABLE later (x integer); CREATE SCHEMA more; CREATE TABLE more.t (x integer);"
        "CREATE TYPE later_type AS ENUM ('x'); SELECT nextval('counter')",
    )
    database.restore(target)
    assert state(database) == before
    assert query(database, "SELECT to_regclass('later'), to_regclass('more.t'), to_regtype('later_type')") == [
        (None,) * 3
    ]
    query(database, "INSERT INTO parents (name) VALUES ('Edsger')")
    assert query(database, "SELECT id FROM parents WHERE name = 'Edsger'") == [(3,)]
    assert [entry.name for entry in target.parent.iterdir()] == ["b.dump"]


def test_restore_keeps_extensions_and_large_objects(plain: Database, tmp_path: Path) -> None:
    need(plain, "citext", "pg_trgm")
    query(
        plain,
        "CREATE EXTENSION citext; CREATE SCHEMA ext; CREATE EXTENSION pg_trgm SCHEMA ext;"
        "CREATE TABLE t (x citext); INSERT INTO t VALUES ('Ada'); SELECT lo_from_bytea(4242, 'large');"
        "CREATE INDEX i ON t USING gin ((x::text) ext.gin_trgm_ops); CREATE PUBLICATION p FOR TABLE t",
    )
    plain.backup(tmp_path / "b.dump")
    plain.restore(tmp_path / "b.dump")
    assert query(plain, "SELECT x::text, x = 'ADA', lo_get(4242) FROM t") == [("Ada", True, b"large")]
    assert query(plain, "SELECT extname FROM pg_extension ORDER BY 1") == [("citext",), ("pg_trgm",), ("plpgsql",)]


def test_restore_works_for_a_role_that_does_not_own_the_extensions(
    plain: Database, role_name: str, tmp_path: Path
) -> None:
    need(plain, "pgcrypto")
    query(plain, "CREATE EXTENSION pgcrypto")
    url = role(
        plain,
        role_name,
        f"GRANT ALL ON DATABASE {plain.label} TO {role_name}",
        f"GRANT ALL ON SCHEMA public TO {role_name}",
    )
    database = open_database(url)

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE t (x integer)")
        connection.exec_driver_sql("INSERT INTO t VALUES (5)")
        connection.commit()

    database.run(work)
    database.backup(tmp_path / "b.dump")
    query(plain, "DELETE FROM t")
    database.restore(tmp_path / "b.dump")
    assert query(plain, "SELECT x FROM t") == [(5,)]


@pytest.mark.parametrize("part", [0.02, 0.5, 0.9, 0.999])
def test_restore_of_a_truncated_backup_changes_nothing(plain: Database, tmp_path: Path, part: float) -> None:
    query(plain, SCHEMA)
    query(plain, "INSERT INTO audit.log (line) SELECT md5(n::text) FROM generate_series(1, 20000) AS n")
    target = tmp_path / "b.dump"
    plain.backup(target)
    data = target.read_bytes()
    target.write_bytes(data[: int(len(data) * part)])
    before = state(plain)
    with pytest.raises(BackupUnreadable, match=r"b\.dump"):
        plain.restore(target)
    assert state(plain) == before


def test_backup_of_another_kind_is_refused(plain: Database, tmp_path: Path) -> None:
    (tmp_path / "b.dump").write_text("-- PostgreSQL database dump\n")
    with pytest.raises(BackupUnreadable, match="not a whole dump"):
        plain.verify_backup(tmp_path / "b.dump")
    with pytest.raises(BackupUnreadable, match="No such file"):
        plain.verify_backup(tmp_path / "none.dump")


def test_restore_that_fails_in_the_middle_leaves_the_old_data(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_restore ends with an error after it has written the half of it to psql."""
    query(plain, SCHEMA)
    target = tmp_path / "b.dump"
    plain.backup(target)
    query(plain, "INSERT INTO parents (name) VALUES ('Edsger')")
    before = state(plain)
    monkeypatch.setattr(postgresql_dump, "verify", lambda path: None)
    real = postgresql_dump.find_program(["pg_restore"], "")
    script = (
        f'case "$*" in *--use-list*) {real} "$@" | /usr/bin/head -c 9000; echo broken >&2; exit 1;; esac; {real} "$@"'
    )
    set_path(monkeypatch, tmp_path / "bin", {"pg_restore": script}, keep=("psql",))
    with pytest.raises(BackupError, match="holds what it held before") as caught:
        plain.restore(target)
    assert caught.value.why == "broken"
    assert state(plain) == before


def test_restore_that_the_server_refuses_leaves_the_old_data(plain: Database, tmp_path: Path) -> None:
    """The dump refers to a role that is gone."""
    name = f"oppman_gone_{plain.label[-6:]}"
    query(plain, SCHEMA)
    query(plain, f"CREATE ROLE {name}; ALTER TABLE audit.log OWNER TO {name}")
    target = tmp_path / "b.dump"
    plain.backup(target)
    query(plain, f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}")
    before = state(plain)
    with pytest.raises(BackupError, match="holds what it held before") as caught:
        plain.restore(target)
    assert name in str(caught.value.why)
    assert state(plain) == before


def test_restore_waits_for_a_busy_table_only_so_long(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(plain), "table_lock_timeout_s", 0.2)
    query(plain, SCHEMA)
    plain.backup(tmp_path / "b.dump")
    before = state(plain)
    with closing(connect(plain)) as other:
        other.autocommit = False
        other.execute("SELECT * FROM parents")
        with pytest.raises(DatabaseLocked, match="holds what it held before"):
            plain.restore(tmp_path / "b.dump")
        with pytest.raises(DatabaseLocked):
            plain.delete(schemas=["public", "audit"])  # type: ignore[call-arg]
    assert state(plain) == before


def test_backup_is_of_one_moment_while_others_write(plain: Database, tmp_path: Path) -> None:
    query(plain, "CREATE TABLE pairs (number integer, side text)")
    with closing(connect(plain)) as other, writing_pairs(other.execute):
        plain.backup(tmp_path / "b.dump")
    plain.restore(tmp_path / "b.dump")
    assert query(plain, "SELECT number FROM pairs GROUP BY number HAVING count(*) <> 2") == []


def test_backup_never_overwrites(plain: Database, tmp_path: Path) -> None:
    target = tmp_path / "b.dump"
    target.write_text("precious")
    with pytest.raises(BackupError, match="exists already"):
        plain.backup(target)
    assert [entry.name for entry in tmp_path.iterdir()] == ["b.dump"]
    assert target.read_text() == "precious"


def test_missing_programs_are_named_with_their_package(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_dump, "_debian_folders", list)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissing, match="pg_dump is not on the PATH") as caught:
        plain.backup(tmp_path / "b.dump")
    assert "apt install postgresql-client" in str(caught.value.do)
    assert list(tmp_path.iterdir()) == []


def test_dump_program_older_than_the_server_is_named_with_the_version_to_install(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_dump, "_debian_folders", list)
    set_path(monkeypatch, tmp_path / "bin", {"pg_dump": "echo 'pg_dump (PostgreSQL) 9.6.24'"})
    with pytest.raises(ProgramMissing, match="too old for this server: it is 9, the server is PostgreSQL 1") as caught:
        plain.backup(tmp_path / "b.dump")
    assert "apt install postgresql-client-1" in str(caught.value.do)


def test_newer_dump_program_elsewhere_is_used_in_place_of_an_old_one(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = tmp_path / "99" / "bin"
    newer.mkdir(parents=True)
    (newer / "pg_dump").touch()
    monkeypatch.setattr(postgresql_dump, "_debian_folders", lambda: [newer])
    set_path(monkeypatch, tmp_path / "bin", {"pg_dump": "echo 'pg_dump (PostgreSQL) 9.6.24'"})
    assert postgresql_dump.find_dump(18) == newer / "pg_dump"


def test_version_mismatch_that_only_the_program_sees_is_explained(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "pg_dump: error: aborting because of server version mismatch"
    script = f'case "$1" in --version) echo "pg_dump (PostgreSQL) 99.1";; *) echo "{words}" >&2; exit 1;; esac'
    set_path(monkeypatch, tmp_path / "bin", {"pg_dump": script})
    with pytest.raises(ProgramMissing) as caught:
        plain.backup(tmp_path / "b.dump")
    assert caught.value.why == words


def test_password_is_in_no_argument_and_no_message(
    plain: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "record"
    script = f'case "$1" in --version) echo "pg_dump (PostgreSQL) 99.1"; exit;; esac; echo "$@" > {record}; '
    script += f'echo "$PGPASSWORD" >> {record}; echo "FATAL for $PGPASSWORD" >&2; exit 1'
    set_path(monkeypatch, tmp_path / "bin", {"pg_dump": script})
    database = open_database(str(plain.url.set(password=None)))
    database = type(database)(database.url.set(password=PASSWORD))
    with pytest.raises(BackupError) as caught:
        database.backup(tmp_path / "b.dump")
    arguments, password = record.read_text().splitlines()
    assert password == PASSWORD
    assert PASSWORD not in arguments
    assert PASSWORD not in f"{caught.value}{database!r}{database.safe_url}"
    assert "FATAL for ***" in str(caught.value)


def test_password_in_the_options_of_a_url_is_hidden() -> None:
    database = open_database("postgresql://u@h/d?password=secretly&sslmode=require")
    assert "secretly" not in f"{database!r}{database.safe_url}"
    assert "sslmode=require" in database.safe_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql+psycopg://u:p@h:6000/d?sslmode=require",
            {"PGHOST": "h", "PGPORT": "6000", "PGSSLMODE": "require"},
        ),
        ("postgresql+asyncpg://u:p@h/d?ssl=require", {"PGHOST": "h", "PGSSLMODE": "require"}),
        ("postgresql+psycopg://u:p@/d?host=/run/pg", {"PGHOST": "/run/pg"}),
        ("postgresql+asyncpg://u:p@/d?host=a:1&host=b:2", {"PGHOST": "a,b", "PGPORT": "1,2"}),
        ("postgresql+psycopg://u:p@/d?host=a:1&host=b:2", {"PGHOST": "a,b", "PGPORT": "1,2"}),
    ],
)
def test_programs_connect_as_the_driver_does(url: str, expected: dict[str, str]) -> None:
    settings = postgresql_dump.connection_settings(open_database(url).connect_options())
    common = {"PGUSER": "u", "PGPASSWORD": "p", "PGDATABASE": "d", "PGCONNECT_TIMEOUT": "5"}
    assert settings == common | expected
