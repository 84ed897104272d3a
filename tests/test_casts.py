"""Columns that get another type in `create`: the casts that this takes, up and down, and the keys in the way."""

import pytest

from enum_shop import EnumShop, orders
from projects import Project


@pytest.fixture
def shop(project: Project, database_url: str) -> EnumShop:
    return EnumShop(project, database_url)


@pytest.fixture
def pg_shop(project: Project, postgresql_url: str) -> EnumShop:
    return EnumShop(project, postgresql_url)


def column(type_: str, **options: str) -> str:
    """A column `x` of a type of SQLAlchemy's."""
    rest = "".join(f", {name}={value}" for name, value in options.items())
    return f"x: typing.Any = Field(default=None, sa_column=sa.Column({type_}{rest}))"


def change(shop: EnumShop, before: str, after: str, values: list[str], **options: str) -> str:
    shop.become("import typing", orders(column(before)))
    for value in values:
        shop.execute(f"INSERT INTO orders (name, x) VALUES ('a', {value})")
    source = shop.become("import typing", orders(column(after)))
    shop.back_and_forth()
    return source


@pytest.mark.parametrize(
    ("before", "after", "values"),
    [
        ("sa.String(20)", "sa.Integer", ["'7'", "NULL"]),
        ("sa.Integer", "sa.String(20)", ["7", "NULL"]),
        ("sa.String(40)", "sa.Date", ["'2024-02-29'"]),
        ("sa.Integer", "sa.Boolean", ["0", "1"]),
    ],
)
def test_column_gets_another_type_and_its_own_again(shop: EnumShop, before: str, after: str, values: list[str]) -> None:
    change(shop, before, after, values)
    assert len(shop.rows("SELECT x FROM orders")) == len(values)


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [
        ("sa.Text", "sa.JSON", """'{"a": 1}'"""),
        ("sa.String(40)", "sa.Uuid", "'00000000-0000-0000-0000-000000000007'"),
        ("sa.BigInteger", "sa.Boolean", "1"),
        ("sa.Boolean", "sa.Numeric(5, 2)", "true"),
        ("sa.Text", "sa.LargeBinary", "'abc'"),
    ],
)
def test_cast_is_written_where_the_server_wants_one(pg_shop: EnumShop, before: str, after: str, value: str) -> None:
    assert "postgresql_using" in change(pg_shop, before, after, [value])


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [
        ("sa.String(9)", "sa.Integer", "'007'"),
        ("sa.Integer", "sa.Boolean", "5"),
        ("sa.Text", "sa.Numeric(5, 1)", "'1.25'"),
    ],
)
def test_cast_that_loses_something_is_refused(pg_shop: EnumShop, before: str, after: str, value: str) -> None:
    pg_shop.become("import typing", orders(column(before)))
    pg_shop.execute(f"INSERT INTO orders (name, x) VALUES ('a', {value})")
    pg_shop.draft("import typing", orders(column(after)))
    refused = pg_shop.run("migrate", "upgrade")
    assert refused.returncode == 1
    assert "1 row" in refused.stderr


def test_default_changes_with_the_type(shop: EnumShop) -> None:
    shop.become("import typing", orders(column("sa.String(9)", server_default='"5"', nullable="False")))
    shop.execute("INSERT INTO orders (name) VALUES ('a')")
    shop.become("import typing", orders(column("sa.Integer", server_default='"7"', nullable="False")))
    shop.back_and_forth()
    shop.execute("INSERT INTO orders (name) VALUES ('b')")
    assert shop.rows("SELECT x FROM orders ORDER BY name") == [(5,), (7,)]


TREE = """
class Node(SQLModel, table=True):
    __tablename__ = "nodes"

    id: {type} = Field(primary_key=True{more})
    parent_id: {type} | None = Field(default=None, foreign_key="nodes.id"{more})


class Leaf(SQLModel, table=True):
    __tablename__ = "leaves"

    id: int | None = Field(default=None, primary_key=True)
    node_id: {type} = Field(foreign_key="nodes.id", ondelete="CASCADE"{more})
"""


def test_key_and_what_refers_to_it_change_their_type_together(shop: EnumShop) -> None:
    shop.become(TREE.format(type="int", more="").replace("id: int =", "id: int | None =", 1))
    shop.execute("INSERT INTO nodes (id, parent_id) VALUES (1, NULL), (2, 1)")
    shop.execute("INSERT INTO leaves (node_id) VALUES (2)")
    shop.become(TREE.format(type="str", more=", max_length=20"))
    shop.back_and_forth()
    assert shop.rows("SELECT id, parent_id FROM nodes ORDER BY id") == [("1", None), ("2", "1")]
    shop.ok("migrate", "downgrade", "-1")
    assert shop.rows("SELECT node_id FROM leaves") == [(2,)]
    shop.execute("INSERT INTO nodes (parent_id) VALUES (2)")
    assert shop.rows("SELECT max(id) FROM nodes") == [(3,)]


CIRCLE = """
class A(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    b_id: int | None = Field(default=None, foreign_key="b.id")


class B(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    a_id: int | None = Field(default=None, foreign_key="a.id")
"""


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_tables_that_refer_to_each_other_come_and_go(shop: EnumShop) -> None:
    shop.become(CIRCLE)
    shop.back_and_forth()
    shop.become(flags=["--drop", "a", "--drop", "b"])
    shop.back_and_forth()
    assert shop.tables() == {"town"}


# ---- an expression of one's own


@pytest.mark.parametrize("server", ["postgresql", "sqlite"])
def test_cast_may_be_given(project: Project, request: pytest.FixtureRequest, server: str) -> None:
    shop = EnumShop(project, request.getfixturevalue(f"{server}_url"))
    shop.become("import typing", orders(column("sa.String(20)")))
    shop.execute("INSERT INTO orders (name, x) VALUES ('a', 'three')")
    shop.become("import typing", orders(column("sa.Integer")), flags=["--cast", "orders.x=length(x)"])
    assert shop.rows("SELECT x FROM orders") == [(5,)]
    shop.ok("migrate", "check")


def test_cast_is_refused_where_it_cannot_be_undone_or_nothing_gets_another_type(shop: EnumShop) -> None:
    shop.become("import typing", orders(column("sa.String(20)")))
    shop.project.write("models.py", shop.models.read_text().replace("sa.String(20)", "sa.Integer"))
    done = shop.run("migrate", "create", "change", "--cast", "orders.name=lower(name)")
    assert done.returncode == 2
    assert "gives no column of that name another type" in done.stderr
    done = shop.run("migrate", "create", "change", "--cast", "orders.x=length(x)")
    assert done.returncode == (2 if shop.url.startswith("mysql") else 0)
