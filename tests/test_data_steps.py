"""Data steps from `create --data` to rows: what survives a rename, what a plan says, what an interruption leaves."""

import json
import re
import sys
from pathlib import Path

import pytest

import servers
from migrated_project import MigratedProject, checked
from projects import Project, rewrite

MODELS = """
    from sqlmodel import Field, SQLModel


    class User(SQLModel, table=True):
        __tablename__ = "users"

        id: int | None = Field(default=None, primary_key=True)
        first: str = Field(max_length=40)
        last: str = Field(max_length=40)
        full_name: str | None = Field(default=None, max_length=90)
"""
RENAMED = """
    from sqlmodel import Field, SQLModel


    class Person(SQLModel, table=True):
        __tablename__ = "people"

        id: int | None = Field(default=None, primary_key=True)
        given: str = Field(max_length=40)
        full_name: str | None = Field(default=None, max_length=90)
"""
IN_SQL = ("users = tables(op).users", 'op.execute(users.update().values(full_name=users.c.first + " " + users.c.last))')
IN_PYTHON = (
    "users = tables(op).users",
    "for batch in batches(op, sa.select(users).where(users.c.full_name.is_(None)), size=2):",
    '    batch.update(lambda row: {"full_name": f"{row.first} {row.last}"})',
)
# stops where a file says so: kills the process
STOPS = """
    import os, signal
    from pathlib import Path

    def stop(place):
        if Path("kill").exists() and Path("kill").read_text() == str(place):
            os.kill(os.getpid(), signal.SIGKILL)
"""


class Users(MigratedProject):
    """A project whose first revision is applied, with three users and no full name."""

    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        project.write("models.py", MODELS)
        project.write("stops.py", STOPS)
        self.ok("migrate", "init")
        self.ok("migrate", "create", "First", "--rev-id", "first")
        self.ok("migrate", "upgrade")
        self.add()

    def add(self) -> None:
        self.execute("INSERT INTO users (first, last) VALUES ('Ada', 'L'), ('Grace', 'H'), ('Edsger', 'D')")

    def data_step(self, *lines: str, downgrade: str = "") -> Path:
        """Make a revision with `create --data`, and write its function as a person does."""
        self.ok("migrate", "create", "--data", "Fill names", "--rev-id", "second")
        (path,) = (each for each in self.versions() if "second" in each.name)
        self.write_step(path, *lines, downgrade=downgrade)
        return path

    def write_step(self, path: Path, *lines: str, downgrade: str = "") -> None:
        source = path.read_text()
        body = "".join(f"    {line}\n" for line in lines)
        source = re.sub(r"(?<=def upgrade\(\) -> None:\n)(    .*\n)+", lambda _: body, source)
        if downgrade:
            source = re.sub(r"(?<=def downgrade\(\) -> None:\n)(    .*\n)+", lambda _: f"    {downgrade}\n", source)
        rewrite(path, source)

    def names(self, column: str = "full_name") -> list[object]:
        return [row[0] for row in self.rows(f"SELECT {column} FROM users ORDER BY id")]

    def upgrade_killed(self) -> None:
        """Run an upgrade that is killed where its revision stops for the second time."""
        kill = self.project.path / "kill"
        kill.write_text("1")
        assert self.run("migrate", "upgrade", "--no-backup").returncode == -9
        kill.unlink()

    def alembic(self, *arguments: str) -> str:
        return checked(self.project.call([sys.executable, "-m", "alembic", *arguments], env=self.env))


FILLED = ["Ada L", "Grace H", "Edsger D"]


@pytest.fixture
def users(project: Project, database_url: str) -> Users:
    return Users(project, database_url)


@pytest.fixture
def few_users(project: Project, sqlite_url: str) -> Users:
    return Users(project, sqlite_url)


# ---- create


def test_data_revision_is_made_without_models_and_does_nothing_until_it_is_written(few_users: Users) -> None:
    few_users.project.write("models.py", "raise RuntimeError('the models are not asked')")
    made = json.loads(few_users.ok("migrate", "create", "--data", "Fill names", "--json"))
    source = Path(made["path"]).read_text()
    assert made["source"] == source
    assert (made["changes"], made["compared_with"], made["dry_run"]) == ([], "nothing", False)
    assert "from oppmigrate.data import batches, tables\n" in source
    assert re.search(r'"""Fill names\n\nRevision ID: \w+\nRevises: first\nCreate Date: ', source)
    few_users.project.write("models.py", MODELS)
    few_users.ok("migrate", "upgrade")
    few_users.ok("migrate", "downgrade", "-1", "--yes")
    assert few_users.names() == [None, None, None]


