"""Changing a SQLite table: the operation does what it says, and everything else is there afterwards as it was."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

import sqlite_batches
from oppmigrate.databases.sqlite_rebuild import copying, editing, stored
from oppmigrate.databases.sqlite_rebuild.reading import read_definition
from oppmigrate.errors import MigrationFailed
from sqlite_batches import Tables

PEOPLE = """CREATE TABLE people (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
    name VARCHAR(20) COLLATE NOCASE DEFAULT 'nobody' CHECK (name <> ''),
    age INT,
    boss INTEGER REFERENCES people (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    shout TEXT GENERATED ALWAYS AS (upper(name)) VIRTUAL,
    email TEXT UNIQUE ON CONFLICT IGNORE,
    CONSTRAINT grown CHECK (age >= 0)
)"""
AROUND = (
    "CREATE INDEX by_age ON people (age DESC) WHERE age IS NOT NULL",
    "CREATE INDEX by_name ON people (lower(name), name COLLATE NOCASE)",
    "CREATE TABLE pets (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES people ON DELETE CASCADE)",
    "CREATE TABLE log (what)",
    "CREATE VIEW grown_up AS SELECT name, age FROM people WHERE age >= 18",
    "CREATE TRIGGER told AFTER UPDATE OF age ON people BEGIN INSERT INTO log VALUES (new.name); END",
    "CREATE TRIGGER bred AFTER INSERT ON pets BEGIN UPDATE people SET age = age WHERE id = new.owner; END",
    "CREATE TEMP TRIGGER seen AFTER DELETE ON people BEGIN INSERT INTO log VALUES (old.name); END",
)
ROWS = (
    "INSERT INTO people (id, name, age, boss, email) VALUES (1, 'Ada', 36, NULL, 'a@x'), (2, 'Bob', NULL, 1, NULL), "
    "(3, 'Cyd', 7, 1, NULL), (9, 'Dan', 1, 1, 'd@x')",
    "INSERT INTO pets VALUES (1, 1), (2, 9)",
    "DELETE FROM people WHERE id = 9",
    "INSERT INTO pets VALUES (3, 3)",
)
NAMES = [("Ada",), ("Bob",), ("Cyd",)]


@pytest.fixture
def people() -> Iterator[Tables]:
    with sqlite_batches.tables(edits=False) as people:
        people.execute(PEOPLE, *AROUND, *ROWS, "DELETE FROM log", "DELETE FROM pets WHERE owner = 9")
        yield people


def others(people: Tables) -> set[tuple]:
    """Every stored statement but the table's own."""
    return {row for row in people.objects() if row[:2] != ("table", "people")}


def rows(people: Tables) -> list[tuple]:
    return people.rows("SELECT id, name, age, boss, shout, email, typeof(age) FROM people ORDER BY id")


# ---- what must not be lost


def test_rebuild_keeps_all_that_no_operation_names(people: Tables):
    around, before = others(people), rows(people)

    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("name", nullable=False)

    people.upgrade(revision)
    assert people.copies() == 1
    assert people.sql("people") == PEOPLE.replace("VARCHAR(20) COLLATE", "VARCHAR(20) NOT NULL COLLATE")
    assert others(people) == around
    assert rows(people) == before
    assert people.rows("SELECT owner FROM pets") == [(1,), (3,)]
    assert people.rows("SELECT seq FROM sqlite_sequence WHERE name = 'people'") == [(9,)]
    assert people.rows("SELECT * FROM grown_up") == [("Ada", 36)]
    people.assert_sound()


def test_everything_works_after_the_rebuild_as_it_did_before(people: Tables):
    def revision(op):
        with op.batch_alter_table("people", recreate="always"):
            pass

    people.upgrade(revision)
    people.execute(
        "INSERT INTO people (name, age) VALUES ('Eve', 20)",
        "INSERT INTO people (email) VALUES ('a@x')",  # ON CONFLICT IGNORE
        "UPDATE people SET age = 8 WHERE name = 'CYD'",  # COLLATE NOCASE
        "INSERT INTO pets VALUES (4, 1)",
        "DELETE FROM people WHERE id = 2",
    )
    assert people.rows("SELECT id, name FROM people WHERE id > 3") == [(10, "Eve")]
    assert people.rows("SELECT what FROM log") == [("Cyd",), ("Ada",), ("Bob",)]
    for broken in ("UPDATE people SET name = ''", "UPDATE people SET age = -1"):
        with pytest.raises(sa.exc.IntegrityError):
            people.execute(broken)
        people.connection.rollback()


def test_table_without_any_key_keeps_its_rowids(people: Tables):
    people.execute(
        "CREATE TABLE plain (a, b)", "INSERT INTO plain (rowid, a) VALUES (5, 'x'), (77, x'00'), (-3, 1.5), (6, NULL)"
    )
    before = people.rows("SELECT rowid, a, typeof(a) FROM plain ORDER BY rowid")

    def revision(op):
        with op.batch_alter_table("plain", recreate="always") as batch:
            batch.drop_column("b")

    people.upgrade(revision)
    assert people.rows("SELECT rowid, a, typeof(a) FROM plain ORDER BY rowid") == before


def test_strict_and_without_rowid_and_stored_columns_stay(people: Tables):
    sql = (
        "CREATE TABLE odd (a TEXT, b INT DEFAULT 1, c INT AS (b + 1) STORED, PRIMARY KEY (a DESC, b) ON CONFLICT "
        "REPLACE) STRICT, WITHOUT ROWID"
    )
    people.execute(sql, "INSERT INTO odd (a, b) VALUES ('x', 1), ('y', 2)")

    def revision(op):
        with op.batch_alter_table("odd") as batch:
            batch.create_check_constraint("positive", "b > 0")

    people.upgrade(revision)
    assert people.sql("odd") == sql.replace("REPLACE) STRICT", "REPLACE, CONSTRAINT positive CHECK (b > 0)) STRICT")
    assert people.rows("SELECT a, b, c FROM odd ORDER BY b") == [("x", 1, 2), ("y", 2, 3)]


def test_key_of_a_strict_table_becomes_the_rowid(people: Tables):
    people.execute("CREATE TABLE odd (a TEXT PRIMARY KEY, b INT) STRICT", "INSERT INTO odd VALUES ('7', 1)")

    def revision(op):
        with op.batch_alter_table("odd") as batch:
            batch.alter_column("a", type_=sa.Integer())

    people.upgrade(revision)
    assert people.sql("odd") == "CREATE TABLE odd (a INTEGER PRIMARY KEY, b INT) STRICT"
    assert people.rows("SELECT rowid, b FROM odd") == [(7, 1)]


def test_table_whose_check_names_the_table_itself_is_rebuilt(people: Tables):
    people.execute("CREATE TABLE own (a INT CHECK (own.a > 0), b INT)", "INSERT INTO own VALUES (1, 2)")

    def revision(op):
        with op.batch_alter_table("own") as batch:
            batch.alter_column("b", nullable=False)

    people.upgrade(revision)
    assert people.sql("own") == 'CREATE TABLE "own" (a INT CHECK (a > 0), b INT NOT NULL)'
    assert people.rows("SELECT * FROM own") == [(1, 2)]


def test_row_that_breaks_an_old_check_is_kept(people: Tables):
    people.execute(
        "PRAGMA ignore_check_constraints = ON",
        "UPDATE people SET age = -5 WHERE id = 3",
        "PRAGMA ignore_check_constraints = OFF",
    )

    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("name", nullable=False)

    people.upgrade(revision)
    assert people.rows("SELECT age FROM people WHERE id = 3") == [(-5,)]


def test_statistics_of_analyze_stay(people: Tables):
    people.execute("ANALYZE")
    before = people.rows("SELECT * FROM sqlite_stat1 ORDER BY tbl, idx")

    def revision(op):
        with op.batch_alter_table("people", recreate="always"):
            pass

    people.upgrade(revision)
    assert people.rows("SELECT * FROM sqlite_stat1 ORDER BY tbl, idx") == before


def test_table_of_an_attached_database_is_rebuilt_there(people: Tables, tmp_path):
    people.execute(f"ATTACH '{tmp_path / 'aside.db'}' AS aside")
    people.execute(
        "CREATE TABLE aside.people (id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE INDEX aside.by_name_there ON people (name)",
        "INSERT INTO aside.people VALUES (1, 'there')",
    )
    here = people.objects()

    def revision(op):
        with op.batch_alter_table("people", schema="aside") as batch:
            batch.alter_column("name", nullable=False)
            batch.create_index("by_id_there", ["id"])

    people.upgrade(revision)
    there = dict(people.rows("SELECT name, sql FROM aside.sqlite_master"))
    assert there == {
        "people": "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
        "by_name_there": "CREATE INDEX by_name_there ON people (name)",
        "by_id_there": "CREATE INDEX by_id_there ON people (id)",
    }
    assert people.rows("SELECT * FROM aside.people") == [(1, "there")]
    assert people.objects() == here


def test_temporary_table_is_rebuilt(people: Tables):
    people.execute("CREATE TEMP TABLE passing (a INT, b INT)", "INSERT INTO passing VALUES (1, 2)")

    def revision(op):
        with op.batch_alter_table("passing") as batch:
            batch.alter_column("b", nullable=False)

    people.upgrade(revision)
    assert people.sql("passing") == "CREATE TABLE passing (a INT, b INT NOT NULL)"
    assert people.rows("SELECT * FROM passing") == [(1, 2)]


# ---- each operation


def test_rename_reaches_everything_that_names_the_column(people: Tables):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("age", new_column_name="years")

    people.upgrade(revision)
    assert people.copies() == 0
    assert "CONSTRAINT grown CHECK (years >= 0)" in str(people.sql("people"))
    assert people.sql("by_age") == "CREATE INDEX by_age ON people (years DESC) WHERE years IS NOT NULL"
    assert "UPDATE OF years ON people" in str(people.sql("told"))
    assert "years >= 18" in str(people.sql("grown_up"))
    assert people.rows("SELECT years FROM people ORDER BY id") == [(36,), (None,), (7,)]


def test_two_columns_change_places_by_their_names(people: Tables):
    people.execute("CREATE TABLE pair (a TEXT, b TEXT)", "INSERT INTO pair VALUES ('was a', 'was b')")

    def revision(op):
        with op.batch_alter_table("pair") as batch:
            batch.alter_column("a", new_column_name="b")
            batch.alter_column("b", new_column_name="a")

    people.upgrade(revision)
    assert people.sql("pair") == "CREATE TABLE pair (b TEXT, a TEXT)"
    assert people.rows("SELECT a, b FROM pair") == [("was b", "was a")]


def test_column_takes_the_name_of_one_that_is_dropped(people: Tables):
    people.execute("CREATE TABLE pair (a TEXT, b TEXT)", "INSERT INTO pair VALUES ('was a', 'was b')")

    def revision(op):
        with op.batch_alter_table("pair") as batch:
            batch.drop_column("b")
            batch.alter_column("a", new_column_name="b", nullable=False)

    people.upgrade(revision)
    assert people.sql("pair") == "CREATE TABLE pair (b TEXT NOT NULL)"
    assert people.rows("SELECT b FROM pair") == [("was a",)]


def test_renamed_column_is_known_by_either_name_in_the_same_batch(people: Tables):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("age", new_column_name="years")
            batch.alter_column("age", server_default="1")
            batch.create_unique_constraint("uq_old", ["age", "id"])
            batch.create_unique_constraint("uq_new", ["years", "name"])

    people.upgrade(revision)
    sql = str(people.sql("people"))
    assert "years INT DEFAULT '1'" in sql
    assert "uq_old UNIQUE (years, id)" in sql
    assert "uq_new UNIQUE (years, name)" in sql


def test_column_is_added_where_it_is_asked_for(people: Tables):
    def revision(op):
        with op.batch_alter_table("people", recreate="always") as batch:
            batch.add_column(sa.Column("first", sa.Integer(), server_default="7"), insert_before="id")
            batch.add_column(sa.Column("later", sa.DateTime(), server_default=sa.func.now()), insert_after="age")
            batch.add_column(sa.Column("last", sa.String(5)))

    people.upgrade(revision)
    names = [row[1] for row in people.rows("PRAGMA table_xinfo(people)")]
    assert names == ["first", "id", "name", "age", "later", "boss", "shout", "email", "last"]
    assert people.rows("SELECT first, typeof(later), last FROM people") == [(7, "text", None)] * 3
    assert people.rows("SELECT name FROM people") == NAMES


def test_columns_are_put_into_another_order(people: Tables):
    def revision(op):
        with op.batch_alter_table("people", partial_reordering=[("email", "id"), ("age", "name")]) as batch:
            batch.alter_column("boss", server_default=None)

    people.upgrade(revision)
    names = [row[1] for row in people.rows("PRAGMA table_xinfo(people)")]
    assert names.index("email") < names.index("id")
    assert names.index("age") < names.index("name")
    assert people.rows("SELECT id, name, age, email FROM people WHERE id = 1") == [(1, "Ada", 36, "a@x")]


def test_dropped_column_takes_along_what_is_about_it_alone(people: Tables):
    people.execute("DROP VIEW grown_up", "DROP TRIGGER told", "DROP TRIGGER bred")

    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.drop_column("age")
            batch.drop_column("email")

    people.upgrade(revision)
    sql = str(people.sql("people"))
    assert "age" not in sql
    assert "email" not in sql
    assert people.sql("by_age") is None
    assert people.sql("by_name") is not None
    assert people.rows("SELECT id, name, boss FROM people") == [(1, "Ada", None), (2, "Bob", 1), (3, "Cyd", 1)]


def test_index_made_and_its_column_dropped_in_one_batch(people: Tables):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.create_index("by_email", ["email"])
            batch.drop_column("email")

    people.upgrade(revision)
    assert people.sql("by_email") is None
    assert "email" not in str(people.sql("people"))


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("name", "generated column `shout` is made from `name`"),
        ("age", "`people.age` is needed by the view `grown_up`"),
        ("id", "its only column"),
    ],
)
def test_column_that_something_else_needs_is_not_dropped(people: Tables, column: str, reason: str):
    if column == "id":
        people.execute("CREATE TABLE single (id INTEGER)")
    before = people.everything()

    def revision(op):
        with op.batch_alter_table("single" if column == "id" else "people") as batch:
            batch.drop_column(column)

    with pytest.raises(MigrationFailed) as refused:
        people.upgrade(revision)
    assert reason in str(refused.value)
    assert people.everything() == before


