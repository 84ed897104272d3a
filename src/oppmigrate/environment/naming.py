"""Names for constraints that the models leave unnamed.

A constraint without a name cannot be dropped later (SQLite, MariaDB) or is named by the server (PostgreSQL), so
that the downgrade has nothing to call it by. SQLAlchemy's `naming_convention` must be set before the first model
is defined, which a module that is imported cannot count on; so the names are given afterwards, to what has none.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import (
    CheckConstraint,
    Constraint,
    ForeignKeyConstraint,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.sql.elements import conv


def name_constraints(*metadata: MetaData) -> list[MetaData]:
    """Give every unnamed constraint of the tables a name, in place, and return the metadata for `target_metadata`.

    `pk_<table>`, `fk_<table>_<columns>_<table referred to>`, `uq_<table>_<columns>`, `ck_<table>_<columns used>`.
    A name that the models give, or that a `naming_convention` of theirs made, stays as it is. What would get the
    name of something else in its schema is numbered, in the order of the tables' names: for the indexes behind
    constraints PostgreSQL has one namespace, and MySQL has one for its foreign keys.
    """
    tables = [table for each in metadata for table in each.tables.values()]
    taken: dict[str | None, set[str]] = defaultdict(set)
    for table in tables:
        names = [*(each.name for each in _constraints(table)), *(each.name for each in table.indexes)]
        taken[table.schema] |= {str(name) for name in names if name is not None}
    for table in sorted(tables, key=lambda table: table.fullname):
        _name_table(table, taken[table.schema])
    return list(metadata)


def _constraints(table: Table) -> list[Constraint]:
    """The table's constraints, and those that its columns keep to themselves."""
    return [*table.constraints, *(constraint for column in table.columns for constraint in column.constraints)]


def _name_table(table: Table, taken: set[str]) -> None:
    unnamed = [constraint for constraint in _constraints(table) if constraint.name is None]
    for constraint in sorted(unnamed, key=_order):
        # an empty primary key stands for "no primary key"; an Enum's or Boolean's CHECK is named by its type
        if isinstance(constraint, PrimaryKeyConstraint) and not constraint.columns:
            continue
        if getattr(constraint, "_type_bound", False):
            continue
        name = _free(_base_name(table, constraint), taken)
        taken.add(name)
        # conv: the name is whole, and SQLAlchemy shortens it with a hash where the server's limit asks for it
        constraint.name = conv(name)


def _order(constraint: Constraint) -> tuple[str, ...]:
    """By what the constraint says: its place in SQLAlchemy's set is another one each time."""
    if isinstance(constraint, CheckConstraint):
        return type(constraint).__name__, str(constraint.sqltext)
    keys = constraint.elements if isinstance(constraint, ForeignKeyConstraint) else ()
    referred = [key.target_fullname for key in keys]
    return type(constraint).__name__, ",".join(_columns(constraint)), *referred


def _base_name(table: Table, constraint: Constraint) -> str:
    columns = "_".join(_columns(constraint))
    if isinstance(constraint, PrimaryKeyConstraint):
        return f"pk_{table.name}"
    if isinstance(constraint, ForeignKeyConstraint):
        # the target is read from the text: the table referred to need not be defined yet
        referred = constraint.elements[0].target_fullname.rsplit(".", 1)[0].rsplit(".", 1)[-1]
        return f"fk_{table.name}_{columns}_{referred}"
    if isinstance(constraint, UniqueConstraint):
        return f"uq_{table.name}_{columns}"
    if isinstance(constraint, CheckConstraint):
        used = _mentioned(str(constraint.sqltext), (column.name for column in table.columns))
        return "_".join((f"ck_{table.name}", *used))
    return "_".join(part for part in ("cn", table.name, columns) if part)


def _columns(constraint: Constraint) -> list[str]:
    if isinstance(constraint, ForeignKeyConstraint):
        return list(constraint.column_keys)
    columns: Iterable[object] = getattr(constraint, "columns", ())
    return [str(getattr(column, "name", column)) for column in columns]


def _mentioned(text: str, columns: Iterable[str]) -> list[str]:
    return [name for name in columns if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)]


def _free(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(numbered for n in range(2, len(taken) + 3) if (numbered := f"{name}_{n}") not in taken)
