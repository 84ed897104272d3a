"""`batches()`: every row once, however the loop changes them, and no more of them held than asked for."""

import datetime
import tracemalloc
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations

import mysql_rows
import postgresql_rows
import servers
from oppmigrate import errors
from oppmigrate.data import batches, tables


def fill(op: Operations, _connection: sa.Connection) -> list[int]:
    """Give a slug to who has none; returns the sizes of the batches."""
    people = tables(op).people
    sizes = []
    for batch in batches(op, sa.select(people.c.name).where(people.c.slug.is_(None)), size=2):
        assert batch[0]._fields == ("name",), "what is asked for, and no key beside it"
        assert batch.update(lambda row: {"slug": row.name.lower()}) == len(batch)
        sizes.append(len(batch))
    return sizes


def test_rows_that_the_loop_takes_out_of_the_select_put_no_other_out_of_its_place(people: Any) -> None:
    people.add("A", "B", "C", "D", "E")
    assert people.run(fill) == [2, 2, 1]
    assert people.slugs() == ["a", "b", "c", "d", "e"]
    assert people.run(fill) == []


def test_no_rows_are_no_batches(people: Any) -> None:
    assert people.run(fill) == []


@pytest.mark.parametrize(
    ("server", "driver"),
    [
        *(("postgresql", driver) for driver in postgresql_rows.DRIVERS),
        *(("mysql", driver) for driver in mysql_rows.DRIVERS),
        ("sqlite", "sqlite+aiosqlite"),
    ],
)
def test_driver_takes_keys_and_values_as_it_gives_them(
    request: pytest.FixtureRequest, server: str, driver: str
) -> None:
    from data.conftest import People

    people = People(servers.with_driver(request.getfixturevalue(f"{server}_url"), driver))
    people.add("A", "B", "C")
    assert people.run(fill) == [2, 1]
    assert people.slugs() == ["a", "b", "c"]


KEYS = {
    "text": (sa.String(20), ["a", "B", "é", "zz", "Z", "10", "9"]),
    "uuid": (sa.Uuid(), [uuid.UUID(int=n * 7919 * 2**90 % 2**128) for n in range(7)]),
    "enum": (sa.Enum("medium", "large", "small", "tiny", "huge", "none", "all", name="size"), None),
    "date": (sa.Date(), [datetime.date(2026, 1, day) for day in range(1, 8)]),
    "moment": (sa.DateTime(), [datetime.datetime(2026, 1, day, 1, 2, 3) for day in range(1, 8)]),
    "number": (sa.Numeric(12, 4), [n / 4 for n in range(7)]),
}


@pytest.mark.parametrize("kind", KEYS)
def test_key_may_be_of_any_type(people: Any, kind: str) -> None:
    """An ENUM of MariaDB is ordered by place and compared as a text."""
    type_, values = KEYS[kind]
    values = values or list(type_.enums)  # type: ignore[attr-defined]
    metadata = sa.MetaData()
    table = sa.Table("things", metadata, sa.Column("id", type_, primary_key=True), sa.Column("n", sa.Integer))
    people.make(metadata)
    people.run(lambda _op, connection: connection.execute(table.insert(), [{"id": value, "n": 0} for value in values]))

    def work(op: Operations, connection: sa.Connection) -> list[int]:
        for batch in batches(op, tables(op).things, size=2):
            batch.update(lambda row: {"n": row.n + 1})
        return list(connection.scalars(sa.select(table.c.n)))

    assert people.run(work) == [1] * 7


def test_composite_key_is_gone_through_in_its_order(people: Any) -> None:
    metadata = sa.MetaData()
    columns = [sa.Column(name, sa.Integer, primary_key=True, autoincrement=False) for name in "abc"]
    table = sa.Table("triples", metadata, *columns, sa.Column("n", sa.Integer))
    people.make(metadata)
    rows = [{"a": a, "b": b, "c": c, "n": 0} for a in range(3) for b in range(3) for c in range(3)]
    people.run(lambda _op, connection: connection.execute(table.insert(), rows))

    def work(op: Operations, connection: sa.Connection) -> tuple[list[int], list[Any]]:
        seen, sizes = [], []
        for batch in batches(op, tables(op).triples, size=4):
            batch.update(lambda row: {"n": row.a * 100 + row.b * 10 + row.c})
            seen += [tuple(row)[:3] for row in batch]
            sizes.append(len(batch))
        assert seen == sorted(seen)
        return sizes, [tuple(row) for row in connection.execute(sa.select(table))]

    sizes, held = people.run(work)
    assert sizes == [4, 4, 4, 4, 4, 4, 3]
    assert len(held) == 27
    assert all(n == a * 100 + b * 10 + c for a, b, c, n in held)


