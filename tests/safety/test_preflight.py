"""A revision's rows looked at before its first operation: on MariaDB, what was done stays."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from guarded import NO_FILE, Rows
from oppmigrate.errors import RowsDoNotFit
from oppmigrate.safety import Noted, noting, preflight

SETUP = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(50), age VARCHAR(10))",
    "INSERT INTO users VALUES (1, 'a', '7'), (2, 'a', 'abc'), (3, NULL, NULL)",
    "CREATE TABLE others (id INTEGER PRIMARY KEY)",
)


@pytest.fixture
def rows(mysql_url: str) -> Rows:
    return Rows(mysql_url, *SETUP)


def noted(change: Callable[[Operations], None], file: Path = NO_FILE) -> Noted:
    """As the planner records: without a database."""
    context = MigrationContext.configure(dialect_name="mysql", opts={"as_sql": True, "output_buffer": StringIO()})
    operations = Operations(context)
    own = dict(vars(operations))
    with noting(operations, file) as found:
        change(operations)
    assert vars(operations) == own
    return found


def refusal(rows: Rows, change: Callable[[Operations], None]) -> RowsDoNotFit | None:
    before = rows.state()
    found = noted(change)

    def work(connection: sa.Connection) -> RowsDoNotFit | None:
        try:
            preflight(found, connection, rows.database, "r1")
        except RowsDoNotFit as error:
            return error
        return None

    error = rows.database.run(work)
    assert rows.state() == before
    return error


def unique(op: Operations) -> None:
    op.create_unique_constraint("uq", "users", ["email"])


def test_second_operation_is_refused_before_the_first_has_run(rows: Rows) -> None:
    def change(op: Operations) -> None:
        op.add_column("users", sa.Column("x", sa.Integer()))
        op.create_table("third", sa.Column("id", sa.Integer()))
        with op.batch_alter_table("users") as batch:
            batch.create_unique_constraint("uq", ["email"])

    error = refusal(rows, change)
    assert error is not None
    assert "makes `users.email` unique, and 2 of 3 rows share it" in error.what


@pytest.mark.parametrize(
    "earlier",
    [
        lambda op: op.execute("UPDATE users SET email = id"),
        lambda op: op.bulk_insert(sa.table("others", sa.column("id", sa.Integer())), [{"id": 1}]),
        lambda op: op.alter_column("users", "email", type_=sa.String(60), existing_type=sa.String(50)),
        lambda op: op.drop_column("users", "email"),
        lambda op: op.rename_table("others", "users"),
        lambda op: op.alter_column("users", "age", new_column_name="email", existing_type=sa.String(10)),
        lambda op: op.drop_table("users"),
    ],
)
def test_what_an_earlier_operation_may_have_changed_is_left_to_the_guard(
    rows: Rows, earlier: Callable[[Operations], None]
) -> None:
    assert refusal(rows, lambda op: (earlier(op), unique(op))[0]) is None
    assert refusal(rows, lambda op: (unique(op), earlier(op))[0]) is not None


def test_operations_on_other_columns_do_not_hide_it(rows: Rows) -> None:
    def change(op: Operations) -> None:
        op.drop_column("users", "age")
        op.drop_table("others")
        unique(op)

    assert refusal(rows, change) is not None


def test_parent_that_is_made_in_the_revision_is_left(rows: Rows) -> None:
    def change(op: Operations) -> None:
        op.create_table("parents", sa.Column("id", sa.Integer(), primary_key=True))
        op.create_foreign_key("fk", "users", "parents", ["id"], ["id"])

    assert refusal(rows, change) is None
    missing = refusal(rows, lambda op: op.create_foreign_key("fk", "users", "others", ["id"], ["id"]))
    assert missing is not None


def test_column_that_is_added_is_judged_by_its_table(rows: Rows) -> None:
    def change(op: Operations) -> None:
        op.add_column("users", sa.Column("x", sa.Integer()))
        op.add_column("users", sa.Column("y", sa.Integer(), nullable=False))

    assert refusal(rows, change) is not None


def test_allowance_is_noted_with_the_operation(rows: Rows, tmp_path: Path) -> None:
    file = tmp_path / "revision.py"
    source = (
        "def upgrade(op, sa):\n    op.alter_column('users', 'age', type_=sa.Integer(), existing_type=sa.String(10))"
    )
    for comment, refused in (("", True), ("  # oppman: allow lossy-conversion -- ages were jokes", False)):
        file.write_text(source + comment + "\n")
        module: dict = {}
        exec(compile(file.read_text(), str(file), "exec"), module)
        found = noted(lambda op, module=module: module["upgrade"](op, sa), file)
        try:
            rows.database.run(lambda connection, found=found: preflight(found, connection, rows.database, "r1"))
        except RowsDoNotFit:
            assert refused
        else:
            assert not refused
