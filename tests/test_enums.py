"""Enums in `create`: types that are made, changed and dropped, and what becomes of the rows."""

import re

import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError

from enum_shop import HEAD, EnumShop, orders, status
from oppmigrate.errors import MigrateError
from projects import Project

LIST = 'tags: list[str] | None = Field(default=None, sa_column=sa.Column(sa.ARRAY(sa.Enum(Status, name="status"))))'
STATUS = "status: Status"


@pytest.fixture
def shop(project: Project, database_url: str) -> EnumShop:
    return EnumShop(project, database_url)


@pytest.fixture
def pg_shop(project: Project, postgresql_url: str) -> EnumShop:
    return EnumShop(project, postgresql_url)


def types(shop: EnumShop) -> dict[str, list[str]]:
    """The enum types of a PostgreSQL database."""
    found = shop.database.run(lambda connection: inspect(connection).get_enums())  # type: ignore[attr-defined]
    return {each["name"]: each["labels"] for each in found}


def add_orders(shop: EnumShop, *values: str) -> None:
    for value in values:
        shop.execute(f"INSERT INTO orders (name, status) VALUES ('x', '{value}')")


def stored(shop: EnumShop) -> list[str]:
    return [str(row[0]) for row in shop.rows("SELECT status FROM orders ORDER BY id")]


# ---- on every server


def test_column_of_an_enum_comes_with_its_table_and_goes_with_it(shop: EnumShop) -> None:
    shop.become(status("new", "done"), orders(STATUS))
    shop.back_and_forth()
    add_orders(shop, "new", "done")
    assert stored(shop) == ["new", "done"]


def test_column_of_an_enum_is_added_to_a_table_that_stands(shop: EnumShop) -> None:
    shop.become(orders())
    shop.execute("INSERT INTO orders (name) VALUES ('a')")
    shop.become(status("new", "done"), orders("status: Status = Status.done"))
    shop.back_and_forth()
    assert stored(shop) == ["done"]


def test_member_is_added_and_can_be_stored(shop: EnumShop) -> None:
    shop.become(status("new", "done"), orders(STATUS))
    add_orders(shop, "new", "done")
    if not shop.url.startswith("sqlite"):  # there, the database knows nothing of the members
        shop.become(status("new", "sent", "done"), orders(STATUS))
        shop.back_and_forth()
    add_orders(shop, "sent")
    assert stored(shop) == ["new", "done", "sent"]


@pytest.mark.parametrize("server", ["postgresql", "mysql"])
def test_member_is_removed_only_where_no_row_holds_it(
    project: Project, request: pytest.FixtureRequest, server: str
) -> None:
    shop = EnumShop(project, request.getfixturevalue(f"{server}_url"))
    shop.become(status("new", "odd", "done"), orders(STATUS))
    add_orders(shop, "new", "odd", "odd")
    shop.draft(status("new", "done"), orders(STATUS))
    refused = shop.run("migrate", "upgrade")
    assert refused.returncode == 1
    assert re.search(r"\b2 (of the 3 )?rows", refused.stderr) or "2 of 3 rows" in refused.stderr, refused.stderr
    assert stored(shop) == ["new", "odd", "odd"]
    shop.execute("UPDATE orders SET status = 'done' WHERE status = 'odd'")
    shop.ok("migrate", "upgrade")
    shop.back_and_forth()
    assert stored(shop) == ["new", "done", "done"]


def test_text_becomes_an_enum_and_a_text_again(shop: EnumShop) -> None:
    text = 'status: str = Field(sa_column=sa.Column(sa.String(10), nullable=False, server_default="new"))'
    column = 'status: Status = Field(sa_column=sa.Column(sa.Enum(Status), nullable=False, server_default="new"))'
    shop.become(orders(text))
    add_orders(shop, "new", "done")
    shop.become(status("new", "done"), orders(column))
    shop.back_and_forth()
    shop.execute("INSERT INTO orders (name) VALUES ('default')")
    shop.become(orders(text))
    shop.back_and_forth()
    shop.execute("INSERT INTO orders (name) VALUES ('default')")
    assert stored(shop) == ["new", "done", "new", "new"]


def test_nothing_is_found_in_a_database_that_was_made_from_the_models(shop: EnumShop) -> None:
    shop.project.write("models.py", "\n\n".join([(shop.models).read_text(), status("b", "a"), orders(STATUS)]))
    shop.ok("migrate", "create", "first")
    shop.ok("migrate", "upgrade")
    assert "no changes" in shop.ok("migrate", "create", "second")