def test_rows_move_to_another_table(people: Any) -> None:
    people.add("A", "B", "C", "D", "E")
    metadata = sa.MetaData()
    sa.Table("aliases", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("alias", sa.String(40)))
    people.make(metadata)

    def work(op: Operations, connection: sa.Connection) -> list[str]:
        here = tables(op)
        movers, aliases = here.people, here.aliases
        for batch in batches(op, sa.select(movers).where(movers.c.name > "B"), size=2):
            op.bulk_insert(aliases, [{"alias": row.name} for row in batch])
            assert batch.delete() == len(batch)
        return list(connection.scalars(sa.select(aliases.c.alias).order_by(aliases.c.alias)))

    assert people.run(work) == ["C", "D", "E"]
    assert len(people.slugs()) == 2


def test_rows_of_a_join_are_told_apart_by_the_key_that_is_named(people: Any) -> None:
    people.add("A", "B", "C")
    metadata = sa.MetaData()
    sa.Table("titles", metadata, sa.Column("person", sa.Integer, primary_key=True), sa.Column("title", sa.String(9)))
    people.make(metadata)

    def work(op: Operations, connection: sa.Connection) -> None:
        here = tables(op)
        persons, titles = here.people, here.titles
        connection.execute(titles.insert().from_select(["person", "title"], sa.select(persons.c.id, sa.literal("Dr"))))
        joined = sa.select(persons.c.name, titles.c.title).join_from(persons, titles, persons.c.id == titles.c.person)
        with pytest.raises(errors.DataStepRefused, match="more than one table"):
            next(batches(op, joined))
        for batch in batches(op, joined, key=[persons.c.id], size=2):
            batch.update(lambda row: {"slug": f"{row.title} {row.name}"})

    people.run(work)
    assert people.slugs() == ["Dr A", "Dr B", "Dr C"]


def test_rows_for_which_nothing_is_given_stay_as_they_are(people: Any) -> None:
    people.add("A", "B", "C", "D")

    def work(op: Operations, _connection: sa.Connection) -> int:
        given = {"A": {"slug": "a"}, "B": None, "C": {"name": "see", "slug": "c"}, "D": {}}
        return sum(batch.update(lambda row: given[row.name]) for batch in batches(op, tables(op).people))

    assert people.run(work) == 2
    assert people.slugs() == ["a", None, "c", None]


def test_memory_does_not_grow_with_the_rows(few_people: Any) -> None:
    """200,000 rows take no more than 20,000: the most that is held is a batch."""

    def add(number: int) -> None:
        statement = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :number) "
            "INSERT INTO people (name) SELECT 'Person ' || i FROM n"
        )
        few_people.run(lambda _op, connection: connection.execute(sa.text(statement), {"number": number}))

    def peak(op: Operations, _connection: sa.Connection) -> tuple[int, int]:
        people, rows = tables(op).people, 0
        tracemalloc.start()
        try:
            for batch in batches(op, sa.select(people).where(people.c.slug.is_(None))):
                rows += batch.update(lambda row: {"slug": row.name.lower()})
            return rows, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    add(20_000)
    few_people.run(peak)  # what is compiled once stays
    few_people.run(lambda _op, connection: connection.execute(few_people.table.delete()))
    add(20_000)
    few_rows, few_bytes = few_people.run(peak)
    add(200_000)
    many_rows, many_bytes = few_people.run(peak)
    assert (few_rows, many_rows) == (20_000, 200_000)
    assert many_bytes < 1.5 * few_bytes


# ---- what could lose a row


def refusal(people: Any, ask: Any) -> errors.DataStepRefused:
    """What going through all batches of `ask` is refused with."""

    def work(op: Operations, _connection: sa.Connection) -> None:
        for _batch in ask(op, tables(op)):
            pass

    with pytest.raises(errors.DataStepRefused) as caught:
        people.run(work)
    assert caught.value.why
    assert caught.value.do
    return caught.value


def make(people: Any, *statements: str) -> None:
    def work(_op: Operations, connection: sa.Connection) -> None:
        for statement in statements:
            connection.execute(sa.text(statement))

    people.run(work)


