"""`_alembic_tmp_*`, left behind by a stock `alembic` that was killed: recognised, and dropped only on request."""

from collections.abc import Iterator

import pytest

import sqlite_batches
from oppmigrate.databases.leftovers import Leftover, leftovers_in_the_way
from oppmigrate.errors import Refused
from sqlite_batches import Tables


@pytest.fixture
def people() -> Iterator[Tables]:
    with sqlite_batches.tables() as people:
        people.execute("CREATE TABLE people (a)", "INSERT INTO people VALUES (1), (2)")
        yield people


def find(people: Tables) -> tuple[Leftover, ...]:
    found = people.database.find_leftovers(people.connection)
    people.connection.rollback()
    return found


def test_nothing_is_found_where_nothing_is_left(people: Tables):
    people.execute("CREATE VIEW _alembic_tmp_view AS SELECT 1")
    assert find(people) == ()


def test_leftover_is_found_with_its_table_and_the_rows_of_both(people: Tables):
    people.execute("CREATE TABLE _alembic_tmp_people (a)", "INSERT INTO _alembic_tmp_people VALUES (1)")
    assert find(people) == (Leftover("_alembic_tmp_people", "people", 1, 2),)


def test_leftover_whose_rows_are_all_in_its_table_is_dropped_on_request(people: Tables):
    people.execute("CREATE TABLE _alembic_tmp_people (a)", "INSERT INTO _alembic_tmp_people VALUES (1), (2)")
    dropped = people.database.drop_leftovers(people.connection)
    people.connection.commit()
    assert [each.name for each in dropped] == ["_alembic_tmp_people"]
    assert find(people) == ()
    assert people.rows("SELECT a FROM people") == [(1,), (2,)]


def test_leftover_that_may_hold_the_only_copy_is_kept(people: Tables):
    people.execute("CREATE TABLE _alembic_tmp_people (a)", "CREATE TABLE _alembic_tmp_gone AS SELECT * FROM people")
    before = people.everything()
    with pytest.raises(Refused) as refused:
        people.database.drop_leftovers(people.connection)
    people.connection.rollback()
    assert refused.value.what == "the leftover `_alembic_tmp_gone` was not dropped"
    assert "holds 2 rows, and the table that it was made for is not there" in str(refused.value.why)
    assert refused.value.do == 'bring it back under its name: ALTER TABLE "_alembic_tmp_gone" RENAME TO "gone"'
    assert people.everything() == before


def test_leftover_with_more_rows_than_its_table_is_kept(people: Tables):
    people.execute("CREATE TABLE _alembic_tmp_people (a)", "INSERT INTO _alembic_tmp_people VALUES (1), (2), (3)")
    with pytest.raises(Refused, match="was not dropped"):
        people.database.drop_leftovers(people.connection)


def test_leftover_whose_name_alembic_has_cut_is_known_by_what_is_left_of_it(people: Tables):
    name = "a_table_with_a_name_that_is_much_too_long_for_alembic"
    cut = f"_alembic_tmp_{name}"[:50]
    people.execute(f"CREATE TABLE {name} (a)", f"CREATE TABLE {cut} (a)")
    assert find(people) == (Leftover(cut, name, 0, 0),)


def test_error_for_what_is_in_the_way_tells_the_command_or_the_way_back(people: Tables):
    people.execute("CREATE TABLE _alembic_tmp_people (a)")
    error = leftovers_in_the_way(find(people))
    assert error.why == "`_alembic_tmp_people` was made to replace `people`; it holds 0 rows, `people` 2"
    assert error.do == "oppman migrate upgrade --drop-leftovers"
    people.execute("DELETE FROM people", "INSERT INTO _alembic_tmp_people VALUES (1)")
    assert str(leftovers_in_the_way(find(people)).do).startswith("compare the two")
