"""Generated columns of the models against those that a server has stored in its own words."""

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from oppmigrate.databases import open_database

# what servers store in other words than these
EXPRESSIONS: tuple[tuple[str, Any], ...] = (
    ("total * 2", sa.Integer),
    ("(total + 1) * (total - 1)", sa.Integer),
    ("coalesce(total, -5)", sa.Integer),
    ("CASE WHEN kind IN ('a', 'b') THEN 1 ELSE 0 END", sa.Integer),
    ("upper(kind)", sa.String(20)),
    ("price * 2", sa.Numeric(12, 2)),
)


def orders(expression: str | None, type_: Any = sa.Integer) -> sa.MetaData:
    metadata = sa.MetaData()
    computed = [sa.Computed(expression, persisted=True)] if expression else []
    sa.Table(
        "orders",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("total", sa.Integer),
        sa.Column("kind", sa.String(20)),
        sa.Column("price", sa.Numeric(10, 2)),
        sa.Column("made", type_, *computed),
    )
    return metadata


def differences(url: str, made: sa.MetaData, models: sa.MetaData) -> list[tuple[str, str]]:
    """What is found between the models and a database made with `create_all`, as (what is done, column)."""

    def work(connection: sa.Connection) -> list[Any]:
        made.create_all(connection)
        connection.commit()
        return list(compare_metadata(MigrationContext.configure(connection), models))

    return [(each[0], each[3].name) for each in open_database(url).run(work)]


@pytest.mark.parametrize(("expression", "type_"), EXPRESSIONS)
def test_database_made_by_the_models_differs_in_nothing(database_url: str, expression: str, type_: Any) -> None:
    assert differences(database_url, orders(expression, type_), orders(expression, type_)) == []


REPLACED = [("remove_column", "made"), ("add_column", "made")]


@pytest.mark.parametrize(("before", "after"), [("total * 2", "total * 3"), (None, "total * 2")])
def test_column_computed_otherwise_is_made_anew(database_url: str, before: str | None, after: str) -> None:
    assert differences(database_url, orders(before), orders(after)) == REPLACED


def test_type_of_a_generated_column_is_changed_with_it(database_url: str) -> None:
    assert differences(database_url, orders("total * 2"), orders("total * 2", sa.BigInteger)) == REPLACED


def test_values_that_are_no_longer_stored_are_a_difference(sqlite_url: str) -> None:
    models = sa.MetaData()
    sa.Table("t", models, sa.Column("a", sa.Integer), sa.Column("made", sa.Integer, sa.Computed("a + 1")))
    made = sa.MetaData()
    column = sa.Column("made", sa.Integer, sa.Computed("a + 1", persisted=True))
    sa.Table("t", made, sa.Column("a", sa.Integer), column)
    assert differences(sqlite_url, made, models) == REPLACED
    assert differences(sqlite_url, made, made) == []