def test_table_without_a_primary_key_needs_one_named(people: Any) -> None:
    make(people, "CREATE TABLE logs (at INTEGER NOT NULL, n INTEGER)", "INSERT INTO logs VALUES (1, 0), (2, 0), (3, 0)")
    error = refusal(people, lambda op, here: batches(op, here.logs))
    assert error.what == "table `logs` has no primary key, so it cannot be gone through in batches"
    assert "key=[logs.c.…]" in str(error.do)

    def work(op: Operations, connection: sa.Connection) -> list[int]:
        logs = tables(op).logs
        for batch in batches(op, logs, key=[logs.c.at], size=2):
            batch.update(lambda row: {"n": row.at})
        return list(connection.scalars(sa.select(logs.c.n).order_by(logs.c.at)))

    assert people.run(work) == [1, 2, 3]


def test_key_that_two_rows_share_is_refused_in_a_batch_and_between_two(people: Any) -> None:
    make(people, "CREATE TABLE logs (at INTEGER NOT NULL, n INTEGER)", "INSERT INTO logs VALUES (1, 0), (2, 0), (2, 1)")
    inside = refusal(people, lambda op, here: batches(op, here.logs, key=[sa.column("at", sa.Integer)]))
    assert inside.what == "more than one row has the key (at) = 2"
    between = refusal(people, lambda op, here: batches(op, here.logs, key=[sa.column("at", sa.Integer)], size=2))
    assert between.what == inside.what


def test_null_in_a_key_is_refused(people: Any) -> None:
    people.add("A", "B")
    error = refusal(people, lambda op, here: batches(op, (table := here.people), key=[table.c.slug]))
    assert error.what == "a row holds NULL in its key (slug)"


def test_row_that_is_not_found_by_its_key_is_refused(few_people: Any) -> None:
    few_people.add("A", "B")

    def work(op: Operations, _connection: sa.Connection) -> None:
        for batch in batches(op, tables(op).people):
            batch.delete()
            batch.update(lambda row: {"slug": "x"})

    with pytest.raises(errors.DataStepRefused, match="2 of 2 rows of table `people` were not found by their keys"):
        few_people.run(work)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda select, people: select.order_by(people.c.name), "a select with ORDER BY"),
        (lambda select, people: select.limit(1), "a select with LIMIT"),
        (lambda select, people: select.offset(1), "a select with OFFSET"),
        (lambda select, people: select.group_by(people.c.id), "a select with GROUP BY"),
        (lambda select, people: select.distinct(), "a select with DISTINCT"),
    ],
)
def test_select_that_has_an_order_of_its_own_is_refused(few_people: Any, change: Any, what: str) -> None:
    def ask(op: Operations, here: Any) -> Any:
        people = here.people
        return batches(op, change(sa.select(people), people))

    assert refusal(few_people, ask).what.startswith(what)


def test_batch_of_no_rows_is_refused(few_people: Any) -> None:
    with pytest.raises(errors.DataStepRefused, match="cannot have 0 rows"):
        few_people.run(lambda op, _connection: next(batches(op, tables(op).people, size=0)))


def test_new_value_of_a_column_that_is_not_there_is_refused(few_people: Any) -> None:
    few_people.add("A")

    def work(op: Operations, _connection: sa.Connection) -> None:
        for batch in batches(op, tables(op).people):
            batch.update(lambda row: {"slog": "a"})

    with pytest.raises(errors.DataStepRefused, match="table `people` has no column `slog`"):
        few_people.run(work)


# ---- in an autocommit_block


def test_batches_that_commit_by_themselves_are_kept_when_a_later_one_fails(people: Any) -> None:
    people.add("A", "B", "C", "D", "E")

    def work(op: Operations, connection: sa.Connection) -> None:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        table = tables(op).people
        with pytest.raises(errors.DataStepRefused, match="need a WHERE"):
            next(batches(op, table))
        for batch in batches(op, sa.select(table).where(table.c.slug.is_(None)), size=2):
            batch.update(lambda row: {"slug": "x", "name": None if row.name == "D" else row.name})

    with pytest.raises(Exception, match=r"(?i)null"):
        people.run(work)
    assert people.slugs() == ["x", "x", None, None, None], "a batch is written as a whole, or not at all"
    people.run(fill)
    assert people.slugs() == ["x", "x", "c", "d", "e"]
