"""Every constraint gets a name; those that have one keep it."""

import enum

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.schema import CreateTable
from sqlmodel import Field, SQLModel

from oppmigrate.environment import name_constraints


def constraints_of(metadata):
    """Every constraint, with those that stand inside of a column."""
    for table in metadata.tables.values():
        yield from table.constraints
        for column in table.columns:
            yield from column.constraints


def names_of(*metadata):
    name_constraints(*metadata)
    return sorted(str(each.name) for one in metadata for each in constraints_of(one) if each.name is not None)


def table_of(*items, name="users", metadata=None, schema=None):
    metadata = metadata if metadata is not None else sa.MetaData()
    sa.Table(name, metadata, *items, schema=schema)
    return metadata


def created(table, dialect):
    return str(CreateTable(table).compile(dialect=dialect))


ID = ("id", sa.Integer)


# ---- each kind


@pytest.mark.parametrize(
    ("items", "names"),
    [
        ([sa.Column(*ID, primary_key=True)], ["pk_users"]),
        ([sa.Column("a", sa.Integer, primary_key=True), sa.Column("b", sa.Integer, primary_key=True)], ["pk_users"]),
        ([sa.Column("email", sa.String(50), unique=True)], ["uq_users_email"]),
        ([sa.Column("a", sa.Integer), sa.Column("b", sa.Integer), sa.UniqueConstraint("a", "b")], ["uq_users_a_b"]),
        ([sa.Column("group_id", sa.ForeignKey("groups.id"))], ["fk_users_group_id_groups"]),
        ([sa.Column("group_id", sa.ForeignKey("shop.groups.id"))], ["fk_users_group_id_groups"]),
        (
            [
                sa.Column("a", sa.Integer),
                sa.Column("b", sa.Integer),
                sa.ForeignKeyConstraint(["a", "b"], ["groups.x", "groups.y"]),
            ],
            ["fk_users_a_b_groups"],
        ),
        ([sa.Column("parent_id", sa.ForeignKey("users.id"))], ["fk_users_parent_id_users"]),
        ([sa.Column("age", sa.Integer), sa.CheckConstraint("age > 0")], ["ck_users_age"]),
        ([sa.Column("age", sa.Integer, sa.CheckConstraint("age > 0"))], ["ck_users_age"]),
        ([sa.Column("a", sa.Integer), sa.Column("b", sa.Integer), sa.CheckConstraint("b > a")], ["ck_users_a_b"]),
        ([sa.Column("a", sa.Integer), sa.CheckConstraint("1 = 1")], ["ck_users"]),
        ([sa.Column("a", sa.Integer), sa.Column("ab", sa.Integer), sa.CheckConstraint("ab > 0")], ["ck_users_ab"]),
        (
            [sa.Column("a", postgresql.INT4RANGE), postgresql.ExcludeConstraint(("a", "&&"))],
            ["cn_users_a"],
        ),
        ([sa.Column("a", sa.Integer)], []),
    ],
)
def test_constraint_is_named(items, names):
    assert names_of(table_of(*items)) == names


def test_constraint_of_an_expression_is_named():
    column = sa.Column("age", sa.Integer)
    assert names_of(table_of(column, sa.CheckConstraint(column > 0))) == ["ck_users_age"]


def test_several_metadata_are_named_and_returned_in_their_order():
    first, second = (
        table_of(sa.Column(*ID, primary_key=True)),
        table_of(sa.Column(*ID, primary_key=True), name="orders"),
    )
    assert name_constraints(first, second) == [first, second]
    assert names_of(first, second) == ["pk_orders", "pk_users"]


# ---- what has a name


def test_names_that_the_models_give_stay():
    metadata = table_of(
        sa.Column("id", sa.Integer),
        sa.Column("group_id", sa.ForeignKey("groups.id", name="my_fk")),
        sa.PrimaryKeyConstraint("id", name="my_pk"),
        sa.UniqueConstraint("id", name="my_uq"),
        sa.CheckConstraint("id > 0", name="my_ck"),
    )
    assert names_of(metadata) == ["my_ck", "my_fk", "my_pk", "my_uq"]


def test_names_of_a_naming_convention_stay():
    convention = {"pk": "primary_%(table_name)s", "uq": "%(table_name)s_%(column_0_name)s_key"}
    metadata = table_of(
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("email", sa.String(50), unique=True),
        sa.CheckConstraint("id > 0"),
        metadata=sa.MetaData(naming_convention=convention),
    )
    assert names_of(metadata) == ["ck_users_id", "primary_users", "users_email_key"]
    assert "CONSTRAINT primary_users PRIMARY KEY" in created(metadata.tables["users"], sqlite.dialect())


