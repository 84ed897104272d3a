"""The cheapest exact way: ALTER TABLE where it does the same, by SQLite's version; else an edit of the stored
definition, where nothing on disk would be another; else one rebuild for everything."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

import sqlite_batches
from oppmigrate.errors import MigrationFailed, RowsDoNotFit
from sqlite_batches import Revision, Tables


@pytest.fixture
def people() -> Iterator[Tables]:
    with sqlite_batches.tables() as people:
        people.execute(
            "CREATE TABLE towns (id INTEGER PRIMARY KEY)",
            "CREATE TABLE people (id INTEGER PRIMARY KEY, a TEXT, b TEXT NOT NULL DEFAULT 'x', c INT UNIQUE, d INT "
            "CHECK (d > 0), e INT REFERENCES towns, f INT, g TEXT, h TEXT AS (g || '!'))",
            "CREATE INDEX by_f ON people (f)",
            "INSERT INTO people (id, a, c, d, g) VALUES (1, 'one', 1, 1, 'g'), (2, 'two', NULL, 2, NULL)",
        )
        yield people


def batch_of(*changes: Any, **options: Any) -> Revision:
    def revision(op: Any) -> None:
        with op.batch_alter_table("people", **options) as batch:
            for change in changes:
                change(batch)

    return revision


def add(**options: Any) -> Any:
    return lambda batch: batch.add_column(sa.Column("new", sa.Integer(), **options))


def drop(name: str) -> Any:
    return lambda batch: batch.drop_column(name)


@pytest.mark.parametrize(
    "changes",
    [
        [add()],
        [add(server_default="5")],
        [add(server_default="5", nullable=False)],
        [lambda batch: batch.add_column(sa.Column("new", sa.Integer(), sa.Computed("c + 1")))],
        [drop("a")],
        [drop("a"), drop("b")],
        [drop("a"), add()],
        [lambda batch: batch.alter_column("c", new_column_name="cc")],
        [lambda batch: batch.alter_column("c", new_column_name="cc"), drop("a"), add()],
        [lambda batch: batch.create_index("by_a", ["a"]), lambda batch: batch.drop_index("by_f"), drop("f")],
    ],
)
def test_alter_table_is_used_where_it_is_exact(people: Tables, changes: list[Any]):
    people.upgrade(batch_of(*changes))
    assert people.copies() == 0
    assert people.rows("SELECT id FROM people ORDER BY id") == [(1,), (2,)]


@pytest.mark.parametrize(
    "changes",
    [
        [add(server_default=sa.func.now())],
        [add(server_default=sa.text("(1 + 1)"), nullable=False)],
        [lambda batch: batch.add_column(sa.Column("new", sa.Integer(), sa.Computed("c + 1", persisted=True)))],
        [drop("c")],
        [drop("d")],
        [drop("e")],
        [drop("f")],
        [drop("id")],
        [drop("h"), drop("g")],
        [drop("a"), drop("b"), drop("c")],
        [lambda batch: batch.alter_column("a", server_default="x"), add(), drop("b"), drop("c")],
        [lambda batch: batch.alter_column("a", nullable=False), add(server_default=sa.func.now())],
        [lambda batch: batch.alter_column("a", nullable=False), drop("f"), add()],
        [lambda batch: batch.alter_column("d", type_=sa.Text())],
        [lambda batch: batch.alter_column("c", type_=sa.Numeric())],
        [lambda batch: batch.alter_column("a", type_=sa.Text(collation="NOCASE"))],
        [lambda batch: batch.create_unique_constraint("uq", ["a"])],
        [
            lambda batch: batch.create_unique_constraint("uq", ["a"]),
            lambda batch: batch.alter_column("a", nullable=False),
        ],
        [lambda batch: batch.alter_column("h", server_default=sa.Computed("g || '?'"))],
    ],
)
def test_table_is_rebuilt_once_for_the_whole_batch_where_nothing_less_is_exact(people: Tables, changes: list[Any]):
    people.upgrade(batch_of(*changes))
    assert (people.copies(), people.edits()) == (1, 0)
    assert people.rows("SELECT count(*) FROM people") == [(2,)]
    people.assert_sound()


@pytest.mark.parametrize(
    "changes",
    [
        [lambda batch: batch.alter_column("a", nullable=False)],
        [lambda batch: batch.alter_column("b", nullable=True)],
        [lambda batch: batch.alter_column("a", type_=sa.String(40))],
        [lambda batch: batch.alter_column("f", type_=sa.BigInteger())],
        [lambda batch: batch.create_check_constraint("grown", "d < 5")],
        [lambda batch: batch.create_foreign_key("fk", "towns", ["f"], ["id"], ondelete="CASCADE")],
        [lambda batch: batch.drop_constraint("fk_people_e_towns", type_="foreignkey")],
        [lambda batch: batch.add_column(sa.Column("new", sa.Integer(), sa.ForeignKey("towns.id", name="fk")))],
        [add(), drop("a"), lambda batch: batch.alter_column("b", nullable=True)],
        [lambda batch: batch.alter_column("f", nullable=True, type_=sa.BigInteger()), lambda b: b.drop_index("by_f")],
        [lambda batch: batch.alter_column("a", nullable=False), lambda b: b.create_index("by_a", ["a"], unique=True)],
    ],
)
def test_stored_definition_is_edited_where_nothing_on_disk_would_be_another(people: Tables, changes: list[Any]):
    before = people.rows("SELECT id, b, c, d, e, f, g, h FROM people ORDER BY id")
    naming = {"fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s"}
    people.upgrade(batch_of(*changes, naming_convention=naming))
    assert (people.copies(), people.edits()) == (0, 1)
    assert people.rows("SELECT id, b, c, d, e, f, g, h FROM people ORDER BY id") == before
    people.assert_sound()


@pytest.mark.parametrize("default", ["x", None])
def test_definition_is_edited_for_a_default_that_no_row_has_for_its_value(people: Tables, default: str | None):
    people.upgrade(batch_of(lambda batch: batch.alter_column("b", server_default=default)))
    assert people.copies() == 0
    assert people.rows("SELECT b FROM people") == [("x",), ("x",)]


def test_recreate_always_rebuilds_also_where_nothing_changes(people: Tables):
    before = people.everything()
    people.upgrade(batch_of(recreate="always"))
    assert (people.copies(), people.edits()) == (1, 0)
    assert people.everything() == before


def test_recreate_never_alters_and_refuses_what_needs_a_rebuild(people: Tables):
    people.upgrade(batch_of(add(), recreate="never"))
    assert people.copies() == 0
    with pytest.raises(NotImplementedError, match="No support for ALTER of constraints"):
        people.upgrade(batch_of(lambda batch: batch.create_unique_constraint("uq", ["a"]), recreate="never"))


@pytest.mark.parametrize(("version", "copies"), [((3, 31, 0), 1), ((3, 35, 4), 1), ((3, 35, 5), 0), ((3, 50, 0), 0)])
def test_drop_column_is_used_from_the_version_that_has_it(
    people: Tables, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], copies: int
):
    if version >= (3, 35, 5) > people.connection.dialect.dbapi.sqlite_version_info:
        pytest.skip("this SQLite has no DROP COLUMN")
    monkeypatch.setattr(people.connection.dialect.dbapi, "sqlite_version_info", version)
    people.upgrade(batch_of(drop("a")))
    assert people.copies() == copies
    assert people.rows("SELECT id, b FROM people") == [(1, "x"), (2, "x")]


def test_native_drop_that_sqlite_refuses_for_a_broken_view_is_done_by_a_rebuild(people: Tables):
    people.execute("CREATE VIEW broken AS SELECT * FROM nowhere")
    people.upgrade(batch_of(drop("a")))
    assert people.copies() == 1
    assert people.sql("broken") is not None


def test_recreate_always_rebuilds_where_an_edit_would_do(people: Tables):
    people.upgrade(batch_of(lambda batch: batch.alter_column("a", nullable=False), recreate="always"))
    assert (people.copies(), people.edits()) == (1, 0)


def test_batches_on_one_table_share_one_edit(people: Tables):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("a", nullable=False)
        with op.batch_alter_table("people") as batch:
            batch.create_check_constraint("grown", "d < 5")
            batch.alter_column("b", nullable=True)

    people.upgrade(revision)
    assert (people.copies(), people.edits()) == (0, 1)
    assert "a TEXT NOT NULL, b TEXT DEFAULT 'x'" in str(people.sql("people"))


def test_batches_on_one_table_share_one_rebuild(people: Tables):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("a", nullable=False)
        with op.batch_alter_table("people") as batch:
            batch.create_unique_constraint("uq_people_a", ["a"])
            batch.alter_column("b", nullable=True)
        with op.batch_alter_table("people") as batch:
            batch.add_column(sa.Column("new", sa.Integer()))
            batch.drop_constraint("uq_people_a", type_="unique")
            batch.drop_column("c")

    people.upgrade(revision)
    assert people.copies() == 1
    assert people.sql("people") == (
        "CREATE TABLE people (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT DEFAULT 'x', d INT CHECK (d > 0), e INT "
        "REFERENCES towns, f INT, g TEXT, h TEXT AS (g || '!'), new INTEGER)"
    )


@pytest.mark.parametrize(
    "between",
    [
        lambda op: op.execute("UPDATE people SET b = 'now not null' WHERE b IS NULL"),
        lambda op: op.get_bind(),
        lambda op: op.create_table("other", sa.Column("id", sa.Integer)),
        lambda op: op.bulk_insert(sa.table("people", sa.column("a"), sa.column("f")), [{"a": "three", "f": 9}]),
    ],
)
def test_what_was_put_off_is_done_before_anything_else_is_executed(people: Tables, between: Any):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("a", nullable=False)
        between(op)
        assert people.edits() == 1
        with op.batch_alter_table("people") as batch:
            batch.create_unique_constraint("uq", ["f"])

    people.upgrade(revision)
    assert (people.edits(), people.copies()) == (1, 1)


def test_what_was_put_off_is_done_before_another_table_is_changed(people: Tables):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("a", nullable=False)
        with op.batch_alter_table("towns") as batch:
            batch.create_check_constraint("positive", "id > 0")
        with op.batch_alter_table("people") as batch:
            batch.alter_column("a", nullable=True)

    people.upgrade(revision)
    assert people.edits() == 3


def test_rows_are_checked_at_the_end_of_the_block_that_asks_for_it(people: Tables):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("a", server_default="first")
        with pytest.raises(RowsDoNotFit), op.batch_alter_table("people") as batch:
            batch.alter_column("c", nullable=False)

    people.upgrade(revision)
    assert "a TEXT DEFAULT 'first'" in str(people.sql("people"))
    assert "c INT UNIQUE" in str(people.sql("people"))
    assert people.copies() == 0


def test_pragmas_are_left_as_they_were(people: Tables):
    pragmas = ("legacy_alter_table", "ignore_check_constraints", "foreign_keys", "writable_schema")
    for value in (0, 1):
        people.execute(f"PRAGMA legacy_alter_table = {value}")
        before = [people.rows(f"PRAGMA {pragma}") for pragma in pragmas]
        people.upgrade(
            batch_of(lambda batch: batch.alter_column("a", new_column_name="aa"), recreate="always")
            if value
            else batch_of(recreate="always")
        )
        assert [people.rows(f"PRAGMA {pragma}") for pragma in pragmas] == before


def test_batch_that_fails_does_not_take_along_the_one_before_it(people: Tables):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("a", nullable=False)
        with pytest.raises(MigrationFailed), op.batch_alter_table("people") as batch:
            batch.alter_column("b", new_column_name="c")

    people.upgrade(revision)
    assert "a TEXT NOT NULL, b TEXT" in str(people.sql("people"))


def test_name_changes_its_case_only(people: Tables):
    people.upgrade(batch_of(lambda batch: batch.alter_column("a", new_column_name="A")))
    assert '"A" TEXT' in str(people.sql("people"))
    assert people.rows("SELECT a FROM people ORDER BY id") == [("one",), ("two",)]