def test_data_revision_of_a_dry_run_is_printed_in_the_form_that_ruff_gives_it(few_users: Users) -> None:
    printed = few_users.ok("migrate", "create", "--data", "Fill names", "--dry-run")
    assert len(few_users.versions()) == 1
    formatted = few_users.project.call(
        [sys.executable, "-m", "ruff", "format", "--line-length", "100", "-"], input=printed
    )
    assert checked(formatted) == printed


@pytest.mark.parametrize("kind", ["--data", "--empty"])
@pytest.mark.parametrize(
    "answer",
    [
        ("--rename", "users.first:given"),
        ("--rename-value", "status.old:new"),
        ("--drop", "users.last"),
        ("--default", "users.last=x"),
        ("--down-default", "users.last=x"),
        ("--cast", "users.last=upper(last)"),
    ],
    ids=lambda answer: answer[0],
)
def test_answers_to_questions_that_are_not_asked_are_wrong_usage(
    few_users: Users, kind: str, answer: list[str]
) -> None:
    done = few_users.run("migrate", "create", kind, "Fill names", *answer)
    assert done.returncode == 2
    assert f"error: {kind} takes no {answer[0]}\n" in done.stderr
    assert len(few_users.versions()) == 1


def test_empty_and_data_are_not_one_revision(few_users: Users) -> None:
    done = few_users.run("migrate", "create", "--data", "--empty", "Fill names")
    assert done.returncode == 2
    assert len(few_users.versions()) == 1


def test_template_that_takes_no_operations_is_named(few_users: Users) -> None:
    template = few_users.project.path / "alembic" / "script.py.mako"
    rewrite(
        template,
        template.read_text().replace('${upgrades if upgrades else "pass"}', "pass").replace("${imports", "${''"),
    )
    done = few_users.run("migrate", "create", "--data", "Fill names")
    assert done.returncode == 1
    assert "script.py.mako leaves out what a data step begins with" in done.stderr
    assert len(few_users.versions()) == 1


# ---- rows


@pytest.mark.parametrize("lines", [IN_SQL, IN_PYTHON], ids=["in SQL", "in Python"])
def test_data_step_survives_a_rename_of_its_model_table_and_columns(users: Users, lines: tuple[str, ...]) -> None:
    """The rows are filled on a database that comes by later, when the models know neither table nor column."""
    users.data_step(*lines)
    users.ok("migrate", "upgrade")
    assert users.names() == FILLED
    users.project.write("models.py", RENAMED)
    renames = ("--rename", "users:people", "--rename", "users.first:given", "--drop", "users.last")
    users.ok("migrate", "create", "People", "--rev-id", "third", *renames)
    users.ok("migrate", "upgrade")
    filled = "SELECT given, full_name FROM people ORDER BY id"
    assert users.rows(filled) == [("Ada", "Ada L"), ("Grace", "Grace H"), ("Edsger", "Edsger D")]
    assert "no changes" in users.ok("migrate", "create", "Nothing")
    users.ok("delete", "--yes", "--no-backup")
    users.ok("migrate", "upgrade", "first")
    users.add()
    users.ok("migrate", "upgrade")
    assert [row[1] for row in users.rows(filled)] == FILLED


@pytest.mark.parametrize("lines", [IN_SQL, IN_PYTHON], ids=["in SQL", "in Python"])
def test_stock_alembic_runs_the_data_step(users: Users, lines: tuple[str, ...]) -> None:
    users.data_step(*lines)
    users.alembic("upgrade", "head")
    assert users.names() == FILLED
    assert "Fill names" in users.alembic("history")
    users.alembic("downgrade", "-1")
    users.ok("migrate", "upgrade")
    assert users.heads() == [("second",)]


@pytest.mark.parametrize(
    ("server", "driver"),
    [("sqlite", "sqlite+aiosqlite"), ("postgresql", "postgresql+asyncpg"), ("mysql", "mysql+aiomysql")],
)
def test_data_step_runs_on_an_async_driver(
    project: Project, request: pytest.FixtureRequest, server: str, driver: str
) -> None:
    users = Users(project, servers.with_driver(request.getfixturevalue(f"{server}_url"), driver))
    users.data_step(*IN_PYTHON)
    users.ok("migrate", "upgrade")
    assert users.names() == FILLED