def test_view_that_would_turn_a_dropped_column_into_a_text_is_noticed(people: Tables):
    people.execute("CREATE TABLE t (a, b)", 'CREATE VIEW quoted AS SELECT "b" FROM t', "INSERT INTO t VALUES (1, 2)")

    def revision(op):
        with op.batch_alter_table("t", recreate="always") as batch:
            batch.drop_column("b")

    with pytest.raises(MigrationFailed, match="t") as refused:
        people.upgrade(revision)
    assert "`t.b` is needed by the view `quoted`" in str(refused.value)
    assert people.rows("SELECT * FROM quoted") == [(2,)]


def test_key_that_others_refer_to_is_not_lost(people: Tables):
    people.execute("CREATE TABLE letters (mail TEXT REFERENCES people (email))")
    before = people.everything()

    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.drop_constraint("uq_people_email", type_="unique")

    with pytest.raises(MigrationFailed) as refused:
        people.upgrade(revision)
    assert 'the foreign keys of `letters` would not work any more (foreign key mismatch - "letters"' in str(
        refused.value
    )
    assert people.everything() == before


def test_view_that_was_broken_before_stands_in_no_way(people: Tables):
    people.execute("CREATE VIEW broken AS SELECT * FROM nowhere")

    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("email", new_column_name="mail", nullable=True)
        with op.batch_alter_table("people") as batch:
            batch.alter_column("boss", server_default="1")

    people.upgrade(revision)
    assert people.sql("broken") == "CREATE VIEW broken AS SELECT * FROM nowhere"
    assert people.rows("SELECT mail FROM people WHERE id = 1") == [("a@x",)]


