"""What a single change is: the models before and after, the rows that are there, and what becomes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

ALL = ("sqlite", "postgresql", "mysql")
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}
SQLITE = ("sqlite",)
POSTGRESQL = ("postgresql",)
MYSQL = ("mysql",)
SQLITE_AND_POSTGRESQL = ("sqlite", "postgresql")
SERVERS_ONLY = ("postgresql", "mysql")

HEAD = """\
import enum

import sqlalchemy as sa
from sqlalchemy import *  # noqa: F403
from sqlalchemy.dialects import mysql, postgresql

metadata = sa.MetaData()


"""
Rows = list[tuple[object, ...]]
# of the table that `table()` makes
ROWS = ("INSERT INTO t (id, n, word) VALUES (1, 5, 'one'), (2, 8, 'two')",)
KEPT: Mapping[str, Rows] = {"SELECT id, n, word FROM t ORDER BY id": [(1, 5, "one"), (2, 8, "two")]}


def table(
    *more: str, name: str = "t", id: str = "Integer, primary_key=True", n: str = "Integer", word: str = "String(50)"
) -> str:
    """A table of three columns, of these types; an empty type leaves the column out. `more` is columns and the like."""
    columns = [f"Column({each!r}, {type_})" for each, type_ in (("id", id), ("n", n), ("word", word)) if type_]
    return f"Table({name!r}, metadata, {', '.join([*columns, *more])})\n"


@dataclass(frozen=True)
class Change:
    """A change of the models that a person makes at once.

    Args:
        name: in words, for the page; unique among all.
        before: the tables, as code that follows `HEAD`.
        says: what `create` prints of it, a part of the line.
        rows: statements that put rows in, before the models change.
        there: what queries find after the upgrade.
        back: what queries find after the downgrade, where the rows are not those of before.
        flags: what a person has to answer to `create`.
        servers: those that have the notion.
        before_all: statements of a revision written by hand, before all others.
        options: arguments of `run_migrations()` in `env.py`.
        weighty: whether every run of the tests takes it.
    """

    name: str
    before: str
    after: str
    says: str
    rows: Sequence[str] = ROWS
    there: Mapping[str, Rows] = field(default_factory=lambda: KEPT)
    back: Mapping[str, Rows] | None = None
    flags: Sequence[str] = ()
    servers: Sequence[str] = ALL
    before_all: Sequence[str] = ()
    options: str = ""
    weighty: bool = False

    @property
    def fingerprint(self) -> str:
        """Tells whether what was measured of the change is still about this one."""
        parts = (self.before, self.after, *self.rows, *self.before_all, self.options, repr(sorted(self.there.items())))
        return sha256("\n".join(parts).encode()).hexdigest()[:12]
