"""Where stock Alembic's batch mode gets it right, ours comes to the same: as SQLAlchemy reflects it, and the rows."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

import sqlite_batches
from sqlite_batches import Tables

MADE = (
    "CREATE TABLE towns (\n\tid INTEGER NOT NULL, \n\tPRIMARY KEY (id)\n)",
    "CREATE TABLE people (\n\tid INTEGER NOT NULL, \n\tname VARCHAR(20) NOT NULL, \n\tage INTEGER, \n\ttown INTEGER, "
    "\n\tmail VARCHAR, \n\tmoney NUMERIC(8, 2) DEFAULT '0', \n\tCONSTRAINT pk_people PRIMARY KEY (id), \n\tCONSTRAINT "
    "uq_mail UNIQUE (mail), \n\tCONSTRAINT ck_age CHECK (age >= 0), \n\tCONSTRAINT fk_town FOREIGN KEY(town) "
    "REFERENCES towns (id) ON DELETE CASCADE\n)",
    "CREATE INDEX ix_age ON people (age)",
    "INSERT INTO towns VALUES (1), (2)",
    "INSERT INTO people VALUES (1, 'Ada', 36, 1, 'a@x', 1.5), (2, 'Bob', 1, NULL, NULL, 0), (5, 'Cyd', 7, 2, 'c', 2)",
)


def change(name: str, *arguments: Any, **options: Any) -> Callable[[Any], None]:
    return lambda batch: getattr(batch, name)(*arguments, **options)


@pytest.mark.parametrize(
    "changes",
    [
        [change("alter_column", "age", nullable=False, server_default="0", existing_type=sa.Integer())],
        [change("alter_column", "name", nullable=True)],
        [change("alter_column", "name", new_column_name="full_name")],
        [change("alter_column", "name", type_=sa.String(50), existing_type=sa.String(20))],
        [change("alter_column", "age", type_=sa.String(), existing_type=sa.Integer())],
        [change("alter_column", "money", server_default=None)],
        [change("alter_column", "money", server_default=sa.text("7"))],
        [lambda batch: batch.add_column(sa.Column("new", sa.Integer(), server_default="3", nullable=False))],
        [
            lambda batch: batch.add_column(sa.Column("new", sa.Integer())),
            change("create_foreign_key", "fk_new", "towns", ["new"], ["id"], ondelete="SET NULL"),
        ],
        [lambda batch: batch.add_column(sa.Column("flag", sa.Boolean(create_constraint=True, name="ck_flag")))],
        [lambda batch: batch.add_column(sa.Column("kind", sa.Enum("a", "b", name="kinds", create_constraint=True)))],
        [change("drop_column", "money")],
        [change("drop_constraint", "uq_mail", type_="unique"), change("drop_column", "mail")],
        [change("drop_constraint", "fk_town", type_="foreignkey"), change("drop_column", "town")],
        [change("drop_constraint", "ck_age", type_="check")],
        [change("create_unique_constraint", "uq_name_age", ["name", "age"])],
        [change("create_check_constraint", "ck_name", sa.text("length(name) > 1"))],
        [change("drop_constraint", "pk_people", type_="primary"), change("create_primary_key", "pk_name", ["name"])],
        [change("create_index", "ix_name", ["name", "age"], unique=True), change("drop_index", "ix_age")],
        [
            change("alter_column", "mail", new_column_name="post"),
            change("create_unique_constraint", "uq", ["name", "id"]),
        ],
    ],
)
def test_outcome_is_that_of_stock_alembic(changes: Iterable[Callable[[Any], None]]):
    def revision(op: Any) -> None:
        with op.batch_alter_table("people", recreate="always") as batch:
            for each in changes:
                each(batch)

    with sqlite_batches.tables() as stock, sqlite_batches.tables() as ours:
        for database in (stock, ours):
            database.execute(*MADE)
        with Operations.context(MigrationContext.configure(stock.connection)) as operations, stock.connection.begin():
            revision(operations)
        ours.upgrade(revision)
        assert seen(ours) == seen(stock)
        assert ours.copies() <= 1


def seen(database: Tables) -> dict[str, Any]:
    inspector = sa.inspect(database.connection)
    columns = inspector.get_columns("people")
    found = {
        "columns": {column["name"]: (str(column["type"]), column["nullable"], column["default"]) for column in columns},
        "primary key": inspector.get_pk_constraint("people"),
        "uniques": by_name(inspector.get_unique_constraints("people")),
        "foreign keys": by_name(inspector.get_foreign_keys("people")),
        "checks": by_name(inspector.get_check_constraints("people")),
        "indexes": by_name(inspector.get_indexes("people")),
    }
    names = ", ".join(sorted(column["name"] for column in columns))
    database.connection.rollback()
    return {**found, "rows": database.rows(f"SELECT {names} FROM people ORDER BY {names}")}


def by_name(constraints: Iterable[Any]) -> dict[str, Any]:
    return {str(each["name"]): each for each in constraints}
