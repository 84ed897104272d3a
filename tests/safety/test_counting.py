"""Row counts at the end of a revision, data steps, and what the guard tells of them."""

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from guarded import NO_FILE, Rows
from oppmigrate.databases import open_database
from oppmigrate.databases.rows import TableName
from oppmigrate.errors import MigrationFailed
from oppmigrate.safety import Noted, guarding, noting

SETUP = (
    "CREATE TABLE a (id INTEGER PRIMARY KEY, v INTEGER)",
    "INSERT INTO a VALUES (1, 1), (2, 2), (3, 3)",
    "CREATE TABLE b (id INTEGER PRIMARY KEY)",
    "INSERT INTO b VALUES (9)",
)


@pytest.fixture
def rows(database_url: str) -> Rows:
    return Rows(database_url, *SETUP)


def lose_a_row(op: Operations) -> None:
    """By a statement that the guard takes for the work of the schema operation that it runs in."""

    def trigger(_connection: sa.Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("ALTER TABLE a ADD COLUMN"):
            op.get_bind().exec_driver_sql("DELETE FROM a WHERE id = 2")

    sa.event.listen(op.get_bind(), "after_cursor_execute", trigger)
    op.add_column("a", sa.Column("x", sa.Integer()))


def test_lost_row_is_a_breach(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    if not rows.database.rolls_back_ddl:  # there is always somebody else on a server that other tests use
        monkeypatch.setattr(type(rows.database), "others_may_have_changed", lambda *_: False)
    before = rows.state()
    with pytest.raises(MigrationFailed) as caught:
        rows.run(lose_a_row)
    assert caught.value.what == "`a` has 2 rows, and had 3 before revision r1"
    assert caught.value.facts["table"] == "a"
    assert (caught.value.facts["before"], caught.value.facts["after"]) == (3, 2)
    if rows.database.rolls_back_ddl:
        assert rows.state() == before


def test_data_step_may_change_the_number(rows: Rows) -> None:
    def change(op: Operations) -> None:
        op.add_column("a", sa.Column("x", sa.Integer()))
        op.execute("DELETE FROM a WHERE id > 1")
        op.bulk_insert(sa.table("b", sa.column("id", sa.Integer)), [{"id": 1}, {"id": 2}])
        op.get_bind().execute(sa.text("UPDATE a SET v = v + 1"))

    guard = rows.run(change)
    assert guard.has_data_steps
    assert guard.rows_moved == 2 + 2 + 1
    assert guard.touched == {"a"}


def test_looking_is_no_data_step(rows: Rows) -> None:
    def change(op: Operations) -> None:
        op.add_column("a", sa.Column("x", sa.Integer()))
        op.get_bind().execute(sa.text("SELECT count(*) FROM a")).close()
        sa.inspect(op.get_bind()).get_columns("a")
        op.execute("CREATE TABLE deleted (id INTEGER)")
        op.create_index("ix", "a", ["v"], unique=True)

    guard = rows.run(change)
    assert not guard.has_data_steps
    assert guard.rows_moved == 0


def test_tables_are_followed_where_they_are_renamed_and_let_go_where_they_are_dropped(rows: Rows) -> None:
    def change(op: Operations) -> None:
        op.add_column("a", sa.Column("x", sa.Integer()))
        op.rename_table("a", "c")
        op.add_column("c", sa.Column("y", sa.Integer()))
        op.drop_table("b")
        op.create_table("b", sa.Column("id", sa.Integer()))

    guard = rows.run(change)
    assert guard.touched == {"a", "b", "c"}
    assert len(rows.rows("SELECT * FROM c")) == 3


def test_renamed_table_has_to_keep_its_rows(sqlite_url: str) -> None:
    def change(op: Operations) -> None:
        op.rename_table("a", "c")
        lose = sa.event.listens_for(op.get_bind(), "after_cursor_execute")

        @lose
        def trigger(_connection: sa.Connection, _cursor: object, statement: str, *_: object) -> None:
            if statement.startswith("ALTER TABLE c"):
                op.get_bind().exec_driver_sql("DELETE FROM c WHERE id = 2")

        op.add_column("c", sa.Column("x", sa.Integer()))

    with pytest.raises(MigrationFailed, match="`c` has 2 rows, and had 3"):
        Rows(sqlite_url, *SETUP).run(change)


def test_table_that_a_statement_drops_or_renames_is_let_go(rows: Rows) -> None:
    def change(op: Operations) -> None:
        op.add_column("a", sa.Column("x", sa.Integer()))
        op.add_column("b", sa.Column("x", sa.Integer()))
        op.execute("ALTER TABLE a RENAME TO c")
        op.execute("DROP TABLE b")
        op.create_table("a", sa.Column("id", sa.Integer()))

    rows.run(change)
    assert len(rows.rows("SELECT * FROM c")) == 3


def test_rows_that_somebody_else_adds_meanwhile_are_no_breach(postgresql_url: str, mysql_url: str) -> None:
    for url in (postgresql_url, mysql_url):
        rows = Rows(url, *SETUP)

        def change(op: Operations, rows: Rows = rows) -> None:
            op.create_table_comment("a", "the first touch")
            rows.do("INSERT INTO a VALUES (9, 9)")

        guard = rows.run(change)
        assert (guard.touched, guard.has_data_steps) == ({"a"}, False)
        assert len(rows.rows("SELECT * FROM a")) == 4


def test_rewritten_table_keeps_its_number(postgresql_url: str) -> None:
    rows = Rows(postgresql_url, *SETUP)
    rows.takes(lambda op: op.alter_column("a", "v", type_=sa.Text()))


@pytest.mark.parametrize("outer", ["guard", "recorder"])
def test_guard_and_recorder_nest_in_any_order_and_leave_the_instance_as_it_was(sqlite_url: str, outer: str) -> None:
    Rows(sqlite_url, *SETUP)
    database = open_database(sqlite_url)

    def work(connection: sa.Connection) -> None:
        operations = Operations(MigrationContext.configure(connection))
        own = dict(vars(operations))
        noted = Noted()
        recorder, guard = noting(operations, NO_FILE, noted), guarding(operations, database, "r1", NO_FILE)
        first, second = (guard, recorder) if outer == "guard" else (recorder, guard)
        with first:
            with second:
                operations.add_column("a", sa.Column("x", sa.Integer()))
                with operations.batch_alter_table("b") as batch:
                    batch.add_column(sa.Column("x", sa.Integer()))
            operations.create_index("ix", "b", ["x"])
        assert vars(operations) == own
        assert len(noted.operations) == (2 if outer == "guard" else 3)

    database.run(work)


def test_batch_that_rebuilds_is_counted_and_its_copying_is_no_data_step(sqlite_url: str) -> None:
    def change(op: Operations) -> None:
        with op.batch_alter_table("a") as batch:
            batch.alter_column("v", existing_type=sa.Integer(), nullable=False)

    guard = Rows(sqlite_url, *SETUP).takes(change)
    assert guard.touched == {"a"}
    assert not guard.has_data_steps


def test_statement_in_the_body_of_a_batch_is_a_data_step(sqlite_url: str) -> None:
    def change(op: Operations) -> None:
        with op.batch_alter_table("a") as batch:
            batch.alter_column("v", existing_type=sa.Integer(), nullable=False)
            op.execute("DELETE FROM a WHERE id = 1")

    assert Rows(sqlite_url, *SETUP).run(change).rows_moved == 1


def test_nothing_is_looked_at_where_only_sql_is_written() -> None:
    database = open_database("postgresql://nobody@127.0.0.1:1/none")
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True})
    operations = Operations(context)
    with guarding(operations, database, "r1", NO_FILE) as guard:
        operations.alter_column("users", "email", nullable=False)
    assert (guard.touched, guard.rows_moved, guard.has_data_steps) == (frozenset(), 0, False)
    guard.verify()


def test_large_table_of_a_server_is_not_counted(postgresql_url: str, mysql_url: str) -> None:
    for url in (postgresql_url, mysql_url):
        rows = Rows(url, *SETUP)
        count = rows.database.count_rows
        found = rows.database.run(lambda c, count=count: [count(c, TableName("a"), n) for n in (3, 4, 100)])
        assert found == [None, 3, 3]
        assert rows.database.run(lambda c, count=count: count(c, TableName("nowhere"), 100)) is None
