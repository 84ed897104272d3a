"""Reading CREATE TABLE: what SQLite takes is read as SQLite reads it, and edited without a byte too many."""

import sqlite3
from contextlib import closing

import pytest

from oppmigrate.databases.sqlite_rebuild import editing
from oppmigrate.databases.sqlite_rebuild.definition import Definition, Unreadable
from oppmigrate.databases.sqlite_rebuild.reading import read_definition
from oppmigrate.databases.sqlite_rebuild.tokens import names_used, tokenize

NASTY = """CREATE TABLE [my "tab] ( -- the table, with (brackets
    "id, no" INTEGER PRIMARY KEY AUTOINCREMENT, /* a comment, with a comma
    over two lines */ `b(c` VARCHAR ( 20 , 3 ) DEFAULT ('--' || '/*' || 'it''s') NOT NULL ON CONFLICT REPLACE,
    [check] "double precision" CHECK ([check] IN (1, 2, ')')) CHECK("check"<>3)UNIQUE,
    'str' DEFAULT -1.5e3 COLLATE"NOCASE",
    ünï unsigned big int NULL DEFAULT CURRENT_TIMESTAMP CONSTRAINT dangling,
    total GENERATED ALWAYS AS ("b(c" || ',' || coalesce(ünï, 'x, y')) STORED,
    ref REFERENCES other ("a") ON DELETE SET NULL ON UPDATE NO ACTION MATCH FULL NOT DEFERRABLE INITIALLY IMMEDIATE
        NOT NULL,
    CONSTRAINT one CONSTRAINT two UNIQUE ("id, no" COLLATE nocase DESC, 'str') ON CONFLICT IGNORE
    CHECK (ünï > 0 AND 'CONSTRAINT x CHECK (' <> "b(c"), -- no comma above
    FOREIGN KEY(ref,ünï)REFERENCES[my "tab]DEFERRABLE INITIALLY DEFERRED
)"""


