"""`create`, with the questions that it asks: what it writes, and what becomes of the rows."""

import re
import sys
from collections.abc import Callable
from typing import Any

import pexpect
import pytest
from sqlalchemy import inspect

from migrated_project import MigratedProject
from oppmigrate import MigrationManager, load_settings
from oppmigrate.errors import Refused, WrongUsage
from projects import Project, clean_environment, rewrite

MODELS = """
    import uuid
    from sqlmodel import Field, SQLModel


    class User(SQLModel, table=True):
        __tablename__ = "users"

        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(max_length=20)
        nick: str | None = Field(default=None, max_length=20)
"""


class Shop(MigratedProject):
    """A project whose first revision is applied and whose `users` holds two rows."""

    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        project.write("models.py", MODELS)
        self.ok("migrate", "init")
        self.ok("migrate", "create", "Initial")
        self.ok("migrate", "upgrade")
        self.execute("INSERT INTO users (name, nick) VALUES ('Ada', 'a'), ('Grace', NULL)")

    def create(self, *arguments: str) -> str:
        """The text of the new revision file."""
        self.ok("migrate", "create", "change", *arguments)
        return self.versions()[-1].read_text()

    def change_models(self, change: Callable[[str], str]) -> None:
        rewrite(self.models, change(self.models.read_text()))

    def add(self, *lines: str) -> None:
        self.change_models(lambda source: source + "".join(f"    {line}\n" for line in lines))

    def columns(self, table: str) -> dict[str, Any]:
        return self.database.run(
            lambda connection: {column["name"]: column for column in inspect(connection).get_columns(table)}
        )

    def there_and_back(self) -> None:
        """Up, down and up again, ending where the models and the migrations agree."""
        for command in (("upgrade",), ("downgrade", "-1"), ("upgrade",), ("check",)):
            self.ok("migrate", *command)


@pytest.fixture
def shop(project: Project, database_url: str) -> Shop:
    return Shop(project, database_url)


@pytest.fixture
def small_shop(project: Project, sqlite_url: str) -> Shop:
    """The same, on SQLite only, for what does not depend on the server."""
    return Shop(project, sqlite_url)


def rename_in_models(shop: Shop, old: str, new: str) -> None:
    shop.change_models(lambda source: source.replace(old, new))


# ---- renames and drops


def test_renamed_column_keeps_its_values(shop: Shop) -> None:
    rename_in_models(shop, "    name: str = Field(max_length=20)", "    full_name: str = Field(max_length=40)")
    refused = shop.run("migrate", "create", "change")
    assert refused.returncode == 1
    assert "--rename users.name:full_name  or  --drop users.name" in refused.stderr
    source = shop.create("--rename", "users.name:full_name")
    assert "drop_column" not in source
    shop.there_and_back()
    assert shop.rows("SELECT full_name, nick FROM users ORDER BY id") == [("Ada", "a"), ("Grace", None)]


def test_renamed_table_keeps_its_rows(shop: Shop) -> None:
    rename_in_models(shop, '"users"', '"accounts"')
    rename_in_models(shop, "    nick:", "    alias:")
    refused = shop.run("migrate", "create", "change")
    assert "--rename users:accounts" in refused.stderr
    shop.create("--rename", "users:accounts", "--rename", "users.nick:alias")
    shop.there_and_back()
    assert shop.rows("SELECT name, alias FROM accounts ORDER BY id") == [("Ada", "a"), ("Grace", None)]


def test_swapped_columns_swap_their_values(shop: Shop) -> None:
    rename_in_models(shop, "    nick: str | None", "    swapped: str | None")
    rename_in_models(shop, "    name: str", "    nick: str")
    rename_in_models(shop, "    swapped: str | None", "    name: str | None")
    shop.create("--rename", "users.name:nick", "--rename", "users.nick:name")
    shop.there_and_back()
    assert shop.rows("SELECT nick, name FROM users ORDER BY id") == [("Ada", "a"), ("Grace", None)]


