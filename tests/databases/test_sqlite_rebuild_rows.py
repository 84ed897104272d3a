"""Rows that do not fit a table's new definition are found, counted and shown, and nothing is changed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

import sqlite_batches
from oppmigrate.errors import RowsDoNotFit
from sqlite_batches import Tables


@pytest.fixture(params=[False, True], ids=["rebuilt", "edited"])
def people(request: pytest.FixtureRequest) -> Iterator[Tables]:
    with sqlite_batches.tables(edits=request.param) as people:
        people.execute(
            "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age INT, boss INT, town TEXT COLLATE NOCASE)",
            "INSERT INTO people VALUES (1, 'Ada', 36, NULL, 'Oslo'), (2, 'Bob', NULL, 7, 'OSLO'), "
            "(3, 'Ada', -1, 1, 'Rome')",
        )
        yield people


def refused(people: Tables, change: Callable[[Any], None]) -> RowsDoNotFit:
    before = people.everything()

    def revision(op: Any) -> None:
        with op.batch_alter_table("people") as batch:
            change(batch)

    with pytest.raises(RowsDoNotFit) as caught:
        people.upgrade(revision)
    assert people.everything() == before
    assert people.copies() == 0
    return caught.value


def test_nulls_under_a_new_not_null(people: Tables):
    error = refused(people, lambda batch: batch.alter_column("age", nullable=False))
    assert error.what == "1 row of `people` has no value in `age`, which becomes NOT NULL"
    assert error.why == "for example id 2"
    assert "UPDATE people SET age = ... WHERE age IS NULL" in str(error.do)
    assert error.facts == {"table": "people", "column": "age", "count": 1, "sample": [{"id": 2}]}


def test_new_column_that_nothing_fills(people: Tables):
    error = refused(people, lambda batch: batch.add_column(sa.Column("mail", sa.Text(), nullable=False)))
    assert error.what == "3 rows of `people` would have no value in the new column `mail`, which is NOT NULL"


def test_new_column_that_nothing_fills_is_taken_by_an_empty_table(people: Tables):
    people.execute("DELETE FROM people")

    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.add_column(sa.Column("mail", sa.Text(), nullable=False))

    people.upgrade(revision)
    assert "mail TEXT NOT NULL" in str(people.sql("people"))


def test_duplicates_under_a_new_unique(people: Tables):
    error = refused(people, lambda batch: batch.create_unique_constraint("uq_name", ["name"]))
    assert error.what == "2 rows of `people` have the same `name` as another row, where UNIQUE `uq_name` allows one"
    assert error.facts["sample"] == [{"name": "Ada", "rows": 2}]


def test_duplicates_by_the_collation_of_the_column(people: Tables):
    error = refused(people, lambda batch: batch.create_unique_constraint("uq_town", ["town"]))
    assert error.facts["count"] == 2


def test_duplicates_under_a_new_unique_index(people: Tables):
    error = refused(
        people,
        lambda batch: batch.create_index(
            "one_name", [sa.text("lower(name) DESC")], unique=True, sqlite_where=sa.text("age IS NOT NULL")
        ),
    )
    assert error.what.endswith("where the unique index `one_name` allows one")
    assert error.facts["count"] == 2


def test_partial_unique_index_is_made_where_its_rows_allow_it(people: Tables):
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.create_index("one_name", ["name"], unique=True, sqlite_where=sa.text("age > 0"))

    people.upgrade(revision)
    assert people.sql("one_name") is not None


def test_duplicates_under_a_new_primary_key(people: Tables):
    def change(batch):
        batch.drop_constraint("pk_people", type_="primary")
        batch.create_primary_key("pk_new", ["name"])

    assert refused(people, change).facts["count"] == 2


def test_number_too_large_to_be_rounded_is_refused_and_no_error_of_ours(people: Tables):
    people.execute("UPDATE people SET age = 1e300 WHERE id = 1", "UPDATE people SET age = 2.25 WHERE id = 2")
    error = refused(people, lambda batch: batch.alter_column("age", type_=sa.Numeric(8, 1)))
    assert error.facts["count"] == 2
    assert [each["age"] for each in error.facts["sample"]] == [1e300, 2.25]


def test_nulls_under_a_new_primary_key(people: Tables):
    people.execute("CREATE TABLE pairs (a INTEGER, b TEXT, PRIMARY KEY (a, b))", "INSERT INTO pairs VALUES (NULL, 'x')")

    def revision(op):
        with op.batch_alter_table("pairs") as batch:
            batch.drop_column("b")

    with pytest.raises(RowsDoNotFit) as caught:
        people.upgrade(revision)
    assert caught.value.what == "1 row of `pairs` has no value in `a`, which becomes the PRIMARY KEY"


def test_nulls_under_a_key_that_becomes_the_rowid(people: Tables):
    people.execute("CREATE TABLE odd (a BIGINT PRIMARY KEY)", "INSERT INTO odd VALUES (NULL)")

    def revision(op):
        with op.batch_alter_table("odd") as batch:
            batch.alter_column("a", type_=sa.Integer())

    with pytest.raises(RowsDoNotFit, match="which becomes the PRIMARY KEY"):
        people.upgrade(revision)


def test_rows_that_break_a_new_check(people: Tables):
    error = refused(people, lambda batch: batch.create_check_constraint("ck_age", sa.column("age") >= 0))
    assert error.what == "1 row of `people` breaks the new CHECK `ck_age` (age >= 0)"
    assert error.facts["sample"] == [{"id": 3, "age": -1}]


def test_rows_whose_new_foreign_key_points_nowhere(people: Tables):
    error = refused(people, lambda batch: batch.create_foreign_key("fk_boss", "people", ["boss"], ["id"]))
    assert error.what == "1 row of `people` would refer, by `boss`, to rows of `people` that are not there"
    assert error.facts["sample"] == [{"id": 2, "boss": 7}]


@pytest.mark.parametrize(
    ("type_", "fit", "unfit"),
    [
        (
            sa.Integer(),
            ["12", "-3", "0", " 5 ", 7],
            ["abc", "007", "+1", "1.5", "", "99999999999999999999", 2.5, b"1"],
        ),
        (
            sa.Float(),
            ["1.5", "1.50", "-2e3", 4, 0.1],
            ["abc", "01.5", "1.5 m", 2**60 + 1, b"1", "0.12345678901234567890"],
        ),
        (sa.Numeric(6, 2), ["1.50", 12, 9999.99], ["abc", "1.005", 10000, "12345.6"]),
        (sa.Boolean(), ["0", "1", 1, 0], ["true", "yes", 2, "", 0.5]),
        (
            sa.Date(),
            ["2024-02-29", "2024-01-01 00:00:00.000000"],
            ["2024-02-30", "2024-01-01 10:00:00", "1.1.2024", 20240101.5],
        ),
        (
            sa.DateTime(),
            ["2024-01-01", "2024-01-01 10:00:00.000000", "2024-01-01T10:00"],
            ["yesterday", 1704067200, ""],
        ),
        (sa.Time(), ["10:00:00.000000"], ["ten", 10]),
        (sa.JSON(), ['{"a": [1]}', "5", '"x"'], ["{a: 1}", "", "abc"]),
        (sa.Uuid(), ["0123456789abcdef0123456789abcdef"], ["abc", "z" * 32]),
        (sa.Enum("red", "blue", name="colour"), ["red", "blue"], ["green", ""]),
        (sa.String(3), ["abc", "", "é€x", 123], ["abcd", 1234]),
        (sa.LargeBinary(), ["abc", b"abc"], [1, 1.5]),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, sa.types.TypeEngine) else "",
)
def test_values_that_a_new_type_would_change(type_: Any, fit: list[Any], unfit: list[Any]):
    for value in fit + unfit:
        with sqlite_batches.tables(edits=False) as people:
            declared = "TEXT" if isinstance(value, str) else "NUMERIC"  # so that SQLite stores it as it is
            people.execute(f"CREATE TABLE people (id INTEGER PRIMARY KEY, what {declared})")
            people.connection.exec_driver_sql("INSERT INTO people VALUES (1, ?), (2, NULL)", (value,))
            people.connection.commit()
            if value in unfit and type(value) is type(unfit[unfit.index(value)]):
                error = refused(people, lambda batch: batch.alter_column("what", type_=type_))
                assert error.facts["count"] == 1
                assert error.facts["sample"][0]["what"] == value
            else:
                convert(people, type_)
                table = sa.table("people", sa.column("id"), sa.column("what", type_))
                read = people.connection.execute(sa.select(table).order_by(table.c.id)).all()
                assert len(read) == 2
                assert read[1].what is None


def convert(people: Tables, type_: Any, *allowed: str) -> None:
    def revision(op):
        with op.batch_alter_table("people") as batch:
            batch.alter_column("what", type_=type_)

    people.upgrade(revision, allowed=allowed)


@pytest.mark.parametrize(
    ("declared", "type_", "stored", "converted"),
    [
        ("TEXT", sa.Integer(), "12", 12),
        ("INTEGER", sa.Text(), 12, "12"),
        ("TEXT", sa.Numeric(8, 2), "1.50", 1.5),
        ("DATE", sa.DateTime(), "2024-01-02", "2024-01-02 00:00:00.000000"),
        ("DATETIME", sa.Date(), "2024-01-02 00:00:00.000000", "2024-01-02"),
        ("TEXT", sa.DateTime(), "2024-01-02 03:04:05.000000", "2024-01-02 03:04:05.000000"),
        ("TEXT", sa.JSON(), '{"a": 1}', '{"a": 1}'),
        ("VARCHAR(5)", sa.String(50), "abc", "abc"),
        ("INTEGER", sa.BigInteger(), "not a number", "not a number"),
    ],
)
def test_values_are_converted_as_they_will_be_read(declared: str, type_: Any, stored: Any, converted: Any):
    with sqlite_batches.tables(edits=False) as people:
        people.execute(f"CREATE TABLE people (id INTEGER PRIMARY KEY, what {declared})")
        people.connection.exec_driver_sql("INSERT INTO people VALUES (1, ?)", (stored,))
        people.connection.commit()
        convert(people, type_)
        assert people.rows("SELECT what, typeof(what) FROM people") == [
            (converted, {str: "text", int: "integer", float: "real"}[type(converted)])
        ]


def test_a_person_may_allow_the_loss():
    with sqlite_batches.tables(edits=False) as people:
        people.execute("CREATE TABLE people (what TEXT)", "INSERT INTO people VALUES ('abc'), ('5')")
        convert(people, sa.Integer(), "lossy-conversion")
        assert people.rows("SELECT what FROM people") == [(0,), (5,)]


def test_sample_is_at_most_five_and_the_count_is_whole():
    with sqlite_batches.tables(edits=False) as people:
        people.execute(
            "CREATE TABLE people (what TEXT)",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) "
            "INSERT INTO people SELECT 'x' || i FROM n",
        )
        error = refused(people, lambda batch: batch.alter_column("what", type_=sa.Integer()))
        assert error.what == "1,500 values of `people.what` would not survive as INTEGER"
        assert len(error.facts["sample"]) == 5


def test_text_that_is_no_utf_8_is_shown_all_the_same():
    with sqlite_batches.tables(edits=False) as people:
        people.execute("CREATE TABLE people (what TEXT)", "INSERT INTO people VALUES (CAST(x'ff41' AS TEXT))")
        error = refused_without_looking(people, sa.Integer())
        assert "\\\\xffA" in str(error.why)


def refused_without_looking(people: Tables, type_: Any) -> RowsDoNotFit:
    with pytest.raises(RowsDoNotFit) as caught:
        convert(people, type_)
    return caught.value


def test_column_is_not_computed_over_values_that_say_something_else():
    with sqlite_batches.tables(edits=False) as people:
        people.execute("CREATE TABLE people (a INT, b INT)", "INSERT INTO people VALUES (1, 2), (2, 5)")
        change = lambda batch: batch.alter_column("b", server_default=sa.Computed("a + 1"))  # noqa: E731  # data
        error = refused(people, change)
        assert error.what == "1 value of `people.b` is not what it would compute"
        people.execute("UPDATE people SET b = a + 1")

        def revision(op):
            with op.batch_alter_table("people") as batch:
                change(batch)

        people.upgrade(revision)
        assert people.rows("SELECT a, b FROM people") == [(1, 2), (2, 3)]