# ---- the types of PostgreSQL


def test_type_lives_as_long_as_it_is_used(pg_shop: EnumShop) -> None:
    pg_shop.become(status("new", "done"), orders(STATUS))
    pg_shop.ok("migrate", "downgrade", "base")
    assert types(pg_shop) == {}
    pg_shop.ok("migrate", "upgrade")
    pg_shop.become(orders(), flags=["--drop", "orders.status"])
    assert types(pg_shop) == {}
    pg_shop.back_and_forth()
    pg_shop.become(flags=["--drop", "orders"])
    for command in (("downgrade", "base"), ("upgrade",), ("downgrade", "base"), ("upgrade",), ("check",)):
        pg_shop.ok("migrate", *command)
    assert types(pg_shop) == {}


ITEMS = """
class Item(SQLModel, table=True):
    __tablename__ = "items"

    id: int | None = Field(default=None, primary_key=True)
    status: Status
"""


def test_tables_share_a_type_which_goes_with_the_last_of_them(pg_shop: EnumShop) -> None:
    source = pg_shop.become(status("new", "done"), orders(STATUS), ITEMS)
    assert source.count(".create(op.get_bind())") == 1
    pg_shop.back_and_forth()
    pg_shop.become(status("new", "done"), orders(STATUS), flags=["--drop", "items"])
    assert list(types(pg_shop)) == ["status"]
    pg_shop.back_and_forth()
    pg_shop.become(orders(), flags=["--drop", "orders.status"])
    assert types(pg_shop) == {}
    pg_shop.back_and_forth()


def test_every_column_of_a_type_changes_with_it_arrays_and_defaults_too(pg_shop: EnumShop) -> None:
    default = 'status: Status = Field(sa_column=sa.Column(sa.Enum(Status), nullable=False, server_default="new"))'
    pg_shop.become(status("new", "odd", "done"), orders(default, LIST), ITEMS)
    pg_shop.execute("INSERT INTO orders (name, tags) VALUES ('a', '{new,done}'), ('b', NULL)")
    pg_shop.execute("INSERT INTO items (status) VALUES ('done')")
    source = pg_shop.become(status("done", "new"), orders(default, LIST), ITEMS)
    assert 'postgresql_using="tags::text[]::status[]"' in source
    pg_shop.back_and_forth()
    pg_shop.execute("INSERT INTO orders (name) VALUES ('c')")
    assert types(pg_shop) == {"status": ["done", "new"]}
    assert pg_shop.rows("SELECT status, tags::text[] FROM orders ORDER BY name") == [
        ("new", ["new", "done"]),
        ("new", None),
        ("new", None),
    ]
    pg_shop.ok("migrate", "downgrade", "-1")
    assert types(pg_shop) == {"status": ["new", "odd", "done"]}
    assert pg_shop.rows("SELECT status FROM items") == [("done",)]


def test_added_member_may_be_a_default_at_once(pg_shop: EnumShop) -> None:
    default = 'status: Status = Field(sa_column=sa.Column(sa.Enum(Status), nullable=False, server_default="{}"))'
    pg_shop.become(status("new", "done"), orders(default.format("new")))
    add_orders(pg_shop, "done")
    pg_shop.become(status("new", "done", "sent"), orders(default.format("sent")))
    pg_shop.execute("INSERT INTO orders (name) VALUES ('b')")
    assert stored(pg_shop) == ["done", "sent"]
    pg_shop.execute("DELETE FROM orders WHERE name = 'b'")
    pg_shop.back_and_forth()
    pg_shop.ok("migrate", "downgrade", "-1")
    pg_shop.execute("INSERT INTO orders (name) VALUES ('b')")
    assert stored(pg_shop) == ["done", "new"]


def test_members_are_added_in_their_places(pg_shop: EnumShop) -> None:
    pg_shop.become(status("b", "d"), orders(STATUS))
    source = pg_shop.become(status("a", "b", "c", "d", "e"), orders(STATUS))
    assert source.count("ADD VALUE") == 3
    assert types(pg_shop) == {"status": ["a", "b", "c", "d", "e"]}
    pg_shop.back_and_forth()
    assert types(pg_shop) == {"status": ["a", "b", "c", "d", "e"]}