def test_primary_key_of_several_columns_keeps_the_others(people: Tables):
    people.execute("CREATE TABLE t (a INT, b INT, c INT, PRIMARY KEY (a, b DESC))", "INSERT INTO t VALUES (1, 2, 3)")

    def revision(op):
        with op.batch_alter_table("t") as batch:
            batch.drop_column("a")

    people.upgrade(revision)
    assert people.sql("t") == "CREATE TABLE t (b INT, c INT, PRIMARY KEY (b DESC))"


def test_constraints_come_and_go(people: Tables):
    def come(op):
        with op.batch_alter_table("people") as batch:
            batch.create_unique_constraint("uq_people_name", ["name"])
            batch.create_check_constraint("ck_people_short", sa.func.length(sa.column("name")) < 9)
            batch.create_foreign_key("fk_people_age", "people", ["age"], ["id"], ondelete="CASCADE")

    def go(op):
        with op.batch_alter_table("people") as batch:
            batch.drop_constraint("uq_people_name", type_="unique")
            batch.drop_constraint("ck_people_short", type_="check")
            batch.drop_constraint("fk_people_age", type_="foreignkey")
            batch.drop_constraint("grown", type_="check")

    people.execute("UPDATE people SET age = 1 WHERE age IS NOT NULL")
    people.upgrade(come)
    sql = str(people.sql("people"))
    assert "CONSTRAINT uq_people_name UNIQUE (name)" in sql
    assert "CONSTRAINT ck_people_short CHECK (length(name) < 9)" in sql
    assert "CONSTRAINT fk_people_age FOREIGN KEY(age) REFERENCES people (id) ON DELETE CASCADE" in sql
    people.upgrade(go)
    assert people.sql("people") == PEOPLE.replace(",\n    CONSTRAINT grown CHECK (age >= 0)", "")
    assert people.rows("SELECT name FROM people") == NAMES