def test_schema_and_rows_may_change_in_one_revision(users: Users) -> None:
    """Rows that a data step deletes are not taken for lost by the table that is altered."""
    users.data_step(
        'with op.batch_alter_table("users") as batch_op:',
        '    batch_op.add_column(sa.Column("initial", sa.String(1)))',
        '    batch_op.alter_column("last", existing_type=sa.String(40), nullable=True)',
        "users = tables(op).users",
        'for batch in batches(op, sa.select(users).where(users.c.last == "H")):',
        "    batch.delete()",
        "for batch in batches(op, sa.select(users).where(users.c.initial.is_(None)), size=1):",
        '    batch.update(lambda row: {"initial": row.first[0]})',
        'with op.batch_alter_table("users") as batch_op:',
        '    batch_op.alter_column("initial", existing_type=sa.String(1), nullable=False)',
    )
    users.ok("migrate", "upgrade")
    assert users.rows("SELECT first, initial FROM users ORDER BY id") == [("Ada", "A"), ("Edsger", "E")]
    assert users.rows("SELECT rows_moved FROM oppman_journal WHERE revision = 'second'") == [(3,)]


@pytest.mark.parametrize("line", ["tables(op).users", "op.get_bind()"])
def test_rows_that_a_rebuild_copies_before_the_tables_are_read_are_no_data_step(few_users: Users, line: str) -> None:
    few_users.data_step(
        'with op.batch_alter_table("users") as batch_op:',
        '    batch_op.alter_column("last", existing_type=sa.String(40), nullable=True)',
        '    batch_op.create_unique_constraint("uq_first", ["first"])',
        line,
    )
    few_users.ok("migrate", "upgrade")
    assert few_users.rows("SELECT rows_moved FROM oppman_journal WHERE revision = 'second'") == [(0,)]


def test_refusal_of_a_data_step_says_where_the_database_stands(few_users: Users) -> None:
    few_users.data_step("tables(op).usres")
    done = few_users.run("migrate", "upgrade", "--no-backup")
    assert done.returncode == 1
    assert "error: revision second (Fill names), upgrade: there is no table `usres` at this revision\n" in done.stderr
    assert "why:   the database has users, " in done.stderr
    assert "the database stands at first, as before: nothing was changed. Name a table that is there" in done.stderr
    refused = json.loads(few_users.run("migrate", "upgrade", "--no-backup", "--json").stdout)
    assert refused["error"]["kind"] == "data-step-refused"


def test_downgrade_may_refuse_with_reasons_of_its_own(few_users: Users) -> None:
    refusal = 'from oppmigrate.errors import Refused; raise Refused("no way", why="gone", do="restore the backup")'
    few_users.data_step(*IN_SQL, downgrade=refusal)
    few_users.ok("migrate", "upgrade")
    done = few_users.run("migrate", "downgrade", "-1", "--yes")
    assert done.returncode == 1
    assert "revision second (Fill names), downgrade: no way" in done.stderr
    assert "Restore the backup\n" in done.stderr
    assert few_users.heads() == [("second",)]


# ---- what is told beforehand


def test_plan_and_show_name_the_tables_of_a_data_step(users: Users) -> None:
    users.data_step(*IN_PYTHON, "tables(op).alembic_version")
    plan = users.ok("migrate", "upgrade", "--plan")
    assert (
        "  + data step: reads or changes rows of users\n  + data step: reads or changes rows of alembic_version\n"
        in plan
    )
    assert "  ? it asks the database as it goes: where there are rows it may do more than is shown\n" in plan
    assert "    tables users, alembic_version; changes rows; " in plan
    (step,) = json.loads(users.ok("migrate", "upgrade", "--plan", "--json"))["steps"]
    assert (step["data_steps"], step["tables"]) == (True, ["users", "alembic_version"])
    assert [change["table"] for change in step["changes"]] == ["users", "alembic_version"]
    shown = users.ok("migrate", "show")
    assert "downgrade\n  nothing: the rows stay as the upgrade leaves them\n" in shown
    assert users.names() == [None] * 3


def test_script_holds_the_one_update_as_any_database_needs_it(users: Users) -> None:
    users.data_step(*IN_SQL)
    done = users.run("migrate", "upgrade", "--sql")
    assert done.returncode == 0
    assert "WARNING" not in done.stdout
    joined = (
        "concat(users.first, ' ', users.last)" if users.url.startswith("mysql") else "users.first || ' ' || users.last"
    )
    assert re.search(
        rf"UPDATE users SET full_name=\(?{re.escape(joined)}",
        done.stdout.replace("concat(concat(users.first, ' '), users.last)", joined),
    )
    assert "UPDATE users SET full_name" in users.ok("migrate", "show")
    assert "asks the database" not in users.ok("migrate", "show")


