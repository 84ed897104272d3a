"""Alembic's operations in words: a table of operation and sentence."""

import inspect

import pytest
import sqlalchemy as sa
from alembic.ddl.postgresql import CreateExcludeConstraintOp
from alembic.operations import ops
from sqlalchemy.dialects import postgresql

from oppmigrate.autogenerate import describe, describe_all
from oppmigrate.autogenerate.words import SQL_WIDTH

USERS = sa.Table(
    "users", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50))
)
ORDERS = sa.Table("orders", sa.MetaData(), sa.Column("id", sa.Integer), schema="shop")


def altered(**changes):
    return ops.AlterColumnOp("users", "name", **changes)


def added(*column, **options):
    return ops.AddColumnOp("users", sa.Column("x", *column, **options))


SENTENCES = [
    # tables
    (ops.CreateTableOp.from_table(USERS), "create table users (2 columns)"),
    (ops.CreateTableOp.from_table(ORDERS), "create table shop.orders (1 column)"),
    (ops.DropTableOp("users"), "drop table users"),
    (ops.DropTableOp("orders", schema="shop"), "drop table shop.orders"),
    (ops.RenameTableOp("users", "people"), "rename table users to people"),
    (ops.CreateTableCommentOp("users", "who"), "comment on table users: 'who'"),
    (ops.DropTableCommentOp("users"), "no comment on table users"),
    # columns
    (added(sa.Integer), "add column users.x (INTEGER)"),
    (added(sa.String(50), nullable=False), "add column users.x (VARCHAR(50), NOT NULL)"),
    (added(sa.Integer, server_default="0"), "add column users.x (INTEGER, default 0)"),
    (added(sa.DateTime, server_default=sa.func.now()), "add column users.x (DATETIME, default now())"),
    (added(sa.Integer, server_default=sa.text("1 + 1")), "add column users.x (INTEGER, default 1 + 1)"),
    (added(sa.Integer, sa.Computed("id * 2")), "add column users.x (INTEGER, computed id * 2)"),
    (added(sa.Integer, sa.Identity()), "add column users.x (INTEGER, NOT NULL, identity)"),
    (added(sa.Integer, sa.ForeignKey("orders.id")), "add column users.x (INTEGER, -> orders.id)"),
    (added(sa.Integer, primary_key=True), "add column users.x (INTEGER, NOT NULL, primary key)"),
    (added(postgresql.JSONB()), "add column users.x (JSONB)"),
    (added(sa.ARRAY(sa.Integer)), "add column users.x (INTEGER[])"),
    (ops.AddColumnOp("orders", sa.Column("x", sa.Integer), schema="shop"), "add column shop.orders.x (INTEGER)"),
    (ops.DropColumnOp("users", "name"), "drop column users.name"),
    (altered(modify_name="full_name"), "alter column users.name: rename to full_name"),
    (
        altered(existing_type=sa.Integer(), modify_type=sa.BigInteger()),
        "alter column users.name: type INTEGER -> BIGINT",
    ),
    (altered(modify_type=sa.BigInteger()), "alter column users.name: type -> BIGINT"),
    (altered(modify_nullable=True), "alter column users.name: NOT NULL -> nullable"),
    (altered(modify_nullable=False), "alter column users.name: nullable -> NOT NULL"),
    (altered(modify_server_default=sa.text("'a'")), "alter column users.name: default none -> 'a'"),
    (
        altered(existing_server_default=sa.DefaultClause("a"), modify_server_default=None),
        "alter column users.name: default a -> none",
    ),
    (altered(modify_comment="who"), "alter column users.name: comment 'who'"),
    (altered(modify_comment=None), "alter column users.name: no comment"),
    (altered(autoincrement=True), "alter column users.name: autoincrement True"),
    (altered(), "alter column users.name: no change"),
    (
        altered(modify_name="n", modify_nullable=False),
        "alter column users.name: rename to n, nullable -> NOT NULL",
    ),
    # indexes
    (ops.CreateIndexOp("ix", "users", ["id", "name"]), "create index ix on users (id, name)"),
    (ops.CreateIndexOp("ix", "users", ["name"], unique=True), "create unique index ix on users (name)"),
    (ops.CreateIndexOp("ix", "users", [sa.text("lower(name)")]), "create index ix on users (lower(name))"),
    (ops.CreateIndexOp("ix", "orders", ["id"], schema="shop"), "create index ix on shop.orders (id)"),
    (ops.DropIndexOp("ix", "users"), "drop index ix on users"),
    (ops.DropIndexOp("ix"), "drop index ix"),
    # constraints
    (
        ops.CreateForeignKeyOp("fk", "users", "orders", ["order_id"], ["id"]),
        "add foreign key fk on users (order_id) -> orders (id)",
    ),
    (
        ops.CreateForeignKeyOp(None, "a", "b", ["x", "y"], ["p", "q"], source_schema="s", referent_schema="t"),
        "add foreign key on s.a (x, y) -> t.b (p, q)",
    ),
    (ops.CreateUniqueConstraintOp("uq", "users", ["name"]), "add unique constraint uq on users (name)"),
    (ops.CreatePrimaryKeyOp("pk", "users", ["id"]), "add primary key pk on users (id)"),
    (ops.CreateCheckConstraintOp("ck", "users", "id > 0"), "add check ck on users: id > 0"),
    (ops.CreateCheckConstraintOp(None, "users", sa.text("id > 0")), "add check on users: id > 0"),
    (CreateExcludeConstraintOp("ex", "users", [("id", "=")]), "add exclude constraint ex on users"),
    (ops.DropConstraintOp("fk", "users", type_="foreignkey"), "drop foreign key fk on users"),
    (ops.DropConstraintOp("uq", "users", type_="unique"), "drop unique constraint uq on users"),
    (ops.DropConstraintOp("pk", "users", type_="primary"), "drop primary key pk on users"),
    (ops.DropConstraintOp("ck", "users", type_="check"), "drop check ck on users"),
    (ops.DropConstraintOp("x", "users"), "drop constraint x on users"),
    (ops.DropConstraintOp(None, "orders", type_="unique", schema="s"), "drop unique constraint (unnamed) on s.orders"),
    # rows and SQL
    (ops.ExecuteSQLOp("UPDATE users\n   SET name = 'a'"), "run SQL: UPDATE users SET name = 'a'"),
    (ops.ExecuteSQLOp(sa.text("SELECT 1")), "run SQL: SELECT 1"),
    (ops.ExecuteSQLOp(sa.delete(USERS)), "run SQL: DELETE FROM users"),
    (ops.BulkInsertOp(USERS, [{"id": 1}]), "insert 1 row into users"),
    (ops.BulkInsertOp(USERS, [{"id": 1}, {"id": 2}]), "insert 2 rows into users"),
]


