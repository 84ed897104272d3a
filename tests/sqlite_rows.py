"""A SQLite file with rows and objects of many kinds, and what it holds, for comparing."""

import sqlite3
from contextlib import closing
from pathlib import Path

DRIVERS = ("sqlite", "sqlite+aiosqlite")


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def dump(path: Path) -> list[str]:
    """Everything the database holds, as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def fill(path: Path, *, wal: bool = False) -> None:
    execute(
        path,
        f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}",
        "CREATE TABLE parents (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL)",
        "CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents ON DELETE CASCADE)",
        "CREATE VIEW named AS SELECT name FROM parents",
        "CREATE TRIGGER bred AFTER INSERT ON parents BEGIN INSERT INTO children (parent) VALUES (new.id); END",
        "INSERT INTO parents (name) VALUES ('Ada'), ('Grace')",
    )
