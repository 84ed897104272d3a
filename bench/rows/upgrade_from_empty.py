"""An upgrade from an empty database through many revisions, each of which makes a table and an index."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from bench.measuring import LEAST_RUNS, SERVER_RUNS, Extent, Table, Timed, run_in_turns, seconds
from bench.others import DBMATE, DJANGO, TABLES, not_installed, others
from bench.projects import REVISION, Pair, database, unapplied_pair
from oppmigrate.cli.sizes import counted
from servers import MYSQL_VARIABLE, POSTGRESQL_VARIABLE, connect_mysql, connect_postgresql

TITLE = "Upgrade from an empty database"
NOTE = (
    "The least is a script that imports the revision files and sends their statements by the driver: on SQLite in one "
    "transaction, on a server in one for each revision. Between it and the commands stand two limits, each a column. "
    "What `upgrade` sends, sent by the driver alone: beside the revision's own, the journal, and on servers a commit, "
    "limits of time and the question whether the lock is still ours for each revision, so that one takes eight "
    "statements on PostgreSQL, where Alembic's takes three and one commit serves all of them, and nineteen on MariaDB, "
    "which commits every definition by itself. And what an Alembic revision asks for: SQLAlchemy and Alembic imported, "
    "and each `op.create_table` and `op.create_index` put together and compiled, with no version recorded, no journal "
    "and no check. Django and dbmate make the same tables, on SQLite, each migration in a transaction of its own."
)
LEAST, SENT, ALEMBIC_ALONE = "driver, the statements", "driver, what we send", "Alembic's operations alone"
OURS, STOCK = "oppman.py", "alembic"
SIZE, QUICK_SIZE = 1000, 50
TARGETS = {"sqlite": (2.0, (STOCK, 4.0)), "postgresql": (None, (STOCK, 1.5)), "mysql": (None, None)}

BODIES = {
    "add_column": """create_table(
        "table_{number}",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("made", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_table_{number}_name", "table_{number}", ["name"])
""",
    "drop_column": 'drop_table("table_{number}")\n',
}
# the rest of each line of REVISION that is another here
WITH_TABLES = "\n".join(
    next((f"    op.{body.rstrip()}" for name, body in BODIES.items() if f"op.{name}(" in line), line)
    for line in REVISION.split("\n")
)
LOAD = """
import glob, importlib.util
modules = []
for path in sorted(glob.glob("alembic/versions/*.py")):
    spec = importlib.util.spec_from_file_location("revision", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    modules.append(module)
"""
STATEMENTS = """
def statements(n):
    yield (f"CREATE TABLE table_{n} (id INTEGER NOT NULL, name VARCHAR(50) NOT NULL, made {TIME}, PRIMARY KEY (id))")
    yield f"CREATE INDEX ix_table_{n}_name ON table_{n} (name)"
    yield f"UPDATE alembic_version SET version_num = '{n:012x}'"
begin = ["CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
         "INSERT INTO alembic_version VALUES ('')"]
"""
BY_DRIVER = {
    "sqlite": "TIME = 'DATETIME'\nimport sqlite3\nc = sqlite3.connect({database!r}, isolation_level=None)\n"
    "k = c.cursor()\nk.execute('BEGIN')\ncommit = lambda: None\nend = lambda: k.execute('COMMIT')",
    "postgresql": "TIME = 'TIMESTAMP'\nimport psycopg\nc = psycopg.connect(host={host!r}, port={port}, user={user!r}, "
    "password={password!r}, dbname={database!r})\nk = c.cursor()\ncommit = end = c.commit",
    "mysql": "TIME = 'DATETIME'\nimport pymysql\nc = pymysql.connect(host={host!r}, port={port}, user={user!r}, "
    "password={password!r} or '', database={database!r})\nk = c.cursor()\ncommit = end = c.commit",
}
SEND = """
for statement in begin:
    k.execute(statement)
for n in range(1, len(modules) + 1):
    for statement in statements(n):
        k.execute(statement)
    commit()
end()
c.close()
"""
# our `upgrade`, run once to know what it sends
RECORD = """
import pickle, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from oppmigrate.cli import main
def plain(value):
    value = getattr(value, "obj", value)  # psycopg's and SQLite's wraps of bytes
    return bytes(value) if isinstance(value, memoryview) else value
def heard(_connection, _cursor, sql, given, _context, _many):
    given = {name: plain(value) for name, value in given.items()} if hasattr(given, "items") else [*map(plain, given)]
    sent.append((sql, given))
sent = []
event.listen(Engine, "after_cursor_execute", heard)
event.listen(Engine, "commit", lambda _c: sent.append(None))
code = main(["migrate", "upgrade", "-q"])
with open("sent.pickle", "wb") as file:
    pickle.dump(sent, file)
sys.exit(code)
"""
SEND_AGAIN = """
import pickle
with open("sent.pickle", "rb") as file:
    sent = pickle.load(file)
for each in sent:
    if each is None:
        commit()
    else:
        k.execute(*each)
end()
c.close()
"""
OPERATIONS = """
from sqlalchemy import create_engine
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
with create_engine({url!r}).connect() as connection, connection.begin():
    with Operations.context(MigrationContext.configure(connection)):
        for module in modules:
            module.upgrade()
"""


def measure(extent: Extent) -> Iterator[Table]:
    """A table for each kind of database; nothing of a server that the environment does not name."""
    size = QUICK_SIZE if extent.is_quick else SIZE
    for kind in TARGETS:
        with _empty(kind) as (url, empty):
            if url is None:
                print(f"no {kind} is named in the environment: it is left out", file=sys.stderr)
                continue
            with (
                unapplied_pair(size, url or None, WITH_TABLES) as projects,
                others(size, TABLES, applied=False) as theirs,
            ):
                times, faster = TARGETS[kind]
                tools = (DJANGO, DBMATE) if kind == "sqlite" else ()
                timed = [
                    *_commands(kind, projects, empty, extent),
                    *theirs(tools, 1 if extent.is_quick else SERVER_RUNS),
                ]
                work, missing = f"{counted(size, 'revision')}, {kind}", not_installed(tools)
                yield Table(work, run_in_turns(timed), LEAST, (OURS,), times, faster, not_installed=missing)


def _commands(kind: str, projects: Pair, empty: Callable[[], None] | None, extent: Extent) -> Sequence[Timed]:
    def before() -> None:
        if empty is not None:
            empty()
        for path in projects.ours.glob("test.db*"):
            path.unlink()

    parts = make_url(projects.url)
    connect = BY_DRIVER[kind].format(
        host=parts.host,
        port=parts.port or {"postgresql": 5432, "mysql": 3306}.get(kind),
        user=parts.username,
        password=parts.password,
        database=parts.database,
    )
    raw = LOAD + connect + STATEMENTS + SEND
    alone = LOAD + OPERATIONS.format(url=projects.url)
    python, alembic = sys.executable, str(Path(sys.executable).parent / "alembic")
    before()
    seconds(Timed(SENT, [python, "-c", RECORD], projects.ours))
    runs = 1 if extent.is_quick else LEAST_RUNS if kind == "sqlite" else SERVER_RUNS
    return [
        Timed(LEAST, [python, "-c", raw], projects.ours, runs=runs, before=before),
        Timed(SENT, [python, "-c", LOAD + connect + SEND_AGAIN], projects.ours, runs=runs, before=before),
        Timed(ALEMBIC_ALONE, [python, "-c", alone], projects.ours, runs=runs, before=before),
        Timed(OURS, [python, "oppman.py", "migrate", "upgrade", "-q"], projects.ours, runs=runs, before=before),
        Timed(STOCK, [alembic, "upgrade", "head"], projects.stock, runs=runs, before=before),
    ]


@contextmanager
def _empty(kind: str) -> Iterator[tuple[str | None, Callable[[], None] | None]]:
    """The URL of an empty database, and how it becomes one again; "" for a SQLite file, None where there is none."""
    if kind == "sqlite":
        yield "", None
        return
    server = os.environ.get({"postgresql": POSTGRESQL_VARIABLE, "mysql": MYSQL_VARIABLE}[kind])
    if not server:
        yield None, None
        return
    with database(kind, server) as url:
        name = make_url(url).database
        yield url, lambda: _make_anew(kind, server, str(name))


def _make_anew(kind: str, server: str, name: str) -> None:
    if kind == "postgresql":
        with connect_postgresql(server) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        return
    with connect_mysql(server) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
