"""Revisions that commit in pieces: interrupted anywhere, they are gone on with, and nothing is done twice."""

import pytest

from migrated_project import MigratedProject
from projects import Project

MODELS = """
    from sqlmodel import Field, SQLModel


    class Account(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(max_length=20)
        n: int = 0
"""
# stops where a file says so: kills the process, or raises
STOPS = """
import os, signal
from pathlib import Path

def stop(place):
    for way in ("kill", "raise"):
        if Path(way).exists() and Path(way).read_text() == place:
            if way == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError(f"stopped at {place}")
"""


class Accounts(MigratedProject):
    """A project at its first revision, with two accounts in it."""

    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        project.write("models.py", MODELS)
        project.write("stops.py", STOPS)
        for command in (("init",), ("create", "Initial", "--rev-id", "first"), ("upgrade",)):
            self.ok("migrate", *command)
        self.execute("INSERT INTO account (id, name, n) VALUES (1, 'Ada', 0), (2, 'Grace', 0)")

    def upgrade_stopping(self, place: str, way: str) -> None:
        (self.project.path / way).write_text(place)
        done = self.run("migrate", "upgrade")
        assert done.returncode == (1 if way == "raise" else -9), (done.stdout, done.stderr)
        (self.project.path / way).unlink()


DDL_AND_ROWS = (
    "import os",  # a function that reaches beyond the database is not called beforehand
    "from stops import stop",
    "stop('0')",
    'op.add_column("account", sa.Column("a", sa.Integer))',
    "stop('1')",
    'op.execute("UPDATE account SET n = n + 1")',
    "stop('2')",
    'op.create_table("extra", sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", sa.Integer))',
    "stop('3')",
    'extra = sa.table("extra", sa.column("id"), sa.column("x"))',
    "bind = op.get_bind()",
    "for (id,) in bind.execute(sa.text('SELECT id FROM account WHERE n < 10 ORDER BY id')).all():",
    "    bind.execute(sa.text('UPDATE account SET n = n + 10 WHERE id = :id'), {'id': id})",
    "stop('4')",
    'op.create_index("ix_account_name", "account", ["name"])',
    "stop('5')",
    'op.execute("UPDATE account SET n = n + 100")',
    "stop('6')",
)
AUTOCOMMIT = (
    "import os",  # a function that reaches beyond the database is not called beforehand
    "from stops import stop",
    'op.execute("UPDATE account SET n = n + 1")',
    "stop('0')",
    "with op.get_context().autocommit_block():",
    "    stop('1')",
    '    op.execute("UPDATE account SET n = n + 10")',
    "    stop('2')",
    '    op.execute("UPDATE account SET n = n + 100")',
    "    stop('3')",
    "stop('4')",
    'op.add_column("account", sa.Column("a", sa.Integer))',
    'op.execute("UPDATE account SET n = n + 1000")',
    "stop('5')",
)


@pytest.fixture
def accounts(project: Project, database_url: str) -> Accounts:
    return Accounts(project, database_url)


WAYS = {"kill": 3, "raise": 4}  # at every third place, or at every fourth; the fault suite goes to each statement


@pytest.mark.parametrize("way", WAYS)
def test_interrupted_revision_is_gone_on_with(accounts: Accounts, way: str) -> None:
    for place in range(0, 7, WAYS[way]):
        accounts.revision("second", "first", *DDL_AND_ROWS)
        accounts.upgrade_stopping(str(place), way)
        accounts.ok("migrate", "upgrade")
        assert accounts.rows("SELECT id, name, n FROM account ORDER BY id") == [(1, "Ada", 111), (2, "Grace", 111)]
        assert accounts.rows("SELECT count(*) FROM extra") == [(0,)]
        assert accounts.heads() == [("second",)]
        accounts.ok("migrate", "downgrade", "-1")
        for statement in ("ALTER TABLE account DROP COLUMN a", "DROP TABLE extra", "UPDATE account SET n = 0"):
            accounts.execute(statement)
        on = " ON account" if accounts.database.name.startswith("Maria") else ""
        accounts.execute(f"DROP INDEX ix_account_name{on}")