def test_given_name_goes_through_the_naming_convention_as_ever():
    convention = {"ck": "ck_%(table_name)s_%(constraint_name)s"}
    metadata = table_of(
        sa.Column("id", sa.Integer),
        sa.CheckConstraint("id > 0", name="positive"),
        metadata=sa.MetaData(naming_convention=convention),
    )
    name_constraints(metadata)
    assert "CONSTRAINT ck_users_positive CHECK" in created(metadata.tables["users"], postgresql.dialect())


class Kind(enum.Enum):
    one = "one"
    two = "two"


@pytest.mark.parametrize("type_", [sa.Enum(Kind, create_constraint=True), sa.Boolean(create_constraint=True)])
def test_check_that_belongs_to_a_type_is_left_to_the_type(type_):
    metadata = table_of(sa.Column("kind", type_))
    (before,) = (each for each in constraints_of(metadata) if isinstance(each, sa.CheckConstraint))
    name = before.name
    name_constraints(metadata)
    assert before.name is name


def test_naming_twice_changes_nothing():
    metadata = table_of(sa.Column("id", sa.Integer, sa.CheckConstraint("id > 0"), primary_key=True, unique=True))
    first = names_of(metadata)
    assert names_of(metadata) == first == ["ck_users_id", "pk_users", "uq_users_id"]


def test_tables_that_come_later_are_named_by_the_next_call():
    metadata = table_of(sa.Column("id", sa.Integer, primary_key=True))
    name_constraints(metadata)
    table_of(sa.Column("id", sa.Integer, primary_key=True), name="orders", metadata=metadata)
    assert names_of(metadata) == ["pk_orders", "pk_users"]


# ---- names that would be the same


def test_same_names_in_a_table_are_numbered_by_what_they_say():
    """Not by the order in which Python's set happens to give them."""
    for conditions in (["a > 0", "a > 1", "a > 2"], ["a > 2", "a > 0", "a > 1"]):
        metadata = table_of(sa.Column("a", sa.Integer), *map(sa.CheckConstraint, conditions))
        name_constraints(metadata)
        named = {
            str(each.sqltext): each.name for each in constraints_of(metadata) if isinstance(each, sa.CheckConstraint)
        }
        assert named == {"a > 0": "ck_users_a", "a > 1": "ck_users_a_2", "a > 2": "ck_users_a_3"}


def test_name_that_the_models_give_is_not_given_again():
    metadata = table_of(
        sa.Column("a", sa.Integer), sa.CheckConstraint("a > 0"), sa.CheckConstraint("a < 9", name="ck_users_a")
    )
    assert names_of(metadata) == ["ck_users_a", "ck_users_a_2"]


def uniques_that_collide(order):
    """`order` + `item_id`, and `order_item` + `id`: the same text with underscores between."""
    metadata = sa.MetaData()
    columns = {"orders": "item_id", "orders_item": "id"}
    for name in order:
        table_of(sa.Column(columns[name], sa.Integer, unique=True), name=name, metadata=metadata)
    return metadata


@pytest.mark.parametrize("order", [["orders", "orders_item"], ["orders_item", "orders"]])
def test_same_names_in_two_tables_are_numbered_whatever_the_order_of_the_models(order):
    """PostgreSQL keeps the indexes behind constraints in one namespace, MySQL its foreign keys."""
    metadata = uniques_that_collide(order)
    name_constraints(metadata)
    named = {each.table.name: each.name for each in constraints_of(metadata) if isinstance(each, sa.UniqueConstraint)}
    assert named == {"orders": "uq_orders_item_id", "orders_item": "uq_orders_item_id_2"}


def test_same_names_in_two_metadata_are_numbered():
    first = table_of(sa.Column("item_id", sa.Integer, unique=True), name="orders")
    second = table_of(sa.Column("id", sa.Integer, unique=True), name="orders_item")
    assert names_of(first, second) == ["uq_orders_item_id", "uq_orders_item_id_2"]


def test_same_names_in_two_schemas_stay_the_same():
    metadata = table_of(sa.Column(*ID, primary_key=True))
    table_of(sa.Column(*ID, primary_key=True), metadata=metadata, schema="shop")
    assert names_of(metadata) == ["pk_users", "pk_users"]


def test_name_of_an_index_is_not_given_to_a_constraint():
    metadata = table_of(sa.Column("a", sa.Integer, unique=True), sa.Index("uq_users_a", "a"))
    assert names_of(metadata) == ["uq_users_a_2"]


def test_tables_with_colliding_names_are_created_on_every_server(database_url):
    metadata = uniques_that_collide(["orders_item", "orders"])
    name_constraints(metadata)
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        metadata.create_all(connection)
    engine.dispose()