@pytest.mark.parametrize(
    "lines",
    [
        IN_PYTHON,
        (IN_SQL[0], "op.get_bind().execute(users.update().values(full_name=users.c.first))"),
        (*IN_SQL, 'op.execute("SELECT abs(1)")'),
        (*IN_SQL, "op.get_bind().scalar(sa.select(sa.func.count()).select_from(users))"),
        (*IN_SQL, 'op.add_column("users", sa.Column("x", sa.Integer))'),
    ],
    ids=["batches", "an answer that may be looked at", "a query", "a question", "another operation"],
)
def test_script_warns_of_a_data_step_that_may_do_more_where_there_are_rows(
    few_users: Users, lines: tuple[str, ...]
) -> None:
    few_users.data_step(*lines)
    done = few_users.run("migrate", "upgrade", "--sql")
    assert done.returncode == 0
    assert "-- WARNING: revision second (Fill names) asks the database in Python as it goes." in done.stdout


def test_script_for_a_server_that_is_not_asked_is_refused(few_users: Users) -> None:
    few_users.data_step(*IN_SQL)
    done = few_users.run("migrate", "upgrade", "first:second", "--sql", "--dialect", "postgresql")
    assert done.returncode == 1
    assert "error: revision second (Fill names) cannot be written as SQL" in done.stderr
    assert "Traceback" not in done.stderr
    stock = few_users.project.call(
        [sys.executable, "-m", "alembic", "upgrade", "first:second", "--sql"], env=few_users.env
    )
    assert stock.returncode != 0
    assert "table `users` cannot be had: SQL is only written" in stock.stderr + stock.stdout
    assert "Traceback" not in stock.stderr


# ---- interrupted

STOPPING = (
    "import os",  # a function that reaches beyond the database is not called beforehand
    "from stops import stop",
)


@pytest.mark.parametrize("server", ["postgresql", "mysql"])
def test_batches_that_commit_by_themselves_go_on_with_what_is_left(
    project: Project, request: pytest.FixtureRequest, server: str
) -> None:
    """Killed behind the first batch, which is committed: the next run takes the other rows, and all of them."""
    users = Users(project, request.getfixturevalue(f"{server}_url"))
    users.add()
    users.data_step(
        *STOPPING,
        "users = tables(op).users",
        "with op.get_context().autocommit_block():",
        "    select = sa.select(users).where(users.c.full_name.is_(None))",
        "    for number, batch in enumerate(batches(op, select, size=2)):",
        "        stop(number)",
        '        batch.update(lambda row: {"full_name": f"{row.first} {row.last}"})',
        '        op.get_bind().execute(users.update().where(users.c.id == batch[0].id).values(first="x"))',
    )
    users.upgrade_killed()
    assert users.names() == ["Ada L", "Grace H", None, None, None, None]
    users.ok("migrate", "upgrade", "--no-backup")
    assert users.names() == [*FILLED, *FILLED]
    assert users.names("first") == ["x", "Grace", "x", "Ada", "x", "Edsger"]
    assert users.heads() == [("second",)]


def test_rows_that_came_while_a_revision_stood_half_done_are_filled_too(project: Project, mysql_url: str) -> None:
    """What commits by itself behind the batches commits them too; they are asked for again when the run goes on."""
    users = Users(project, mysql_url)
    users.data_step(
        *STOPPING,
        *IN_PYTHON,
        'op.create_table("extra", sa.Column("id", sa.Integer, primary_key=True))',
        "stop(1)",
    )
    users.upgrade_killed()
    assert users.names() == FILLED
    users.add()
    users.ok("migrate", "upgrade", "--no-backup")
    assert users.names() == [*FILLED, *FILLED]


def test_batches_with_no_where_are_not_done_twice(project: Project, mysql_url: str) -> None:
    """Nothing says which rows are left: what the journal holds is taken for done, as for any other statement."""
    users = Users(project, mysql_url)
    users.data_step(
        *STOPPING,
        "for batch in batches(op, tables(op).users, size=2):",
        '    batch.update(lambda row: {"first": row.first + "!"})',
        'op.create_table("extra", sa.Column("id", sa.Integer, primary_key=True))',
        "stop(1)",
    )
    users.upgrade_killed()
    users.ok("migrate", "upgrade", "--no-backup")
    assert users.names("first") == ["Ada!", "Grace!", "Edsger!"]


def test_batches_are_undone_with_their_revision(project: Project, postgresql_url: str) -> None:
    users = Users(project, postgresql_url)
    users.data_step(*IN_PYTHON, 'raise RuntimeError("no")')
    assert users.run("migrate", "upgrade", "--no-backup").returncode == 1
    assert users.names() == [None] * 3