@pytest.mark.parametrize("way", WAYS)
def test_autocommit_block_is_applied_once(accounts: Accounts, way: str) -> None:
    for place in range(0, 6, WAYS[way]):
        accounts.revision("second", "first", *AUTOCOMMIT)
        accounts.upgrade_stopping(str(place), way)
        if place in (2, 3):
            assert accounts.rows("SELECT n FROM account") != [(1111,), (1111,)]
        accounts.ok("migrate", "upgrade")
        assert accounts.rows("SELECT n FROM account") == [(1111,), (1111,)], place
        accounts.ok("migrate", "downgrade", "-1")
        accounts.execute("ALTER TABLE account DROP COLUMN a")
        accounts.execute("UPDATE account SET n = 0")


@pytest.fixture
def mysql_accounts(project: Project, mysql_url: str) -> Accounts:
    return Accounts(project, mysql_url)


@pytest.mark.parametrize(
    "mended", ['op.add_column("account", sa.Column("b", sa.Integer))', 'op.execute("UPDATE account SET n = 5")']
)
def test_failed_statement_may_be_mended_behind_what_is_committed(mysql_accounts: Accounts, mended: str) -> None:
    done = ('op.add_column("account", sa.Column("a", sa.Integer))', 'op.execute("UPDATE account SET n = n + 1")')
    mysql_accounts.revision("second", "first", *done, 'op.execute("ALTER TABLE nowhere ADD COLUMN x INT")')
    failed = mysql_accounts.run("migrate", "upgrade")
    assert failed.returncode == 1
    assert "2 statements committed" in failed.stderr
    assert "half way in the upgrade of second" in mysql_accounts.ok("migrate", "current")
    assert mysql_accounts.run("migrate", "check").returncode == 1
    mysql_accounts.revision("second", "first", *done, mended)
    mysql_accounts.ok("migrate", "upgrade")
    assert mysql_accounts.rows("SELECT n FROM account") == [(5,), (5,)] if "UPDATE" in mended else [(1,), (1,)]
    assert "half way" not in mysql_accounts.ok("migrate", "current")


def test_file_that_no_longer_does_what_was_done_is_refused(mysql_accounts: Accounts) -> None:
    first, failing = (
        'op.add_column("account", sa.Column("a", sa.Integer))',
        'op.execute("ALTER TABLE nowhere ADD x INT")',
    )
    mysql_accounts.revision("second", "first", first, failing)
    assert mysql_accounts.run("migrate", "upgrade").returncode == 1
    mysql_accounts.revision("second", "first", 'op.add_column("account", sa.Column("other", sa.Integer))')
    refused = mysql_accounts.run("migrate", "upgrade")
    assert refused.returncode == 1
    assert "its file no longer does what was done of it" in refused.stderr
    assert "other" not in str(mysql_accounts.rows("SHOW COLUMNS FROM account"))
    mysql_accounts.ok("migrate", "stamp", "second")
    assert "half way" not in mysql_accounts.ok("migrate", "current")


def write_downgrade(accounts: Accounts, *lines: str) -> None:
    """A second revision, which adds a column, with this downgrade; applied."""
    accounts.revision("second", "first", 'op.add_column("account", sa.Column("a", sa.Integer))')
    file = accounts.project.path / "alembic" / "versions" / "second.py"
    before, _, _ = file.read_text().partition("def downgrade() -> None:")
    file.write_text(before + "def downgrade() -> None:\n    " + "\n    ".join(lines) + "\n")
    accounts.ok("migrate", "upgrade")


def test_upgrade_first_ends_a_downgrade_that_was_interrupted(mysql_accounts: Accounts) -> None:
    write_downgrade(
        mysql_accounts,
        "import os",  # a function that reaches beyond the database is not called beforehand
        "from stops import stop",
        'op.drop_column("account", "a")',
        'stop("1")',
        'op.execute("UPDATE account SET n = n + 1")',
    )
    (mysql_accounts.project.path / "kill").write_text("1")
    assert mysql_accounts.run("migrate", "downgrade", "-1").returncode == -9
    (mysql_accounts.project.path / "kill").unlink()
    assert mysql_accounts.heads() == [("second",)]
    assert mysql_accounts.rows("SELECT outcome FROM oppman_journal WHERE direction = 'downgrade'") == [("running",)]
    mysql_accounts.ok("migrate", "upgrade")
    assert mysql_accounts.heads() == [("second",)]
    assert mysql_accounts.rows("SELECT n, a FROM account") == [(1, None), (1, None)]


