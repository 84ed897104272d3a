"""What each command imports: a heavy import that creeps into a light command fails here, with its name.

Read from `-X importtime`, in processes of their own.
"""

import re
import subprocess
import sys
import time

import pytest

from journal_entries import write_down
from oppmigrate.databases import open_database
from oppmigrate.index.stamps import TICK_NS
from projects import clean_environment
from quick_projects import QuickProject
from servers import with_driver

# packages that cost a tenth of a second, or lead to such
HEAVY = frozenset(
    """
    alembic asyncio concurrent dask dotenv email fastapi mako multiprocessing pydantic rich sqladmin sqlalchemy
    sqlmodel ssl starlette uvicorn
    """.split()  # noqa: SIM905  a list would be a line a name
)
# what a quick answer imports beside Python's own start, `sqlite3` and this package
QUICK_EXTRAS = frozenset({"__future__", "gc", "marshal", "zlib"})
QUICK_OWN = {f"oppmigrate.{name}" for name in ("__main__", "cli", "fastlane", "index", "landmarks", "lines")}
QUICK = (
    "migrate upgrade",
    "migrate current",
    "migrate heads",
    "migrate history",
    "migrate check --pending",
    "migrate upgrade --yes --no-input -q",
    "--version",
)
# what a command that asks the database in full leads to
ENGINE = {"alembic", "sqlalchemy", "sqlmodel", "pydantic", "asyncio", "concurrent", "email", "mako", "ssl"}
FULL = {
    "--help": set(),
    "migrate --help": set(),
    "migrate upgrade --help": set(),
    "backup --help": set(),
    "migrate nonsense": set(),
    "migrate current -v": ENGINE,
    "migrate history --verbose": ENGINE,
    "migrate show a3 --from-journal": ENGINE,
    "backup --list": ENGINE,
}


@pytest.fixture
def project(tmp_path, monkeypatch, capsys):
    project = QuickProject.make(tmp_path / "project", monkeypatch, capsys)
    project.versions.write_line("a1", "a2", "a3")
    project.record("a3")
    write_down(project.url, *sorted(project.versions.folder.glob("*.py")))
    return project


def imported(folder, *arguments, **environment):
    """The modules that Python imports for its arguments, and what the command says on stdout."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=folder,
        env={**clean_environment(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return set(re.findall(r"^import time: .*\| +([\w.]+)$", done.stderr, re.MULTILINE)), done.stdout


def packages(modules):
    return {name.partition(".")[0] for name in modules}


def test_quick_answer_imports_little_more_than_sqlite3(project):
    first, _out = imported(project.path, "-m", "oppmigrate", "migrate", "upgrade")
    assert packages(first) & HEAVY <= {"email"}, "importlib.metadata imports it to read a version"
    time.sleep(TICK_NS / 1e9)  # until the files are old enough for their stamps to be relied on
    start = imported(project.path, "-c", "import sqlite3")[0] | imported(project.path, "-m", "keyword")[0]
    for command in QUICK:
        arguments = ("-m", "oppmigrate", *command.split())
        imported(project.path, *arguments)
        modules, out = imported(project.path, *arguments)
        assert out, command
        own = {name for name in modules if name.partition(".")[0] == "oppmigrate"}
        assert modules - start - own <= QUICK_EXTRAS, command
        assert {name for name in own if name.count(".") == 1} <= QUICK_OWN, command


@pytest.mark.parametrize("kind, driver", [("postgresql", "psycopg"), ("postgresql", "asyncpg"), ("mysql", "pymysql")])
def test_quick_answer_of_a_server_imports_its_driver_alone(project, request, kind, driver):
    url = request.getfixturevalue(f"{kind}_url")
    files = sorted(project.versions.folder.glob("*.py"))
    write_down(url, *files)

    def record(connection):
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('a3')")
        connection.commit()

    open_database(url).run(record)
    environment = {"DATABASE_URL": with_driver(url, f"{kind}+{driver}")}
    modules, out = imported(project.path, "-m", "oppmigrate", "migrate", "upgrade", **environment)
    assert out == "up to date: the database is at a3\n"
    assert driver in modules
    assert packages(modules) & {"alembic", "sqlalchemy", "sqlmodel", "pydantic", "rich", "mako"} == set()


@pytest.mark.parametrize(("command", "expected"), FULL.items(), ids=FULL)
def test_command_imports_what_is_listed(project, command, expected):
    modules, _out = imported(project.path, "-m", "oppmigrate", *command.split())
    assert packages(modules) & HEAVY == expected


def test_package_imports_nothing_before_a_name_is_asked_for(tmp_path):
    modules, _out = imported(tmp_path, "-c", "import oppmigrate; oppmigrate.__version__")
    start, _out = imported(tmp_path, "-c", "pass")
    assert modules - start == {"__future__", "oppmigrate"}