def seen_by_sqlite(sql: str) -> list[tuple[str, str, bool, bool]]:
    """(name, type, is not null, is generated) of each column."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE other (a, b)")
        connection.execute(sql)
        name = connection.execute("SELECT name FROM sqlite_master WHERE name NOT IN ('other', 'sqlite_sequence')")
        table = name.fetchone()[0].replace('"', '""')
        rows = connection.execute(f'PRAGMA table_xinfo("{table}")').fetchall()
    return [(row[1], row[2].lower(), bool(row[3]), row[6] in (2, 3)) for row in rows]


def read(definition: Definition) -> list[tuple[str, str, bool, bool]]:
    found = []
    for column in definition.columns:
        type_ = " ".join(definition.type_of(column).replace('"', "").split()).lower()
        found.append((column.name, type_, column.clause("NOT NULL") is not None, column.is_generated))
    return found


def test_nasty_statement_is_read_as_sqlite_reads_it():
    definition = read_definition(NASTY)
    assert definition.name.name == 'my "tab'
    assert [(row[0], *row[2:]) for row in read(definition)] == [(row[0], *row[2:]) for row in seen_by_sqlite(NASTY)]
    assert [clause.kind for clause in definition.constraints] == ["UNIQUE", "CHECK", "FOREIGN KEY"]
    assert definition.constraints[0].name == "two"
    assert definition.constraints[0].columns == ("id, no", "str")
    assert definition.constraints[2].referred == ('my "tab', ())
    assert [clause.kind for clause in definition.columns[2].clauses] == ["CHECK", "CHECK", "UNIQUE"]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t(a,b,c)",
        'CREATE TABLE t("a" int, "a b" text default(\'x\')not null)',
        "CREATE TABLE t(a INTEGER PRIMARY KEY DESC, b text)",
        "CREATE TABLE t(a int generated always as (b+1) virtual, b int)",
        "CREATE TABLE t(generated int, always text, as_ int as (1))",
        "CREATE TABLE t(key int, action text, if int, temp, rowid, replace, cast, match)",
        "CREATE TABLE t(a varchar(10,-2), b decimal(+3), c unsigned long int(8))",
        "CREATE TABLE t(a int default +5, b default 0x1F, c default x'ab', d default 'a''b', e default true)",
        "CREATE TABLE t(a int check(a in(1,2))unique, b int references other(a)not null)",
        "CREATE TABLE t(a int, b int, unique(a)check(b>0)constraint z)",
        "CREATE TABLE t(a,b,primary key(a,b))WITHOUT ROWID",
        "CREATE TABLE t(a int,b any,primary key(a desc))STRICT  ,  WITHOUT\nROWID",
        "CREATE TABLE t(a integer, primary key(a autoincrement))",
        "CREATE TABLE t(a TEXT NOT NULL DEFAULT '--', -- b INT,\n c INT /* , d INT */)",
        "CREATE TABLE t(a 'my type' not null, b [odd (type] (3))",
    ],
)
def test_statement_is_read_as_sqlite_reads_it(sql: str):
    definition = read_definition(sql)
    seen = seen_by_sqlite(sql)
    assert [(row[0], row[3]) for row in read(definition)] == [(row[0], row[3]) for row in seen]
    if not definition.primary_key:  # SQLite calls some keys NOT NULL by itself
        assert [row[2] for row in read(definition)] == [row[2] for row in seen]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIRTUAL TABLE t USING fts5(a)",
        "CREATE VIEW t AS SELECT 1",
        "CREATE TABLE t(a int",
        "CREATE TABLE t(a int default (1)",
        "CREATE TABLE t(a int, + b)",
    ],
)
def test_what_cannot_be_edited_is_refused(sql: str):
    with pytest.raises(Unreadable):
        read_definition(sql)


def test_comments_are_kept_when_columns_come_and_go():
    sql = "CREATE TABLE t (\n  a INT, -- the a\n  b INT, -- the b\n  c INT -- the c\n)"
    definition = read_definition(sql)
    without = editing.remove_column(definition, definition.columns[1])
    assert without.sql == "CREATE TABLE t (\n  a INT, -- the a\n  -- the b\n  c INT -- the c\n)"
    last = editing.remove_column(definition, definition.columns[2])
    assert [column.name for column in last.columns] == ["a", "b"]
    assert "-- the c\n" in last.sql
    added = editing.add_column(definition, "d TEXT")
    assert added.sql == "CREATE TABLE t (\n  a INT, -- the a\n  b INT, -- the b\n  c INT,\n  d TEXT -- the c\n)"


def test_every_column_and_constraint_can_be_taken_out_alone():
    definition = read_definition(NASTY)
    for column in definition.columns[1:]:
        left = editing.remove_column(definition, column)
        assert [each.name for each in left.columns] == [
            each.name for each in definition.columns if each.name != column.name
        ]
        assert [each.kind for each in left.constraints] == [each.kind for each in definition.constraints]
    for place, clause in enumerate(definition.constraints):
        left = editing.remove_clause(definition, clause)
        kinds = [each.kind for each in definition.constraints]
        assert [each.kind for each in left.constraints] == kinds[:place] + kinds[place + 1 :]


def test_clauses_of_columns_are_set_and_taken_out():
    definition = read_definition("CREATE TABLE t(a INT CONSTRAINT nn NOT NULL ON CONFLICT FAIL DEFAULT 1, b)")
    column = definition.columns[0]
    nullable = editing.remove_clause(definition, column.clauses[0])
    assert nullable.sql == "CREATE TABLE t(a INT DEFAULT 1, b)"
    assert editing.set_clause(nullable, nullable.columns[0], "DEFAULT", "DEFAULT 'x'").sql == (
        "CREATE TABLE t(a INT DEFAULT 'x', b)"
    )
    assert editing.set_clause(nullable, nullable.columns[1], "NOT NULL", "NOT NULL").sql == (
        "CREATE TABLE t(a INT DEFAULT 1, b NOT NULL)"
    )
    assert editing.set_type(nullable, nullable.columns[1], "TEXT").sql == "CREATE TABLE t(a INT DEFAULT 1, b TEXT)"


def test_words_do_not_grow_together():
    definition = read_definition('CREATE TABLE t("a"UNIQUE, b VARCHAR(3)CHECK(1), c INT DEFAULT(1)NOT NULL/**/UNIQUE)')
    first = editing.set_clause(definition, definition.columns[0], "NOT NULL", "NOT NULL")
    assert first.sql.startswith('CREATE TABLE t("a" NOT NULL UNIQUE')
    typed = editing.set_type(definition, definition.columns[1], "TEXT")
    assert "b TEXT CHECK(1)" in typed.sql
    without = editing.remove_clause(definition, definition.columns[2].clauses[1])
    assert "c INT DEFAULT(1)/**/UNIQUE" in without.sql


@pytest.mark.parametrize(
    ("words", "is_on", "before", "after"),
    [
        ("STRICT", True, "CREATE TABLE t(a INT PRIMARY KEY)", "CREATE TABLE t(a INT PRIMARY KEY) STRICT"),
        ("STRICT", True, "CREATE TABLE t(a INT)strict", "CREATE TABLE t(a INT)strict"),
        ("STRICT", False, "CREATE TABLE t(a INT) STRICT, WITHOUT ROWID", "CREATE TABLE t(a INT) WITHOUT ROWID"),
        ("WITHOUT ROWID", False, "CREATE TABLE t(a INT) without\n rowid", "CREATE TABLE t(a INT)"),
        ("WITHOUT ROWID", True, "CREATE TABLE t(a INT) STRICT", "CREATE TABLE t(a INT) STRICT, WITHOUT ROWID"),
    ],
)
def test_options_are_set(words: str, is_on: bool, before: str, after: str):
    assert editing.set_option(read_definition(before), words, is_on).sql == after


@pytest.mark.parametrize(
    ("expression", "used"),
    [
        ("a > 0 AND b IN (1, 'c')", {"a", "b"}),
        ('"a" || lower([B]) || `x`', {"a", "b", "x"}),
        ("CAST(a AS text) COLLATE nocase", {"a"}),
        ("t.a = 1", {"a"}),
        ("'a'", set()),
        ("CASE WHEN a THEN b ELSE c END", {"a", "b", "c"}),
    ],
)
def test_names_that_an_expression_uses(expression: str, used: set[str]):
    assert names_used(tokenize(expression)) == used