@pytest.mark.parametrize(
    ("name", "type_", "gone"),
    [
        ("fk_people_boss_people", "foreignkey", "REFERENCES people (id) ON DELETE SET NULL DEFERRABLE"),
        ("uq_people_email", "unique", "UNIQUE ON CONFLICT IGNORE"),
        ("ck_people_name", "check", "CHECK (name <> '')"),
        ("pk_people", "primary", "PRIMARY KEY AUTOINCREMENT"),
    ],
)
def test_constraint_without_a_name_is_dropped_by_the_one_that_we_would_give(
    people: Tables, name: str, type_: str, gone: str
):
    assert gone in str(people.sql("people"))

    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.drop_constraint(name, type_=type_)
            if type_ == "primary":
                batch.create_primary_key("pk_new", ["id"])

    people.upgrade(revision)
    assert gone not in str(people.sql("people"))
    assert people.rows("SELECT name FROM people") == NAMES


def test_constraint_without_a_name_is_dropped_by_the_naming_convention(people: Tables):
    def revision(op):
        with op.batch_alter_table("people", naming_convention={"uq": "unique_%(column_0_name)s"}) as batch:
            batch.drop_constraint("unique_email", type_="unique")

    people.upgrade(revision)
    assert "UNIQUE" not in str(people.sql("people"))


