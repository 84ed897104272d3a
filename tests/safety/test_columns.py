"""A column that is added: what its default, or having none, means for the rows that are there."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from alembic.operations import Operations

from guarded import Rows

TABLE = (
    "CREATE TABLE owners (id INTEGER PRIMARY KEY)",
    "INSERT INTO owners VALUES (1), (2)",
    "CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(20))",
    "INSERT INTO things VALUES (1, 'a'), (2, 'b'), (3, 'c')",
)


@pytest.fixture
def things(database_url: str) -> Rows:
    return Rows(database_url, *TABLE)


@pytest.fixture(params=["postgresql", "mysql"])
def altered(request: pytest.FixtureRequest) -> Rows:
    """On a server that adds constraints to a table that stands."""
    return Rows(str(request.getfixturevalue(f"{request.param}_url")), *TABLE)


def add(*arguments: object, **options: object) -> Callable[[Operations], None]:
    return lambda op: op.add_column("things", sa.Column("x", *arguments, **options))  # type: ignore[arg-type]


def test_not_null_without_a_default_is_refused_where_there_are_rows(things: Rows) -> None:
    error = things.refuses(add(sa.Integer(), nullable=False))
    assert error.what == (
        "revision r1 adds `things.x` as NOT NULL without a server_default, and 3 of 3 rows get no value there"
    )
    assert error.why == "they are id=1; id=2; id=3"
    things.refuses(add(sa.Integer(), nullable=False, default=7))  # the model's default is Python's own


def test_not_null_without_a_default_passes_where_there_is_no_row(altered: Rows) -> None:
    altered.do("DELETE FROM things")
    altered.takes(add(sa.Integer(), nullable=False))


def test_column_with_a_default_passes(things: Rows) -> None:
    things.takes(add(sa.Integer(), nullable=False, server_default="7"))
    assert things.rows("SELECT x FROM things") == [(7,)] * 3


def test_nullable_column_passes(things: Rows) -> None:
    things.takes(add(sa.Integer()))


def test_nullable_reference_passes(altered: Rows) -> None:
    altered.takes(add(sa.Integer(), sa.ForeignKey("owners.id")))


def test_column_that_counts_by_itself_passes(postgresql_url: str) -> None:
    rows = Rows(postgresql_url, "CREATE TABLE things (name TEXT)", "INSERT INTO things VALUES ('a'), ('b')")
    rows.takes(lambda op: op.add_column("things", sa.Column("x", sa.Integer(), sa.Identity(), nullable=False)))
    rows.takes(
        lambda op: op.add_column(
            "things",
            sa.Column("y", sa.Uuid(), nullable=False, server_default=sa.text("gen_random_uuid()"), unique=True),
        )
    )


def test_numbers_that_a_default_would_take_are_left(postgresql_url: str) -> None:
    rows = Rows(postgresql_url, *TABLE, "CREATE SEQUENCE counter")
    rows.takes(add(sa.Integer(), nullable=False, unique=True, server_default=sa.text("nextval('counter')")))
    assert rows.rows("SELECT last_value FROM counter") == [(3,)]


def test_computed_column_passes(database_url: str) -> None:
    rows = Rows(database_url, *TABLE)
    rows.takes(add(sa.Integer(), sa.Computed("id * 2", persisted=None if "sqlite" in database_url else True)))


def test_one_default_for_several_rows_is_not_unique(altered: Rows) -> None:
    error = altered.refuses(add(sa.Integer(), unique=True, server_default="7"))
    assert "adds `things.x`, unique, with the default '7', and 3 of 3 rows share it" in error.what
    altered.do("DELETE FROM things WHERE id > 1")
    altered.takes(add(sa.Integer(), unique=True, server_default="7"))


def test_default_that_breaks_the_column_s_check_is_refused(things: Rows) -> None:
    error = things.refuses(add(sa.Integer(), sa.CheckConstraint("x > 10"), server_default="7"))
    assert "adds the CHECK `x > 10` to `things`, and 3 of 3 rows break it" in error.what
    things.takes(add(sa.Integer(), sa.CheckConstraint("x > 5"), server_default="7"))


def test_default_that_breaks_the_check_of_its_type_is_refused(altered: Rows) -> None:
    kind = sa.Enum("low", "high", name="kind", native_enum=False, create_constraint=True)
    altered.refuses(add(kind, server_default="middle"))
    altered.takes(add(kind, server_default="low"))


def test_default_that_refers_to_nothing_is_refused(altered: Rows) -> None:
    error = altered.refuses(add(sa.Integer(), sa.ForeignKey("owners.id"), server_default="7"))
    assert "makes `things.x` refer to `owners.id`, and 3 of 3 rows refer to a row that is not there" in error.what
    altered.takes(add(sa.Integer(), sa.ForeignKey("owners.id"), server_default="2"))


def test_column_that_is_there_already_is_not_looked_at(postgresql_url: str) -> None:
    rows = Rows(postgresql_url, *TABLE)
    rows.takes(lambda op: op.add_column("things", sa.Column("name", sa.String(20), nullable=False), if_not_exists=True))


def test_operations_in_a_batch_are_looked_at_where_a_batch_alters(altered: Rows) -> None:
    def change(op: Operations) -> None:
        with op.batch_alter_table("things") as batch:
            batch.add_column(sa.Column("x", sa.Integer(), nullable=False))

    altered.refuses(change)
