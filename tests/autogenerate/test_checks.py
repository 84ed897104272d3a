"""CHECK constraints of the models against those that a server has stored in its own words."""

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.migration import MigrationContext

from oppmigrate.databases import open_database

# what servers store in other words than these
CONDITIONS = (
    "total >= 0",
    "total > -5",
    "total != 7 AND NOT (total = 8)",
    "kind IN ('a', 'b')",
    "kind NOT IN ('c')",
    "length(kind) > 0",
    "kind LIKE 'a%' OR kind IS NULL",
    "kind <> 'at 12:30 :x'",
    "total % 2 = 0",
    "price * 2 < 1000.50",
    "price BETWEEN 0 AND 100",
    "coalesce(total, 0) < 1000000",
    "CASE WHEN total > 1 THEN price > 0 ELSE 1 = 1 END",
    "(total) >= (((0)))",
)


def orders(*items: Any) -> sa.MetaData:
    metadata = sa.MetaData()
    sa.Table(
        "orders",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("total", sa.Integer),
        sa.Column("kind", sa.String(20)),
        sa.Column("price", sa.Numeric(10, 2)),
        *items,
    )
    return metadata


def differences(url: str, made: sa.MetaData, models: sa.MetaData) -> list[Any]:
    """What is found between the models and a database made with `create_all`."""

    def work(connection: sa.Connection) -> list[Any]:
        made.create_all(connection)
        connection.commit()
        return list(compare_metadata(MigrationContext.configure(connection), models))

    return open_database(url).run(work)


def summary(found: list[Any]) -> list[tuple[str, str, str]]:
    return [(kind, str(check.name), str(check.sqltext).replace("`", "")) for kind, check in found]


@pytest.mark.parametrize("name", ["in_table", "in_column", "unnamed_in_table", "unnamed_in_column"])
def test_database_made_by_the_models_differs_in_nothing(database_url: str, name: str) -> None:
    if name == "in_column" and open_database(database_url).restates_columns:
        pytest.skip("MariaDB takes no name for a CHECK of a column")

    def models() -> sa.MetaData:
        checks = [
            sa.CheckConstraint(each.replace(" :x", r" \:x"), name=None if "unnamed" in name else f"ck_{number}")
            for number, each in enumerate(CONDITIONS)
        ]
        if "in_table" in name:
            return orders(*checks)
        return orders(
            *(sa.Column(f"extra_{number}", sa.Integer, each) for number, each in enumerate(_of_columns(checks)))
        )

    assert differences(database_url, models(), models()) == []


def _of_columns(checks: list[sa.CheckConstraint]) -> list[sa.CheckConstraint]:
    """MariaDB lets a column's CHECK be about that column only."""
    return [sa.CheckConstraint(f"extra_{number} > -{number}", name=each.name) for number, each in enumerate(checks)]


def test_checks_of_types_differ_in_nothing(database_url: str) -> None:
    def models() -> sa.MetaData:
        return orders(
            sa.Column("size", sa.Enum("s", "m", native_enum=False, create_constraint=True)),
            sa.Column("grade", sa.Enum("x", "y", native_enum=False, create_constraint=True, name="grades")),
            sa.Column("is_paid", sa.Boolean(create_constraint=True)),
            sa.Column("data", sa.JSON),
        )

    assert differences(database_url, models(), models()) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"ck_total": "total > 0"}, [("add_constraint", "ck_total", "total > 0")]),
        ({"ck_total": "total > 0"}, {}, [("remove_constraint", "ck_total", "total > 0")]),
        (
            {"ck_total": "total > 0"},
            {"ck_total": "total > 1"},
            [("remove_constraint", "ck_total", "total > 0"), ("add_constraint", "ck_total", "total > 1")],
        ),
        (
            {"ck_total": "total > 0"},
            {"ck_other": "total > 0"},
            [("remove_constraint", "ck_total", "total > 0"), ("add_constraint", "ck_other", "total > 0")],
        ),
    ],
    ids=["added", "dropped", "changed", "renamed"],
)
def test_named_check_that_differs_is_found(
    database_url: str, before: dict[str, str], after: dict[str, str], expected: list[Any]
) -> None:
    def models(checks: dict[str, str]) -> sa.MetaData:
        return orders(*(sa.CheckConstraint(text, name=name) for name, text in checks.items()))

    assert summary(differences(database_url, models(before), models(after))) == expected