def test_constraint_without_a_name_is_dropped_by_the_name_that_copy_from_gives(people: Tables):
    known = sa.Table("people", sa.MetaData(), sa.Column("email", sa.Text), sa.UniqueConstraint("email", name="mine"))

    def revision(op):
        with op.batch_alter_table("people", copy_from=known) as batch:
            batch.drop_constraint("mine", type_="unique")

    people.upgrade(revision)
    assert "UNIQUE" not in str(people.sql("people"))
    assert people.rows("SELECT name FROM people") == NAMES  # copy_from knows less; the table is the truth


def test_constraint_that_is_not_there_is_named_with_those_that_are(people: Tables):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.drop_constraint("grwon", type_="check")

    with pytest.raises(MigrationFailed) as refused:
        people.upgrade(revision)
    assert refused.value.what == "table `people` cannot be changed: it has no constraint `grwon`"
    assert refused.value.why == "it has `grown`"


def test_table_args_add_what_is_not_there_yet(people: Tables):
    arguments = (
        sa.CheckConstraint("name <> ''"),  # stock Alembic asks people to restate the unnamed ones
        sa.CheckConstraint("age < 200", name="ck_people_age"),
        sa.UniqueConstraint("name", "boss", name="uq_people_name_boss"),
        sa.ForeignKeyConstraint(["age"], ["pets.id"], name="fk_people_age"),
    )
    people.execute("UPDATE people SET age = NULL")

    def revision(op):
        with op.batch_alter_table("people", table_args=arguments, recreate="always"):
            pass

    people.upgrade(revision)
    sql = str(people.sql("people"))
    assert sql.count("name <> ''") == 1
    assert "CONSTRAINT ck_people_age CHECK (age < 200)" in sql
    assert "CONSTRAINT uq_people_name_boss UNIQUE (name, boss)" in sql
    assert "CONSTRAINT fk_people_age FOREIGN KEY(age) REFERENCES pets (id)" in sql


