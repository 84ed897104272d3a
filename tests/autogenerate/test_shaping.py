"""The shape of a revision's operations."""

import pytest
import sqlalchemy as sa
from alembic.operations import ops

from oppmigrate.autogenerate.shaping import shape
from oppmigrate.autogenerate.words import describe

INDEX = ops.CreateIndexOp("ix_a", "users", ["a"])
DROPPED_INDEX = ops.DropIndexOp("ix_b", "users")
COLUMN = ops.AddColumnOp("users", sa.Column("a", sa.Integer))
TABLE = ops.DropTableOp("users")


def in_batch(*operations, table="users", schema=None):
    return ops.ModifyTableOps(table, list(operations), schema=schema)


def shaped(*operations):
    """The operations in words, each batch as a list."""
    container = ops.UpgradeOps(list(operations))
    shape(container)
    return [
        [describe(inner).text for inner in each.ops] if isinstance(each, ops.ModifyTableOps) else describe(each).text
        for each in container.ops
    ]


def test_nothing_stays_nothing():
    assert shaped() == []


def test_indexes_leave_a_batch_that_holds_nothing_else():
    assert shaped(in_batch(INDEX, DROPPED_INDEX)) == ["create index ix_a on users (a)", "drop index ix_b on users"]


def test_indexes_stay_in_a_batch_that_rebuilds_the_table_anyway():
    assert shaped(in_batch(COLUMN, INDEX)) == [["add column users.a (INTEGER)", "create index ix_a on users (a)"]]


@pytest.mark.parametrize("index", [DROPPED_INDEX, in_batch(DROPPED_INDEX)])
def test_indexes_go_with_the_table_that_is_dropped(index):
    assert shaped(index, TABLE) == ["drop table users"]


def test_indexes_of_a_table_of_the_same_name_in_another_schema_stay():
    index = ops.DropIndexOp("ix_b", "users", schema="shop")
    assert shaped(index, TABLE) == ["drop index ix_b on shop.users", "drop table users"]


def test_order_stays():
    assert shaped(ops.DropTableOp("b"), in_batch(INDEX), ops.DropTableOp("a")) == [
        "drop table b",
        "create index ix_a on users (a)",
        "drop table a",
    ]


def column(name, *computed):
    return sa.Column(name, sa.Integer, *computed)


def test_generated_column_goes_before_what_it_is_made_from_and_comes_behind_it():
    made = column("z", sa.Computed("a * 2"))
    drops = [ops.DropColumnOp.from_column_and_tablename(None, "users", each) for each in (column("a"), made)]
    adds = [ops.AddColumnOp("users", each) for each in (made, column("a"))]
    assert shaped(in_batch(*drops)) == [["drop column users.z", "drop column users.a"]]
    assert shaped(in_batch(*adds)) == [["add column users.a (INTEGER)", "add column users.z (INTEGER, computed a * 2)"]]


def test_column_that_is_dropped_to_be_added_otherwise_keeps_its_place():
    dropped = ops.DropColumnOp("users", "z")
    assert shaped(in_batch(dropped, COLUMN, ops.DropColumnOp("users", "b"))) == [
        ["drop column users.z", "add column users.a (INTEGER)", "drop column users.b"]
    ]
