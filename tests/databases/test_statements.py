"""What the text of an SQL statement does: whether rows may change, something goes, values go for good."""

import pytest

from oppmigrate.databases.statements import kind_of, read_statements

NOTHING = (False, False, False)
ROWS = (True, False, False)
LOSS = (True, False, True)
DROP = (False, True, False)
DROP_LOSS = (False, True, True)

STATEMENTS = [
    ("CREATE TABLE t (x INT)", NOTHING),
    ("create index i on t (x)", NOTHING),
    ("ALTER TABLE t ADD COLUMN y INT", NOTHING),
    ("COMMENT ON TABLE t IS 'DELETE FROM t'", NOTHING),
    ("-- DELETE FROM t\nCREATE TABLE t (x INT)", NOTHING),
    ("/* UPDATE t */ GRANT SELECT ON t TO u", NOTHING),
    ("CREATE TRIGGER a AFTER DELETE ON t BEGIN DELETE FROM u; END", NOTHING),
    ("CREATE FUNCTION f() RETURNS int AS $$ BEGIN DELETE FROM t; RETURN 1; END $$ LANGUAGE plpgsql", NOTHING),
    ("CREATE VIEW v AS SELECT 1", NOTHING),
    ("PRAGMA user_version = 3", NOTHING),
    ("SHOW TABLES", NOTHING),
    ("SAVEPOINT s", NOTHING),
    ("WITH a AS (SELECT 1) SELECT * FROM a", NOTHING),
    ("CREATE TABLE updates (deleted INT)", NOTHING),
    ("UPDATE t SET x = 'a; DROP TABLE t'", ROWS),
    ("INSERT INTO t VALUES (1)", ROWS),
    ("WITH a AS (SELECT 1) UPDATE t SET x = 1", ROWS),
    ("SELECT setval('s', 4)", NOTHING),
    ("DO $$ BEGIN PERFORM 1; END $$", ROWS),
    ("CALL p()", ROWS),
    ("MERGE INTO t USING u ON true WHEN MATCHED THEN DO NOTHING", ROWS),
    ("  -- why\n /* and */ UPDATE t SET x = 1", ROWS),
    ("COPY t FROM '/tmp/x'", ROWS),
    ("EXECUTE prepared", ROWS),
    ("ALTER IGNORE TABLE t ADD UNIQUE (x)", ROWS),
    ("DELETE FROM t", LOSS),
    ("REPLACE INTO t VALUES (1)", LOSS),
    ("WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", LOSS),
    ("DROP INDEX i", DROP),
    ("DROP VIEW v", DROP),
    ("DROP TRIGGER a", DROP),
    ("ALTER TABLE t DROP CONSTRAINT c", DROP),
    ("ALTER TABLE t ALTER COLUMN x DROP NOT NULL", DROP),
    ("ALTER TABLE t ALTER x DROP DEFAULT", DROP),
    ("DROP TABLE IF EXISTS t", DROP_LOSS),
    ("DROP TYPE mood", DROP_LOSS),
    ("ALTER TABLE t DROP COLUMN x", DROP_LOSS),
    ("ALTER TABLE t DROP x", DROP_LOSS),
    ("TRUNCATE t", (True, True, True)),
    ("ALTER TABLE t DROP PARTITION p0", (True, True, True)),
]


@pytest.mark.parametrize(("sql", "expected"), STATEMENTS, ids=[sql for sql, _ in STATEMENTS])
def test_statement_is_read(sql: str, expected: tuple[bool, bool, bool]) -> None:
    (statement,) = read_statements(sql)
    assert (statement.changes_rows, statement.drops, statement.loses_data) == expected


def test_each_statement_of_a_text_is_read() -> None:
    statements = read_statements("CREATE TABLE a (x INT);\nINSERT INTO a VALUES (';');\n-- the end\nDROP TABLE b;\n")
    assert [each.changes_rows for each in statements] == [False, True, False]
    assert [each.loses_data for each in statements] == [False, False, True]


def test_backslash_before_a_quote_hides_no_statement_from_any_server() -> None:
    """PostgreSQL and SQLite end the text there, MariaDB does not."""
    ends = read_statements(r"INSERT INTO a VALUES ('C:\'); DROP TABLE b; SELECT 'x'")
    goes_on = read_statements(r"INSERT INTO a VALUES ('it\'s'); DROP TABLE b; INSERT INTO a VALUES ('\'')")
    assert any(each.loses_data for each in ends)
    assert any(each.loses_data for each in goes_on)


@pytest.mark.parametrize(
    ("sql", "queries"),
    [("SELECT f()", True), ("VALUES (f())", True), ("WITH a AS (SELECT f()) SELECT 1", True)]
    + [("SHOW TABLES", False), ("WITH a AS (SELECT 1) DELETE FROM t", False), ("SELECT 1 INTO t FROM u", False)],
)
def test_query_is_told_from_what_changes_and_from_what_shows(sql: str, queries: bool) -> None:
    assert [each.queries for each in read_statements(sql)] == [queries]


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT 1", "reads"),
        ("(SELECT 1)", "reads"),
        ("SELECT * INTO t FROM u", "changes"),
        ("SELECT 1 INTO @a", "reads"),
        ("WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a", "changes"),
        ("-- a\n# b\n/* c */ SET x = 1", "session"),
        ("/*!40101 SET NAMES utf8 */", "changes"),
        ("DO SLEEP(1)", "session"),
        ("DO $$ BEGIN END $$", "changes"),
        ("COMMIT", "session"),
        ("CREATE TABLE t (x INT)", "changes"),
        ("", "changes"),
    ],
)
def test_kind_is_what_a_statement_is_to_a_transaction(sql: str, kind: str) -> None:
    assert kind_of(sql) == kind


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("UPDATE t SET x = 1", ("t",)),
        ('INSERT INTO "s"."t" VALUES (1)', ("s.t",)),
        ("DELETE FROM ONLY t", ("t",)),
        ("CREATE TABLE IF NOT EXISTS `t` (x INT)", ("t",)),
        ("ALTER TABLE t ADD COLUMN y INT", ("t",)),
        ("DROP TABLE s.t", ("s.t",)),
        ("CREATE UNIQUE INDEX IF NOT EXISTS i ON t (x)", ("t",)),
        ("TRUNCATE TABLE t", ("t",)),
        ("TRUNCATE t", ("t",)),
        ("SELECT 1", ()),
        ("UPDATE t SET x = 'UPDATE other SET y'", ("t",)),
    ],
)
def test_tables_are_found(sql: str, tables: tuple[str, ...]) -> None:
    assert read_statements(sql)[0].tables == tables