def test_table_kwargs_set_the_options(people: Tables):
    people.execute("CREATE TABLE t (id INTEGER NOT NULL, a TEXT, PRIMARY KEY (id))", "INSERT INTO t VALUES (4, 'x')")

    def revision(op):
        with op.batch_alter_table(
            "t", recreate="always", table_kwargs={"sqlite_autoincrement": True, "sqlite_strict": True}
        ):
            pass

    people.upgrade(revision)
    assert people.sql("t") == "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, a TEXT) STRICT"
    assert people.rows("SELECT * FROM t") == [(4, "x")]


def test_defaults_and_nullability_change(people: Tables):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("name", server_default=None)
            batch.alter_column("age", server_default=sa.text("(1 + 1)"))
            batch.alter_column("email", server_default="it's")

    people.upgrade(revision)
    sql = str(people.sql("people"))
    assert "VARCHAR(20) COLLATE NOCASE CHECK" in sql
    assert "age INT DEFAULT (1 + 1)" in sql
    assert "email TEXT DEFAULT 'it''s' UNIQUE" in sql
    people.execute("INSERT INTO people (id) VALUES (20)")
    assert people.rows("SELECT name, age, email FROM people WHERE id = 20") == [(None, 2, "it's")]


def test_what_is_so_already_copies_nothing(people: Tables):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("age", nullable=True, existing_type=sa.Integer())
            batch.alter_column("name", type_=sa.String(20))

    people.upgrade(revision)
    assert people.copies() == 0


def test_indexes_come_and_go_without_a_copy(people: Tables):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.drop_index("by_age")
            batch.create_index("by_boss", ["boss", sa.text("age DESC")], sqlite_where=sa.text("boss > 0"))

    people.upgrade(revision)
    assert people.copies() == 0
    assert people.sql("by_age") is None
    assert people.sql("by_boss") == "CREATE INDEX by_boss ON people (boss, age DESC) WHERE boss > 0"