# ends the run when the journal has it that a statement is about to be sent
STOP_BEHIND_JOURNAL = (
    "import os",
    "from stops import stop",
    "def committed(cursor, statement, parameters, context):",
    "    if statement == 'COMMIT':",
    "        cursor.execute(statement)",
    "        stop('1')",
    "sa.event.listen(op.get_bind().engine, 'do_execute', committed)",
)
REFUSED = ('op.execute("ALTER TABLE nowhere ADD COLUMN x INT")',)


@pytest.mark.parametrize(("first", "code"), [(STOP_BEHIND_JOURNAL, -9), (REFUSED, 1)], ids=["killed", "refused"])
def test_downgrade_that_did_nothing_is_not_ended_by_an_upgrade(
    mysql_accounts: Accounts, first: tuple[str, ...], code: int
) -> None:
    write_downgrade(mysql_accounts, *first, 'op.drop_column("account", "a")')
    mysql_accounts.execute("UPDATE account SET a = id")
    (mysql_accounts.project.path / "kill").write_text("1")
    assert mysql_accounts.run("migrate", "downgrade", "-1").returncode == code
    (mysql_accounts.project.path / "kill").unlink()
    done = mysql_accounts.run("migrate", "upgrade")
    assert done.returncode == 0
    assert "going on with" not in done.stderr
    assert mysql_accounts.rows("SELECT id, a FROM account ORDER BY id") == [(1, 1), (2, 2)]
    assert mysql_accounts.rows("SELECT outcome FROM oppman_journal WHERE direction = 'downgrade'") == []
    assert "half way" not in mysql_accounts.ok("migrate", "current")


LOOP = (
    "import os",  # a function that reaches beyond the database is not called beforehand
    "from stops import stop",
    "with op.get_context().autocommit_block():",
    "    bind = op.get_bind()",
    "    for (id,) in bind.execute(sa.text('SELECT id FROM account WHERE n = 0 ORDER BY id')).all():",
    "        bind.execute(sa.text('UPDATE account SET n = n + 7 WHERE id = :id'), {'id': id})",
    "        stop(str(id))",
)


@pytest.fixture(params=["postgresql", "mysql"])
def on_server(request: pytest.FixtureRequest, project: Project) -> Accounts:
    return Accounts(project, str(request.getfixturevalue(f"{request.param}_url")))


def test_loop_over_what_is_left_is_not_taken_for_done(on_server: Accounts) -> None:
    """Its second run sends the statement of the first, for another row: that row must not be passed over."""
    on_server.revision("second", "first", *LOOP)
    on_server.upgrade_stopping("1", "kill")
    refused = on_server.run("migrate", "upgrade")
    assert refused.returncode == 1
    assert "with other values: UPDATE account SET n = n + 7" in refused.stderr
    assert on_server.rows("SELECT n FROM account ORDER BY id") == [(7,), (0,)]
    assert on_server.heads() == [("first",)]


def test_loop_over_all_rows_is_gone_on_with(on_server: Accounts) -> None:
    on_server.revision("second", "first", *(line.replace("WHERE n = 0 ", "") for line in LOOP))
    on_server.upgrade_stopping("1", "kill")
    on_server.ok("migrate", "upgrade")
    assert on_server.rows("SELECT n FROM account ORDER BY id") == [(7,), (7,)]
    assert on_server.heads() == [("second",)]


def test_row_that_came_meanwhile_is_not_taken_for_done(mysql_accounts: Accounts) -> None:
    """One statement more than was committed, of the same text."""
    loop = (
        "import os",
        "bind = op.get_bind()",
        "for (id,) in bind.execute(sa.text('SELECT id FROM account ORDER BY id')).all():",
        "    bind.execute(sa.text('UPDATE account SET n = n + 7 WHERE id = :id'), {'id': id})",
    )
    failing, mended = (f'op.execute("ALTER TABLE {table} ADD COLUMN x INT")' for table in ("nowhere", "account"))
    mysql_accounts.revision("second", "first", *loop, failing)
    assert mysql_accounts.run("migrate", "upgrade").returncode == 1
    assert mysql_accounts.rows("SELECT n FROM account ORDER BY id") == [(7,), (7,)]
    mysql_accounts.execute("INSERT INTO account (id, name, n) VALUES (3, 'Edsger', 0)")
    mysql_accounts.revision("second", "first", *loop, mended)
    mysql_accounts.ok("migrate", "upgrade")
    assert mysql_accounts.rows("SELECT n FROM account ORDER BY id") == [(7,), (7,), (7,)]