def test_reordered_members_keep_the_rows(pg_shop: EnumShop) -> None:
    pg_shop.become(status("new", "done"), orders(STATUS))
    add_orders(pg_shop, "new", "done")
    pg_shop.become(status("done", "new"), orders(STATUS))
    pg_shop.back_and_forth()
    assert types(pg_shop) == {"status": ["done", "new"]}
    assert stored(pg_shop) == ["new", "done"]


# ---- values that are called otherwise

CHECKED = "status: Status = Field(sa_column=sa.Column(sa.Enum(Status, native_enum=False{}), nullable=False))"
COLUMNS = {
    "native": STATUS,
    "text": CHECKED.format(""),
    "checked": CHECKED.format(", create_constraint=True"),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_renamed_value_keeps_its_rows(shop: EnumShop, kind: str) -> None:
    shop.become(status("new", "odd", "done"), orders(COLUMNS[kind]))
    add_orders(shop, "new", "odd", "done")
    shop.become(
        status("new", "extraordinary", "done"),
        orders(COLUMNS[kind]),
        flags=["--rename-value", "status.odd:extraordinary"],
    )
    assert stored(shop) == ["new", "extraordinary", "done"]
    shop.ok("migrate", "downgrade", "-1")
    assert stored(shop) == ["new", "odd", "done"]
    shop.ok("migrate", "upgrade")
    shop.ok("migrate", "check")
    add_orders(shop, "extraordinary")
    assert "no changes" in shop.ok("migrate", "create", "again")


def test_values_may_swap_their_names(shop: EnumShop) -> None:
    shop.become(status("new", "done"), orders(STATUS))
    add_orders(shop, "new", "done", "done")
    flags = ["--rename-value", "status.new:done", "--rename-value", "orders.status.done:new"]
    shop.draft(status("done", "new"), orders(STATUS), flags=flags)
    shop.ok("migrate", "upgrade")
    assert stored(shop) == ["done", "new", "new"]
    shop.back_and_forth()
    assert stored(shop) == ["done", "new", "new"]


@pytest.mark.parametrize("server", ["postgresql", "mysql"])
def test_value_that_goes_as_another_comes_is_asked_for(
    project: Project, request: pytest.FixtureRequest, server: str
) -> None:
    shop = EnumShop(project, request.getfixturevalue(f"{server}_url"))
    shop.become(status("new", "odd"), orders(STATUS))
    add_orders(shop, "new", "odd")
    shop.project.write("models.py", "\n\n".join([HEAD, status("new", "strange"), orders(STATUS)]))
    refused = shop.run("migrate", "create", "change")
    assert refused.returncode == 1
    assert "--rename-value status.odd:strange  or  --drop status.odd" in refused.stderr
    assert len(shop.versions()) == 1
    shop.ok("migrate", "create", "change", "--drop", "status.odd")
    assert shop.run("migrate", "upgrade").returncode == 1
    assert stored(shop) == ["new", "odd"]


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        (["status.odd"], "is not ENUM.OLD:NEW"),
        (["state.odd:strange"], "there is no enum of that name"),
        (["status.even:strange"], "enum status has no value even"),
        (["status.odd:other"], "the models have no value other in enum status"),
        (["status.odd:new"], "enum status has a value new already"),
        (["status.odd:strange", "status.odd:new"], "two new names"),
    ],
)
def test_rename_of_a_value_that_is_not_there_is_refused(pg_shop: EnumShop, flags: list[str], what: str) -> None:
    pg_shop.become(status("new", "odd"), orders(STATUS))
    pg_shop.project.write("models.py", "\n\n".join([HEAD, status("new", "strange"), orders(STATUS)]))
    done = pg_shop.run("migrate", "create", "change", *(part for flag in flags for part in ("--rename-value", flag)))
    assert done.returncode == 2, done.stdout + done.stderr
    assert what in done.stderr
    assert len(pg_shop.versions()) == 1


def test_check_of_an_enum_changes_with_its_members(shop: EnumShop) -> None:
    shop.become(status("new", "odd"), orders(COLUMNS["checked"]))
    add_orders(shop, "new")
    shop.become(status("new", "extraordinary"), orders(COLUMNS["checked"]), flags=["--drop", "status.odd"])
    shop.back_and_forth()
    add_orders(shop, "extraordinary")
    with pytest.raises((MigrateError, DBAPIError)):
        add_orders(shop, "odd")
    refused = shop.run("migrate", "downgrade", "-1")
    assert refused.returncode == 1
    assert stored(shop) == ["new", "extraordinary"]