def test_dropped_column_goes_only_when_told(shop: Shop) -> None:
    shop.change_models(lambda source: re.sub(r"    nick.*\n", "", source))
    refused = shop.run("migrate", "create", "change")
    assert refused.returncode == 1
    assert "--drop users.nick" in refused.stderr
    assert len(shop.versions()) == 1
    shop.create("--drop", "users.nick")
    shop.there_and_back()
    assert set(shop.columns("users")) == {"id", "name"}
    assert shop.rows("SELECT name FROM users ORDER BY id") == [("Ada",), ("Grace",)]


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        (["--rename", "users.nam:full_name"], "table users has no column nam"),
        (["--rename", "users.name:nick"], "has a column nick already"),
        (["--rename", "users.name:other"], "no model has the column users.other"),
        (["--rename", "people:accounts"], "there is no table people"),
        (["--rename", "users.name"], "is not OLD:NEW"),
        (["--rename", "users.name:a", "--rename", "users.name:b"], "two new names"),
        (["--drop", "users.nick", "--rename", "users.name:full_name"], "is not dropped by this revision"),
        (["--default", "users.name=x", "--rename", "users.name:full_name"], "makes no NOT NULL column of that name"),
        (["--default", "users"], "is not TABLE.COLUMN=VALUE"),
        (["--default", "users.age=1", "--default", "users.age=2"], "two values"),
    ],
)
def test_a_flag_about_what_is_not_there_is_refused_and_writes_no_file(
    small_shop: Shop, flags: list[str], what: str
) -> None:
    rename_in_models(small_shop, "    name: str", "    full_name: str")
    manager = MigrationManager(load_settings(small_shop.project.path, database_url=small_shop.url))
    answers: dict[str, list[str]] = {"--rename": [], "--drop": [], "--default": []}
    for flag, value in zip(flags[::2], flags[1::2], strict=True):
        answers[flag].append(value)
    done = small_shop.run("migrate", "create", "change", *flags)
    assert done.returncode == 2, done.stdout + done.stderr
    assert what in done.stderr
    assert len(small_shop.versions()) == 1
    assert manager.settings.database_url == small_shop.url


# ---- values for rows that are there already


def test_not_null_column_is_filled_for_the_rows_there(shop: Shop) -> None:
    shop.add("age: int", "price: float", "kind: str = 'basic'", "token: uuid.UUID = Field(default_factory=uuid.uuid4)")
    refused = shop.run("migrate", "create", "change")
    assert refused.returncode == 1
    assert "--default users.age=0" in refused.stderr
    assert "users.kind" not in refused.stderr  # the model's own constant answers for it
    zero = "00000000-0000-0000-0000-000000000007"
    shop.create("--default", "users.age=7", "--default", "users.price=1.5", "--default", f"users.token={zero}")
    shop.there_and_back()
    assert shop.rows("SELECT name, age, price, kind FROM users ORDER BY id") == [
        ("Ada", 7, 1.5, "basic"),
        ("Grace", 7, 1.5, "basic"),
    ]
    columns = shop.columns("users")
    assert not any(columns[name]["nullable"] for name in ("age", "price", "kind", "token"))
    assert not any(columns[name]["default"] for name in ("age", "price", "kind", "token"))


def test_dropped_not_null_column_comes_back_with_the_value_given(shop: Shop) -> None:
    shop.change_models(lambda source: re.sub(r"    name:.*\n", "", source))
    source = shop.create("--drop", "users.name", "--down-default", "users.name=nobody")
    assert "# the values were dropped by the upgrade" in source
    shop.ok("migrate", "upgrade")
    shop.ok("migrate", "downgrade", "-1")
    assert shop.rows("SELECT name, nick FROM users ORDER BY id") == [("nobody", "a"), ("nobody", None)]


def test_value_that_does_not_fit_its_type_is_refused(small_shop: Shop) -> None:
    small_shop.add("age: int")
    done = small_shop.run("migrate", "create", "change", "--default", "users.age=many")
    assert done.returncode == 2
    assert "does not fit the column's type" in done.stderr


# ---- on a terminal


