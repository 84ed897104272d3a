"""For tests that import projects' modules in this process: each finds the process as if it had imported none.

This repository's own `models` is loaded by the application's tests, and two modules of one name cannot be.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import SQLModel

# the names that the tests give to modules of theirs; this repository's own `models` may be loaded, too
NAMES = ("models", "app", "shop", "blog", "src", "shared")


REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def nothing_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m pytest` puts this repository, with its own models.py, on the path; and no bytecode is to be seen."""
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if Path(entry or ".").resolve() != REPOSITORY])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


@pytest.fixture
def fresh_imports(nothing_in_the_way: None) -> Iterator[None]:
    """No module of a project's, and no table in `SQLModel.metadata`; afterwards all are there again."""
    metadata, classes = SQLModel.metadata, SQLModel._sa_registry._class_registry
    modules, tables, known = _taken_out(), list(metadata.tables.values()), dict(classes)
    _empty(metadata, classes)
    yield
    _taken_out()
    sys.modules.update(modules)
    _empty(metadata, classes)
    classes.update(known)
    for table in tables:
        metadata._add_table(table.name, table.schema, table)


def _taken_out():
    names = [name for name in sys.modules if name.split(".")[0] in NAMES]
    return {name: sys.modules.pop(name) for name in names}


def _empty(metadata, classes) -> None:
    metadata.clear()
    classes.clear()