@pytest.mark.parametrize(("operation", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_operation_in_words(operation, sentence):
    assert describe(operation).text == sentence


def test_every_operation_of_alembic_has_a_sentence():
    containers = (ops.OpContainer, ops.MigrationScript)
    bases = {ops.MigrateOperation, ops.AddConstraintOp, ops.AlterTableOp}
    defined = {each for _, each in inspect.getmembers(ops, inspect.isclass) if issubclass(each, ops.MigrateOperation)}
    single = {each for each in defined if not issubclass(each, containers)} - bases
    assert single <= {type(operation) for operation, _ in SENTENCES}


@pytest.mark.parametrize(
    ("operation", "table"),
    [
        (ops.DropTableOp("users"), "users"),
        (ops.DropTableOp("orders", schema="shop"), "shop.orders"),
        (ops.DropIndexOp("ix", "orders", schema="shop"), "shop.orders"),
        (ops.CreateForeignKeyOp("fk", "orders", "users", ["a"], ["id"], source_schema="shop"), "shop.orders"),
        (ops.BulkInsertOp(ORDERS, []), "shop.orders"),
        (ops.ExecuteSQLOp("SELECT 1"), None),
        (ops.DropIndexOp("ix"), None),
    ],
)
def test_operations_are_grouped_by_table(operation, table):
    assert describe(operation).table == table


@pytest.mark.parametrize("operation", [operation for operation, _ in SENTENCES])
def test_only_what_drops_tables_and_columns_or_deletes_is_marked_as_losing_data(operation):
    deletes = isinstance(operation, ops.ExecuteSQLOp) and "DELETE" in str(operation.sqltext)
    assert describe(operation).loses_data is (deletes or isinstance(operation, ops.DropTableOp | ops.DropColumnOp))


def test_long_sql_is_cut():
    text = describe(ops.ExecuteSQLOp("SELECT " + "x" * 500)).text
    assert len(text) == len("run SQL: ") + SQL_WIDTH
    assert text.endswith("…")


def test_containers_are_opened():
    batch = ops.ModifyTableOps("users", [ops.DropColumnOp("users", "a"), ops.DropColumnOp("users", "b")])
    changes = describe_all([ops.UpgradeOps([batch, ops.DropTableOp("orders")])])
    assert [change.text for change in changes] == ["drop column users.a", "drop column users.b", "drop table orders"]


class CreateTriggerOp(ops.MigrateOperation):
    """One that a plugin brings."""

    def __init__(self, table_name=None):
        self.table_name = table_name


class RefreshOp(ops.MigrateOperation):
    table_name = "users"
    summary = "refresh what is known of users"


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (CreateTriggerOp("users"), "create trigger users"),
        (CreateTriggerOp(), "create trigger"),
        (RefreshOp(), "refresh what is known of users"),
    ],
)
def test_operation_of_a_plugin_is_named_by_its_class_or_says_it_itself(operation, sentence):
    assert describe(operation).text == sentence