def test_questions_on_a_terminal(small_shop: Shop) -> None:
    rename_in_models(small_shop, "    name: str", "    full_name: str")
    small_shop.change_models(lambda source: re.sub(r"    nick.*\n", "", source))
    small_shop.add("age: int")
    child = pexpect.spawn(
        sys.executable,
        ["-m", "oppmigrate", "migrate", "create"],
        cwd=small_shop.project.path,
        env={**clean_environment(), **small_shop.env, "TERM": "xterm"},
        encoding="utf-8",
        timeout=60,
    )
    child.expect("What changes")
    child.sendline("Full names")
    child.expect(r"users\.full_name is not in the database")
    child.expect(r"1  users\.name")
    child.expect(r"\[0\]: ")
    child.sendline("1")
    child.expect(r"users\.age is not in the database")
    child.expect(r"\[0\]: ")
    child.sendline("9")
    child.expect("a number from 0 to")
    child.sendline("0")
    child.expect(r"Drop users\.nick.*\[y/N\]: ")
    child.sendline("y")
    child.expect(r"default for users\.age: ")
    child.sendline("30")
    child.expect("wrote")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    small_shop.there_and_back()
    assert small_shop.rows("SELECT full_name, age FROM users ORDER BY id") == [("Ada", 30), ("Grace", 30)]


@pytest.mark.usefixtures("fresh_imports")
def test_no_to_the_drop_writes_nothing(small_shop: Shop) -> None:
    class No:
        def choose_old_name(self, new: str, candidates: Any) -> str | None:
            return None

        def confirm_drop(self, name: str) -> bool:
            assert name == "users.nick"
            return False

        def ask_default(self, name: str, type_: str, call: str | None) -> str | None:
            return None

    small_shop.change_models(lambda source: re.sub(r"    nick.*\n", "", source))
    done = small_shop.run("migrate", "create", "change", "--no-input")
    assert done.returncode == 1
    manager = MigrationManager(load_settings(small_shop.project.path, database_url=small_shop.url))
    with pytest.raises((Refused, WrongUsage)):
        manager.create("change", questioner=No())
    assert len(small_shop.versions()) == 1


# ---- the rest of create


def test_create_without_message_and_terminal_is_wrong_usage(small_shop: Shop) -> None:
    done = small_shop.run("migrate", "create")
    assert done.returncode == 2
    assert "needs a message" in done.stderr


def test_create_twice_writes_one_file(small_shop: Shop) -> None:
    done = small_shop.run("migrate", "create", "again")
    assert done.returncode == 0
    assert "no changes" in done.stdout
    assert len(small_shop.versions()) == 1


def test_create_works_when_the_database_is_behind_or_not_there(shop: Shop) -> None:
    shop.add("age: int | None = None")
    assert '"age"' in shop.create()
    shop.add("size: int | None = None")
    source = shop.create()  # the database is one behind
    assert '"size"' in source
    assert '"age"' not in source
    shop.ok("delete", "--yes", "--no-backup")
    shop.add("weight: int | None = None")
    assert '"weight"' in shop.create()
    shop.ok("migrate", "upgrade")
    shop.ok("migrate", "check")


def test_dry_run_prints_the_file_and_writes_none(small_shop: Shop) -> None:
    small_shop.add("age: int | None = None")
    done = small_shop.run("migrate", "create", "Add age", "--dry-run")
    assert done.returncode == 0
    compile(done.stdout, "dry", "exec")
    assert 'batch_op.add_column(sa.Column("age", sa.Integer(), nullable=True))' in done.stdout
    assert len(list((small_shop.project.path / "alembic").rglob("*.py"))) == 2  # env.py and the first revision


def test_empty_revision_is_for_writing_by_hand(small_shop: Shop) -> None:
    small_shop.project.write("models.py", "raise RuntimeError('the models are not asked')")
    source = small_shop.create("--empty")
    assert "def upgrade() -> None:\n    pass\n" in source


# ---- what Alembic trips over


def test_server_default_with_a_quote_is_compared_and_changed(shop: Shop) -> None:
    shop.change_models(lambda source: source.replace("import uuid\n", "import uuid\nimport sqlalchemy as sa\n"))
    quoted = 'owner: str | None = Field(default=None, sa_column=sa.Column(sa.String(40), server_default="{}"))'
    shop.add(quoted.format("Ada's"))
    shop.create()
    shop.there_and_back()
    shop.execute("INSERT INTO users (name) VALUES ('Joan')")
    assert shop.rows("SELECT owner FROM users WHERE name = 'Joan'") == [("Ada's",)]
    shop.change_models(lambda source: source.replace("Ada's", "Grace's"))
    assert "Grace's" in shop.create()
    shop.there_and_back()
