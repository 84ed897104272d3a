"""Projects of Django and of dbmate, with migrations that say what the revisions of ours do; where they are installed.

Django is a dependency group of its own, `bench`; dbmate is the program that OPPMAN_BENCH_DBMATE names, or that is on
the PATH. Both are started as commands, and never imported.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measuring import Timed

DBMATE_VARIABLE = "OPPMAN_BENCH_DBMATE"
DJANGO, DBMATE = "django", "dbmate"
APPLIED = "2026-01-01 12:00:00"

MANAGE = """
import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line

execute_from_command_line(sys.argv)
"""
# nothing but the one application: its own would have migrations, too
SETTINGS = """
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "test.db"}}
INSTALLED_APPS = ["shop"]
USE_TZ = True
"""
MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = {dependencies}
    operations = [
        {operation}
    ]
"""


@dataclass(frozen=True)
class Words:
    """How each tool says one step.

    Args:
        operation: a migration of Django's; `first` stands before it in the first one.
        models: what is in the models for it; `model` stands once before all.
        statements: in SQL.
    """

    operation: str
    models: str
    statements: str
    first: str = ""
    model: str = ""


COLUMNS = Words(
    operation='migrations.AddField("user", "column_{number}", models.IntegerField(null=True)),',
    models="    column_{number} = models.IntegerField(null=True)\n",
    statements="ALTER TABLE users ADD COLUMN column_{number} INTEGER;",
    first='migrations.CreateModel("User", [("id", models.AutoField(primary_key=True))], {"db_table": "users"}),',
    model="class User(models.Model):\n    id = models.AutoField(primary_key=True)\n\n"
    '    class Meta:\n        db_table = "users"\n\n',
)
TABLES = Words(
    operation='migrations.CreateModel("Table{number}", [("id", models.AutoField(primary_key=True)), '
    '("name", models.CharField(max_length=50, db_index=True)), ("made", models.DateTimeField(null=True))], '
    '{{"db_table": "table_{number}"}}),',
    models="class Table{number}(models.Model):\n    id = models.AutoField(primary_key=True)\n"
    "    name = models.CharField(max_length=50, db_index=True)\n    made = models.DateTimeField(null=True)\n\n"
    '    class Meta:\n        db_table = "table_{number}"\n\n\n',
    statements="CREATE TABLE table_{number} "
    "(id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(50) NOT NULL, made DATETIME);\n"
    "CREATE INDEX ix_table_{number}_name ON table_{number} (name);",
)


def dbmate() -> str | None:
    """The program; None where there is none."""
    return os.environ.get(DBMATE_VARIABLE) or shutil.which("dbmate")


def versions() -> Mapping[str, str | None]:
    """Of each of the tools; None of one that is not installed."""
    try:
        django = metadata.version(DJANGO)
    except metadata.PackageNotFoundError:
        django = None
    program = dbmate()
    said = program and subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    return {DJANGO: django, DBMATE: said.split()[-1] if said else None}


def not_installed(tools: Sequence[str] = (DJANGO, DBMATE)) -> list[str]:
    """Those of the tools that would have a column."""
    known = versions()
    return [tool for tool in tools if known[tool] is None]


@contextmanager
def others(migrations: int, words: Words, *, applied: bool) -> Iterator[Callable[..., list[Timed]]]:
    """Their projects with as many migrations; gives what makes the commands that apply what is pending.

    Args:
        applied: all of them are recorded, whatever the database holds; otherwise there is none.
    """
    with TemporaryDirectory(prefix="oppman-bench-") as folder:
        django, mate = Path(folder, DJANGO), Path(folder, DBMATE)
        _write_django(django, migrations, words)
        _write_dbmate(mate, migrations, words)
        if applied:
            _record(django, migrations)
            _record(mate, migrations)

        def commands(tools: Sequence[str] = (DJANGO, DBMATE), runs: int = 1) -> list[Timed]:
            lines = {DJANGO: ([sys.executable, "manage.py", "migrate", "-v", "0"], django)}
            if program := dbmate():
                lines[DBMATE] = ([program, "--url", "sqlite:test.db", "--no-dump-schema", "up"], mate)
            missing = not_installed()
            return [
                Timed(tool, *lines[tool], runs=runs, before=None if applied else _removal(lines[tool][1]))
                for tool in tools
                if tool not in missing
            ]

        yield commands


def _removal(folder: Path) -> Callable[[], None]:
    return lambda: (folder / "test.db").unlink(missing_ok=True)


def _write_django(folder: Path, migrations: int, words: Words) -> None:
    package = folder / "shop" / "migrations"
    package.mkdir(parents=True)
    for file in (package.parent / "__init__.py", package / "__init__.py"):
        file.touch()
    (folder / "manage.py").write_text(MANAGE)
    (folder / "settings.py").write_text(SETTINGS)
    steps = range(1, migrations + 1)
    models = "".join(words.models.format(number=number) for number in steps)
    (package.parent / "models.py").write_text(f"from django.db import models\n\n\n{words.model}{models}")
    for number in steps:
        operation = words.operation.format(number=number)
        first = f"{words.first}\n        " if number == 1 and words.first else ""
        dependencies = [("shop", _name(number - 1))] if number > 1 else []
        text = MIGRATION.format(dependencies=dependencies, operation=first + operation)
        (package / f"{_name(number)}.py").write_text(text)


def _write_dbmate(folder: Path, migrations: int, words: Words) -> None:
    files = folder / "db" / "migrations"
    files.mkdir(parents=True)
    for number in range(1, migrations + 1):
        statements = words.statements.format(number=number)
        (files / f"{number:014}_step.sql").write_text(f"-- migrate:up\n{statements}\n\n-- migrate:down\n")


def _name(number: int) -> str:
    return f"{number:04}_step"


def _record(folder: Path, migrations: int) -> None:
    """Write down what a run of all of them would have, in the table of either tool."""
    steps = range(1, migrations + 1)
    with closing(sqlite3.connect(folder / "test.db")) as connection, connection:
        connection.execute("CREATE TABLE schema_migrations (version VARCHAR(128) PRIMARY KEY)")
        connection.executemany("INSERT INTO schema_migrations VALUES (?)", ((f"{number:014}",) for number in steps))
        connection.execute(
            "CREATE TABLE django_migrations (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, app VARCHAR(255) NOT NULL, "
            "name VARCHAR(255) NOT NULL, applied DATETIME NOT NULL)"
        )
        connection.executemany(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('shop', ?, ?)",
            ((_name(number), APPLIED) for number in steps),
        )
