"""Projects with as many tables as one likes, all of them made: one of ours, and one of stock Alembic."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measuring import clean_environment
from oppmigrate.scaffold.rendering import read_template, render_ini

HEAD = '''"""Tables as applications have them."""

import enum
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Column, Index, String, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel
'''
ENUM = """

class Status{number}(enum.Enum):
    draft = "draft"
    open = "open"
    closed = "closed"
"""
TABLE = """

class Table{number}(SQLModel, table=True):
    __tablename__ = "table_{number}"
    __table_args__ = ({arguments})

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100, index=True)
    code: str = Field(max_length=20, unique=True)
    title: str | None = Field(default=None, max_length=200)
    notes: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    amount: Decimal = Field(default=0, max_digits=12, decimal_places=2)
    quantity: int = 0
    ratio: float | None = None
    is_active: bool = True
    due: date | None = None
    created_at: datetime = Field(index=True)
    kind: str = Field(default="plain", sa_column=Column(String(20), nullable=False, server_default="plain"))
{rest}"""
STOCK_ENV = """
from alembic import context
from sqlalchemy import engine_from_config, pool
from sqlmodel import SQLModel

import models

connectable = engine_from_config(
    context.config.get_section(context.config.config_ini_section, {}), prefix="sqlalchemy.", poolclass=pool.NullPool
)
with connectable.connect() as connection:
    # without what the command gains where oppmigrate is installed
    plugins = ["alembic.autogenerate.*", "~alembic.autogenerate.oppmigrate"]
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        autogenerate_plugins=plugins,
        include_name=lambda name, *_: name != "oppman_journal",
    )
    with context.begin_transaction():
        context.run_migrations()
"""
STEP = 500  # tables to a revision: PostgreSQL, as it comes, has locks for no more in one transaction
ADDED = "    added: int | None = None\n"


@dataclass(frozen=True)
class Twins:
    """Projects with the same models and the same database, one of ours and one of stock Alembic."""

    ours: Path
    stock: Path

    def add_column(self) -> None:
        """Give the last table of the models one more column; the database is left as it is."""
        for folder in (self.ours, self.stock):
            models = folder / "models.py"
            models.write_text(models.read_text() + ADDED)


def models_source(tables: int) -> str:
    """A module with so many SQLModel classes: a mix of types, keys, indexes, and a CHECK here and there."""
    parts = [HEAD]
    for number in range(tables):
        if number % 10 == 0:
            parts.append(ENUM.format(number=number))
        parts.append(_table(number))
    return "".join(parts)


def _table(number: int) -> str:
    name = f"table_{number}"
    arguments = [f'Index("ix_{name}_due_kind", "due", "kind")', f'UniqueConstraint("name", "due", name="uq_{name}")']
    if number % 5 == 0:
        arguments.append(f'CheckConstraint("quantity >= 0 AND amount >= 0", name="ck_{name}_positive")')
    rest = ""
    if number % 4 == 0:
        rest += f"    status: Status{number - number % 10} = Status{number - number % 10}.draft\n"
    if number:
        rest += f'    parent_id: int | None = Field(default=None, foreign_key="table_{number // 2}.id", index=True)\n'
    if number > 2 and number % 3 == 0:
        rest += f'    other_id: int | None = Field(default=None, foreign_key="table_{number - 1}.id")\n'
    if number % 7 == 0:
        rest += (
            "    updated_at: datetime | None = Field(\n"
            '        default=None, sa_column_kwargs={"server_default": text("CURRENT_TIMESTAMP")}\n    )\n'
        )
    return TABLE.format(number=number, arguments=", ".join(arguments), rest=rest)


@contextmanager
def twins(tables: int, url: str | None = None) -> Iterator[Twins]:
    """Both projects; ours has made the tables, on SQLite where no URL is given."""
    with TemporaryDirectory(prefix="oppman-bench-") as folder:
        ours, stock = Path(folder, "ours"), Path(folder, "stock")
        ours.mkdir()
        url = url or f"sqlite:///{ours / 'test.db'}"
        (ours / "oppman.py").write_text(read_template("oppman.py.template"))
        (ours / "models.py").write_text(models_source(1))
        _run(ours, "oppman.py", "migrate", "init", "--models", "models", "--database-url", url)
        for made in dict.fromkeys([*range(STEP, tables, STEP), tables]):
            (ours / "models.py").write_text(models_source(made))
            _run(ours, "oppman.py", "migrate", "create", f"Up to {made} tables", "--no-verify")
            _run(ours, "oppman.py", "migrate", "upgrade")
        _write_stock(stock, ours, url)
        yield Twins(ours, stock)


def _write_stock(stock: Path, ours: Path, url: str) -> None:
    versions = stock / "alembic" / "versions"
    versions.mkdir(parents=True)
    for file in [*(ours / "alembic" / "versions").glob("*.py"), ours / "alembic" / "script.py.mako"]:
        target = versions if file.suffix == ".py" else versions.parent
        (target / file.name).write_text(file.read_text())
    (versions.parent / "env.py").write_text(STOCK_ENV)
    (stock / "models.py").write_text((ours / "models.py").read_text())
    ini = render_ini(script_location="%(here)s/alembic", search_path=("%(here)s",), database_url=url)
    (stock / "alembic.ini").write_text(ini)


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}\n{done.stderr}")