@pytest.mark.parametrize("columns", [("x", "y"), ("y", "x")])
def test_foreign_keys_of_one_column_are_numbered_by_what_they_refer_to(columns):
    keys = [sa.ForeignKeyConstraint(["a"], [f"t.{column}"]) for column in columns]
    name_constraints(table_of(sa.Column("a", sa.Integer), *keys))
    assert {key.elements[0].target_fullname: key.name for key in keys} == {
        "t.x": "fk_users_a_t",
        "t.y": "fk_users_a_t_2",
    }


# ---- long names


LONG_TABLE = "a_table_with_a_name_that_is_about_as_long_as_a_name_can_be"  # 58


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 30])
@pytest.mark.parametrize(("dialect", "limit"), [(postgresql.dialect(), 63), (mysql.dialect(), 64)])
def test_long_name_is_shortened_to_what_the_server_takes(length, dialect, limit):
    metadata = table_of(sa.Column("c" * length, sa.Integer, unique=True), name=LONG_TABLE)
    name_constraints(metadata)
    whole = f"uq_{LONG_TABLE}_{'c' * length}"
    written = created(metadata.tables[LONG_TABLE], dialect).split("CONSTRAINT ")[1].split()[0].strip('`"')
    assert (written == whole) is (len(whole) <= limit)
    assert len(written) <= limit


def test_long_names_that_differ_at_the_end_stay_different():
    columns = [sa.Column(f"a_rather_long_column_{n}", sa.Integer, unique=True) for n in range(9)]
    metadata = table_of(*columns, name=LONG_TABLE)
    name_constraints(metadata)
    text = created(metadata.tables[LONG_TABLE], postgresql.dialect())
    assert len({part.split()[0] for part in text.split("CONSTRAINT ")[1:]}) == len(columns)


def test_long_names_are_created_and_compared_on_every_server(database_url):
    """What the server keeps is no difference to the models."""
    from alembic.autogenerate import compare_metadata

    metadata = table_of(sa.Column(*ID, primary_key=True), name="groups")
    table_of(
        sa.Column(*ID, primary_key=True),
        sa.Column("a_rather_long_name_of_a_column", sa.Integer, sa.ForeignKey("groups.id"), unique=True),
        name=LONG_TABLE,
        metadata=metadata,
    )
    name_constraints(metadata)
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        metadata.create_all(connection)
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


# ---- in use


def test_models_are_as_good_with_names_as_without():
    """The same class serves the application, which never sees env.py, and the migrations."""

    class Base(SQLModel):
        metadata = sa.MetaData()

    class Hero(Base, table=True):
        __tablename__ = "heroes"
        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(unique=True)
        team_id: int | None = Field(default=None, foreign_key="heroes.id")

    for _ in range(2):
        engine = sa.create_engine("sqlite://")
        with sa.orm.Session(engine) as session:
            Base.metadata.create_all(session.connection())
            session.add(Hero(name="a"))
            session.commit()
            assert session.scalars(sa.select(Hero)).one().name == "a"
        engine.dispose()
        name_constraints(Base.metadata)


column_names = st.sampled_from(["a", "b", "a_b", "b_a"])
some_items = st.lists(
    st.one_of(
        st.lists(column_names, min_size=1, max_size=2, unique=True).map(lambda names: sa.UniqueConstraint(*names)),
        column_names.map(lambda name: sa.CheckConstraint(f"{name} > 0")),
        column_names.map(lambda name: sa.ForeignKeyConstraint([name], ["t.id"])),
    ),
    max_size=5,
    unique_by=lambda item: str(getattr(item, "column_keys", item)),  # no foreign key twice
)
some_tables = st.dictionaries(st.sampled_from(["t", "t_a", "t_a_b", "t_b"]), some_items, max_size=4)


@given(some_tables)
def test_what_is_created_has_only_names_and_each_of_them_once(tables):
    metadata = sa.MetaData()
    for name in {"t": [], **tables}:
        columns = [sa.Column(each, sa.Integer) for each in ("a", "b", "a_b", "b_a")]
        items = tables.get(name, [])
        table_of(sa.Column(*ID, primary_key=True), *columns, *items, name=name, metadata=metadata)
    names = names_of(metadata)
    assert len(set(names)) == len(names) == sum(1 for _ in constraints_of(metadata))
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        assert nameless(connection, metadata) == []
    engine.dispose()


def nameless(connection, metadata):
    """The constraints of the database that have no name."""
    inspector = sa.inspect(connection)
    found = []
    for table in metadata.tables:
        found += [inspector.get_pk_constraint(table), *inspector.get_foreign_keys(table)]
        found += [*inspector.get_unique_constraints(table), *inspector.get_check_constraints(table)]
    return [each for each in found if not each["name"]]
