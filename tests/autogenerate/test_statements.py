"""What the text of an SQL statement does: whether rows may change, something goes, values go for good."""

import pytest

from oppmigrate.autogenerate.statements import read_statements

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
    ("UPDATE t SET x = 'a; DROP TABLE t'", ROWS),
    ("INSERT INTO t VALUES (1)", ROWS),
    ("WITH a AS (SELECT 1) UPDATE t SET x = 1", ROWS),
    ("SELECT setval('s', 4)", ROWS),
    ("DO $$ BEGIN PERFORM 1; END $$", ROWS),
    ("CALL p()", ROWS),
    ("MERGE INTO t USING u ON true WHEN MATCHED THEN DO NOTHING", ROWS),
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
]


@pytest.mark.parametrize(("sql", "expected"), STATEMENTS, ids=[sql for sql, _ in STATEMENTS])
def test_statement_is_read(sql: str, expected: tuple[bool, bool, bool]) -> None:
    (statement,) = read_statements(sql)
    assert (statement.changes_rows, statement.drops, statement.loses_data) == expected


def test_each_statement_of_a_text_is_read() -> None:
    statements = read_statements("CREATE TABLE a (x INT);\nINSERT INTO a VALUES (';');\n-- the end\nDROP TABLE b;\n")
    assert [each.changes_rows for each in statements] == [False, True, False]
    assert [each.loses_data for each in statements] == [False, False, True]


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
