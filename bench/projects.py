"""Projects with as many revisions as one likes, all of them applied: one of ours, and one of stock Alembic."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection

import servers
from oppmigrate.databases import open_database
from oppmigrate.recorder import Journal
from oppmigrate.revisions import load_graph
from oppmigrate.scaffold.rendering import read_template, render_env_around, render_ini

REVISION = '''"""Step {number}

Revision ID: {id}
Revises: {parent}
Create Date: 2026-01-01 12:00:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


revision: str = "{id}"
down_revision: Union[str, Sequence[str], None] = {parent!r}
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.add_column("users", sa.Column("column_{number}", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "column_{number}")
'''
STOCK_ENV = """
from alembic import context
from sqlalchemy import engine_from_config, pool

connectable = engine_from_config(
    context.config.get_section(context.config.config_ini_section, {}), prefix="sqlalchemy.", poolclass=pool.NullPool
)
with connectable.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
"""
SETTLED_S = 2.5  # the stamps of younger files are not relied on


@dataclass(frozen=True)
class Pair:
    """The same revisions twice, with one database: in a project of ours, and in one of stock Alembic."""

    ours: Path
    stock: Path
    url: str


@contextmanager
def pair(revisions: int, url: str | None = None) -> Iterator[Pair]:
    """Both projects, with all of their revisions recorded; on SQLite where no URL is given."""
    with unapplied_pair(revisions, url) as projects:
        _record(projects.url, projects.ours)
        time.sleep(SETTLED_S)
        yield projects


@contextmanager
def unapplied_pair(revisions: int, url: str | None = None, revision: str = REVISION) -> Iterator[Pair]:
    """Both projects, with no database yet.

    Args:
        revision: the text of a revision, with `{number}`, `{id}` and `{parent!r}` in it.
    """
    with TemporaryDirectory(prefix="oppman-bench-") as folder:
        ours, stock = Path(folder, "ours"), Path(folder, "stock")
        url = url or f"sqlite:///{ours / 'test.db'}"
        imports = "from alembic import context\nfrom oppmigrate.environment import run_migrations"
        _write(ours, url, render_env_around(imports, "target_metadata = None"), revisions, revision)
        _write(stock, url, STOCK_ENV, revisions, revision)
        (ours / "oppman.py").write_text(read_template("oppman.py.template"))
        yield Pair(ours, stock, url)


def _write(folder: Path, url: str, env: str, revisions: int, revision: str) -> None:
    versions = folder / "alembic" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic" / "env.py").write_text(env)
    ini = render_ini(script_location="%(here)s/alembic", search_path=("%(here)s",), database_url=url)
    (folder / "alembic.ini").write_text(ini)
    parent = None
    for number in range(1, revisions + 1):
        id_ = f"{number:012x}"
        text = revision.format(number=number, id=id_, parent=parent)
        (versions / f"{id_}_step_{number}.py").write_text(text)
        parent = id_


def _record(url: str, project: Path) -> None:
    """Write down what an upgrade of all of them would have."""
    graph, journal = load_graph([project / "alembic" / "versions"]), Journal()

    def work(connection: Connection) -> None:
        with connection.begin():
            journal.ensure(connection)
            connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
            connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{graph.heads[0]}')")
            for file in graph.revisions.values():
                journal.record(
                    connection,
                    revision=file.revision,
                    direction="upgrade",
                    checksum=file.digest,
                    body=file.source,
                    by="bench@bench",
                    version="bench",
                    started=datetime.now(UTC),
                    duration_ms=1.0,
                )

    open_database(url).run(work)


@contextmanager
def database(kind: str, server: str) -> Iterator[str]:
    """The URL of an empty database on a server, dropped afterwards."""
    make = servers.postgresql_database if kind == "postgresql" else servers.mysql_database
    with make(server) as url:
        yield url