def test_generated_columns_come_and_go(people: Tables):
    def come(op):
        with op.batch_alter_table("people") as batch:
            batch.add_column(sa.Column("twice", sa.Integer(), sa.Computed("age * 2", persisted=True)))

    def go(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("twice", server_default=None)
        with op.batch_alter_table("people") as batch:
            batch.drop_column("shout")

    people.upgrade(come)
    assert people.rows("SELECT twice FROM people") == [(72,), (None,), (14,)]
    people.upgrade(go)
    assert people.rows("SELECT twice FROM people") == [(72,), (None,), (14,)]
    people.execute("UPDATE people SET twice = 0")


def test_boolean_check_goes_with_the_type(people: Tables):
    flag = sa.Boolean(create_constraint=True, name="ck_flag")

    def come(op):
        with op.batch_alter_table("people") as batch:
            batch.add_column(sa.Column("flag", flag, server_default=sa.false()))

    def go(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("flag", type_=sa.Integer(), existing_type=flag)

    people.upgrade(come)
    assert "CONSTRAINT ck_flag CHECK (flag IN (0, 1))" in str(people.sql("people"))
    people.upgrade(go)
    assert "ck_flag" not in str(people.sql("people"))
    assert people.rows("SELECT flag, typeof(flag) FROM people") == [(0, "integer")] * 3


# ---- the comparison of before and after


def spoil(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, change: Callable[[Any], Any]) -> None:
    """Have a fault in a function of ours."""
    whole = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *arguments: change(whole(*arguments)))


@pytest.mark.parametrize(
    ("module", "name", "change", "reason"),
    [
        (copying, "_pairs", lambda pairs: [(pairs[0][0], "id + 1"), *pairs[1:]], "at least one row differs"),
        (copying, "_pairs", lambda pairs: [(a, "upper(name)" if a == '"name"' else b) for a, b in pairs], "differs"),
        (copying, "_pairs", lambda pairs: [pair for pair in pairs if pair[0] != '"boss"'], "differs"),
        (stored, "in_schema", lambda sql: sql.replace("DESC", ""), "the index `by_age` is gone or changed"),
        (stored, "in_schema", lambda sql: sql.replace("new.name", "1"), "the trigger `told` is gone or changed"),
        (
            editing,
            "_edited",
            lambda done: read_definition(done.sql.replace(" DEFERRABLE INITIALLY DEFERRED", "")),
            "is gone",
        ),
        (editing, "_edited", lambda done: read_definition(done.sql.replace(" ON CONFLICT IGNORE", "")), "is gone"),
        (editing, "_edited", lambda done: read_definition(done.sql.replace("age >= 0", "age >= 1")), "is gone"),
        (editing, "_edited", lambda done: read_definition(done.sql.replace("COLLATE NOCASE", "")), "has collate None"),
        (stored, "read_sequence", None, "its next number would be 3"),
    ],
)
def test_fault_of_ours_is_noticed_and_nothing_is_changed(
    people: Tables, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, change: Any, reason: str
):
    before = people.everything()

    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("name", nullable=False)

    with monkeypatch.context() as faulty, pytest.raises(MigrationFailed) as noticed:
        if name == "read_sequence":
            readings = iter([9, 3, 3])
            faulty.setattr(module, name, lambda *_: next(readings))
        else:
            spoil(faulty, module, name, change)
        people.upgrade(revision)
    assert reason in str(noticed.value)
    assert people.everything() == before


# ---- what cannot be done


@pytest.mark.parametrize(
    ("statement", "name", "reason"),
    [
        ("CREATE VIRTUAL TABLE found USING fts5(a)", "found", "cannot be edited"),
        ("CREATE VIEW looked AS SELECT 1 AS a", "looked", "it is a view"),
        ("SELECT 1", "nowhere", "the database has none of that name"),
    ],
)
def test_what_is_no_table_is_refused(people: Tables, statement: str, name: str, reason: str):
    people.execute(statement)

    def revision(op):
        with op.batch_alter_table(name) as batch:
            batch.alter_column("a", nullable=False)

    with pytest.raises(MigrationFailed) as refused:
        people.upgrade(revision)
    assert reason in str(refused.value)


def test_table_is_not_rebuilt_while_foreign_keys_are_enforced(people: Tables):
    people.database.release(people.connection)
    people.connection.exec_driver_sql("PRAGMA foreign_keys = ON")
    people.connection.rollback()

    def revision(op):
        with op.batch_alter_table("people", recreate="always"):
            pass

    with pytest.raises(MigrationFailed, match="while foreign keys are enforced"):
        people.upgrade(revision)
    assert people.rows("SELECT owner FROM pets") == [(1,), (3,)]


@pytest.mark.parametrize(
    "add",
    [
        lambda batch: batch.create_unique_constraint("uq", ["email"]),
        lambda batch: batch.create_foreign_key("fk", "people", ["email"], ["id"]),
        lambda batch: batch.create_primary_key("pk", ["email"]),
        lambda batch: batch.create_check_constraint("ck", sa.column("email") != ""),
        lambda batch: batch.create_index("ix", ["email"], unique=True),
    ],
)
def test_what_is_added_about_a_dropped_column_is_refused(people: Tables, add: Any):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.drop_column("email")
            add(batch)

    with pytest.raises(MigrationFailed, match="table `people` cannot be (changed|given)") as refused:
        people.upgrade(revision)
    assert "email" in str(refused.value)


def test_batch_that_fails_leaves_nothing_behind_even_if_it_is_caught(people: Tables):
    before = people.everything()

    def revision(op):
        with pytest.raises(MigrationFailed), op.batch_alter_table("people") as batch:
            batch.alter_column("email", new_column_name="mail")
            batch.drop_column("age")

    people.upgrade(revision)
    assert people.everything() == before