def test_new_unnamed_check_gets_a_name_that_none_has(database_url: str) -> None:
    before = orders(sa.CheckConstraint("total > 0", name="ck_orders_total"))
    after = orders(sa.CheckConstraint("total < 100"), sa.CheckConstraint("total > 0", name="ck_orders_total"))
    assert summary(differences(database_url, before, after)) == [("add_constraint", "ck_orders_total_2", "total < 100")]


def test_include_object_keeps_a_check_out_of_the_comparison(sqlite_url: str) -> None:
    def without_checks(item: Any, name: str, type_: str, *_: Any) -> bool:
        return type_ != "check_constraint"

    def work(connection: sa.Connection) -> list[Any]:
        orders(sa.CheckConstraint("total > 0", name="gone")).create_all(connection)
        context = MigrationContext.configure(connection, opts={"include_object": without_checks})
        return list(compare_metadata(context, orders(sa.CheckConstraint("total > 1", name="new"))))

    assert open_database(sqlite_url).run(work) == []


def test_comparison_leaves_no_trace(database_url: str) -> None:
    def tables(connection: sa.Connection) -> list[str]:
        return sa.inspect(connection).get_table_names()

    made = orders(sa.CheckConstraint("kind in ('a', 'b')", name="ck_kind"))
    differences(database_url, made, orders(sa.CheckConstraint("no_such_function(kind)", name="ck_kind")))
    assert open_database(database_url).run(tables) == ["orders"]


# SQLAlchemy 2.1 warns of what it has reflected by itself
@pytest.mark.filterwarnings("ignore:Can't validate argument 'dialect_options'")
def test_not_valid_check_comes_back_not_valid(postgresql_url: str) -> None:
    def work(connection: sa.Connection) -> str:
        orders().create_all(connection)
        connection.exec_driver_sql("ALTER TABLE orders ADD CONSTRAINT ck_total CHECK (total > 0) NOT VALID")
        script = produce_migrations(MigrationContext.configure(connection), orders())
        assert script.downgrade_ops is not None
        return render_python_code(script.downgrade_ops)

    assert "postgresql_not_valid=True" in open_database(postgresql_url).run(work)


@pytest.mark.parametrize("kind", ["PARTITION BY RANGE (total)", "WITH (autovacuum_enabled = false)"])
def test_conditions_of_any_kind_of_table_are_compared(postgresql_url: str, kind: str) -> None:
    def work(connection: sa.Connection) -> list[Any]:
        connection.exec_driver_sql(
            "CREATE TABLE orders (id integer NOT NULL, total integer NOT NULL, kind varchar(20), price numeric(10, 2),"
            f" CONSTRAINT ck_kind CHECK (kind IN ('a', 'b')), PRIMARY KEY (id, total)) {kind}"
        )
        connection.exec_driver_sql("ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
        context = MigrationContext.configure(connection)
        models = orders(sa.CheckConstraint("kind IN ('a', 'b')", name="ck_kind"))
        found = [each for each in compare_metadata(context, models) if "constraint" in each[0]]
        return [each for each in found if isinstance(each[1], sa.CheckConstraint)]

    assert open_database(postgresql_url).run(work) == []


def test_conditions_about_a_table_of_one_row_are_told_apart(mysql_url: str) -> None:
    def work(connection: sa.Connection) -> list[Any]:
        made = orders(sa.CheckConstraint("kind IN ('a', 'b')", name="ck_kind"))
        made.tables["orders"].kwargs["mysql_engine"] = "Aria"
        made.create_all(connection)
        connection.exec_driver_sql("INSERT INTO orders (id, kind) VALUES (1, 'a')")
        connection.commit()
        models = orders(sa.CheckConstraint("kind NOT IN ('c', 'd')", name="ck_kind"))
        return list(compare_metadata(MigrationContext.configure(connection), models))

    assert len(open_database(mysql_url).run(work)) == 2


def test_check_is_made_anew_about_a_column_of_another_kind(database_url: str) -> None:
    """PostgreSQL would put casts into it, up and down, and then it is another one than the model's."""

    def retyped() -> sa.MetaData:
        models = orders(sa.CheckConstraint("total > 0", name="ck_total"))
        models.tables["orders"].columns["total"].type = sa.Numeric(10, 2)
        return models

    before = orders(sa.CheckConstraint("total > 0", name="ck_total"))
    found = [each for each in differences(database_url, before, retyped()) if isinstance(each, tuple)]
    expected = ["remove_constraint", "add_constraint"] if database_url.startswith("postgresql") else []
    assert [kind for kind, *_ in found] == expected
