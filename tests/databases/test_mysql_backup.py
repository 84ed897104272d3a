"""MariaDB and MySQL: scratch databases, and backups by their own programs."""

from contextlib import closing
from pathlib import Path

import pytest

from mysql_rows import PASSWORD, SCHEMA, connect, is_mariadb, query, state
from oppmigrate.databases import Database
from oppmigrate.errors import (
    AccessDenied,
    BackupError,
    BackupUnreadable,
    ProgramMissing,
)
from programs_on_path import set_path
from server_checks import writing_pairs

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
            f"/* there */ use `{real}`",
            f"CREATE DATABASE {real}_2",
        ):
            with pytest.raises(AccessDenied, match="was not run in the scratch database"):
                scratch.run(lambda connection, statement=statement: connection.exec_driver_sql(statement))
        columns = f"SELECT {real}.x FROM (SELECT 1 AS x) AS {real} WHERE {real}.x = 1"  # a table called as the database
        assert scratch.run(lambda connection: connection.exec_driver_sql(columns).scalar_one()) == 1
    assert query(database, "SELECT * FROM t") == []


def test_scratch_takes_names_that_end_like_a_statement_that_it_refuses(database: Database) -> None:
    with database.scratch() as scratch:
        scratch.run(lambda connection: connection.exec_driver_sql("CREATE TABLE t (in_use BOOL, warehouse INT)"))
        assert query(scratch, "SELECT in_use FROM t WHERE in_use IS NULL") == []


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


def write_refused_dump(target: Path) -> None:
    target.write_text("-- MySQL dump 10.19\nCREATE TABLE t (x INT);\nno sql;\n-- Dump completed\n")


def test_restore_that_the_server_refuses_changes_nothing(plain: Database, tmp_path: Path) -> None:
    query(plain, *SCHEMA)
    before = state(plain)
    write_refused_dump(tmp_path / "b.sql")
    with pytest.raises(BackupError, match="holds what it held before") as caught:
        plain.restore(tmp_path / "b.sql")
    assert "syntax" in str(caught.value.why)
    assert state(plain) == before
    assert query(plain, "SHOW DATABASES LIKE 'oppman_scratch_restore_%'") == []


def test_restore_by_a_user_who_may_make_no_database_says_what_was_risked(
    plain: Database, account: str, tmp_path: Path
) -> None:
    query(plain, f"GRANT ALL ON `{plain.label}`.* TO '{account}'@'%'")
    database = type(plain)(plain.url.set(username=account, password=PASSWORD))
    query(database, "CREATE TABLE t (x INT)", "INSERT INTO t VALUES (5)")
    database.backup(tmp_path / "b.sql")
    query(database, "DELETE FROM t", "CREATE TABLE later (x INT)")
    note = database.restore(tmp_path / "b.sql")
    assert note is not None
    assert "a part would be there" in note
    assert query(database, "SELECT x FROM t") == [(5,)]
    assert [row[0] for row in query(database, "SHOW TABLES")] == ["t"]
    write_refused_dump(tmp_path / "refused.sql")
    with pytest.raises(BackupError, match="only a part of the backup") as caught:
        database.restore(tmp_path / "refused.sql")
    assert f"oppman restore {tmp_path / 'refused.sql'}" in str(caught.value.do)


def test_dump_that_chooses_its_database_is_refused(plain: Database, tmp_path: Path) -> None:
    """It would be loaded over the data at once, and what lies beside, empty, then put in the place of that."""
    query(plain, *SCHEMA)
    before = state(plain)
    target = tmp_path / "b.sql"
    target.write_text(f"-- MySQL dump 10.19\nUSE `{plain.label}`;\nDROP TABLE parents;\n-- Dump completed\n")
    with pytest.raises(BackupUnreadable, match=r"b\.sql") as caught:
        plain.restore(target)
    assert "--databases" in str(caught.value.why)
    assert state(plain) == before


def test_restore_brings_named_foreign_keys_views_on_views_and_the_order_of_triggers(
    plain: Database, tmp_path: Path
) -> None:
    query(
        plain,
        *SCHEMA,
        "CREATE TABLE pets (id INT PRIMARY KEY, owner INT, `odd``key` INT, CONSTRAINT `fk %s` FOREIGN KEY (owner)"
        " REFERENCES parents (id) ON DELETE SET NULL ON UPDATE CASCADE,"
        " CONSTRAINT fk_self FOREIGN KEY (`odd``key`) REFERENCES pets (id))",
        "INSERT INTO pets VALUES (1, 40, 1)",
        "CREATE VIEW a_of_b AS SELECT name FROM named",
        "CREATE TRIGGER second AFTER INSERT ON parents FOR EACH ROW SET @a = 'é%s'",
        "CREATE TRIGGER first AFTER INSERT ON parents FOR EACH ROW PRECEDES second SET @a = 1",
    )
    before = state(plain)
    plain.backup(tmp_path / "b.sql")
    for _ in range(2):  # over tables of the same names, with the same keys
        query(plain, "UPDATE pets SET owner = NULL", "DROP VIEW named", "CREATE TABLE named (id INT)")
        assert plain.restore(tmp_path / "b.sql") is None
        assert state(plain) == before


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
    with closing(connect(plain)) as other, other.cursor() as cursor, writing_pairs(cursor.execute):
        plain.backup(tmp_path / "b.sql")
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
