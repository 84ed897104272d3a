"""Two to five changes of the models at once: drawn so that the models stay right, with the rows that come of them."""

import copy
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from changes.change import Change

Rows = list[dict[str, Any]]
INT, TEXT = "int", "text"
TYPES = {INT: ("Integer", "BigInteger"), TEXT: ("String(50)", "String(80)")}


@dataclass
class Col:
    type: str
    kind: str
    nullable: bool = True
    default: str | None = None
    old: str | None = None  # its name before; None where it is new

    @property
    def code(self) -> str:
        more = "" if self.nullable else ", nullable=False"
        more += f", server_default={self.default!r}" if self.default is not None else ""
        return self.type + more


@dataclass
class Tab:
    columns: dict[str, Col]
    parts: dict[str, tuple[str, str]] = field(default_factory=dict)  # name -> kind and column
    old: str | None = None

    def free(self, name: str) -> bool:
        """Does no constraint and no index hold the column?"""
        return all(column != name for _kind, column in self.parts.values())


PARTS = {
    "check": "CheckConstraint('{column} > 0', name={name!r})",
    "unique": "UniqueConstraint({column!r}, name={name!r})",
    "index": "Index({name!r}, {column!r})",
    "key": "ForeignKeyConstraint([{column!r}], ['{parent}.id'], name={name!r})",
}


def first_tables() -> dict[str, Tab]:
    """The tables that every combination begins with."""
    return {
        "shops": Tab(
            {
                "word": Col("String(50)", TEXT, old="word"),
                "n": Col("Integer", INT, nullable=False, old="n"),
                "code": Col("String(50)", TEXT, old="code"),
            },
            {"ck_shops_n": ("check", "n")},
            old="shops",
        ),
        "goods": Tab(
            {
                "shop_id": Col("Integer", INT, old="shop_id"),
                "title": Col("String(50)", TEXT, nullable=False, old="title"),
                "price": Col("Integer", INT, default="3", old="price"),
            },
            {"ix_goods_title": ("index", "title")},
            old="goods",
        ),
    }


FIRST_ROWS: dict[str, Rows] = {
    "shops": [
        {"id": 1, "word": "one", "n": 5, "code": "7"},
        {"id": 2, "word": "it's 100% :two", "n": 8, "code": None},
    ],
    "goods": [
        {"id": 1, "shop_id": 1, "title": "tea", "price": 3},
        {"id": 2, "shop_id": 2, "title": "rice", "price": None},
        {"id": 3, "shop_id": None, "title": "salt", "price": 9},
    ],
}


class Combination:
    """Changes made so far.

    Attributes:
        flags: what a person answers to `create`.
        rows: what the tables hold after the upgrade; `back`, after the downgrade.
        told: the changes, in words.
    """

    def __init__(self) -> None:
        self.tables = first_tables()
        self.rows: dict[str, Rows] = copy.deepcopy(FIRST_ROWS)
        self.back: dict[str, Rows] = copy.deepcopy(FIRST_ROWS)
        self.flags: list[str] = []
        self.told: list[str] = []
        self.number = 0

    def fresh(self, stem: str) -> str:
        self.number += 1
        return f"{stem}_{self.number}"

    def code(self) -> str:
        """The models, as code; tables that are referred to come by their names, so that their order is free."""
        lines = []
        for name, table in self.tables.items():
            columns = [f"Column({each!r}, {column.code})" for each, column in table.columns.items()]
            parts = [
                PARTS[kind].format(column=column, name=part, parent=self.parent())
                for part, (kind, column) in table.parts.items()
            ]
            everything = ", ".join(["Column('id', Integer, primary_key=True)", *columns, *parts])
            lines.append(f"Table({name!r}, metadata, {everything})\n")
        return "".join(lines)

    def parent(self) -> str:
        return next(name for name, table in self.tables.items() if table.old == "shops")

    def old_column(self, table: str, column: str) -> str:
        return f"{self.tables[table].old}.{self.tables[table].columns[column].old}"


Pick = Callable[[Sequence[Any]], Any]  # chooses one of them


def add_column(combination: Combination, pick: Pick) -> None:
    table = pick(sorted(combination.tables))
    kind = pick([INT, TEXT])
    how = pick(["nullable", "filled", "server default"])
    name = combination.fresh("new")
    value: Any = 4 if kind == INT else "it's 5%"
    combination.tables[table].columns[name] = Col(
        TYPES[kind][0], kind, how == "nullable", str(value) if how == "server default" else None
    )
    if how == "filled" and combination.tables[table].old is not None:
        combination.flags += ["--default", f"{table}.{name}={value}"]
    for row in combination.rows.get(table, ()):
        row[name] = None if how == "nullable" else value
    combination.told.append(f"add {table}.{name}, {how}")


def drop_column(combination: Combination, pick: Pick) -> None:
    def fits(table: Tab, name: str, column: Col) -> bool:
        return table.free(name) and name == column.old and column == before_of(table, column)

    found = columns(combination, fits)
    if not found:
        return
    table, name = pick(found)
    old_table, old = str(combination.tables[table].old), str(combination.tables[table].columns[name].old)
    column = combination.tables[table].columns.pop(name)
    combination.flags += ["--drop", f"{old_table}.{old}"]
    before = first_tables()[old_table].columns[old]
    lost = None
    if not before.nullable:
        lost = 1 if before.kind == INT else "lost"
        combination.flags += ["--down-default", f"{old_table}.{old}={lost}"]
    elif before.default is not None:
        lost = int(before.default)  # as the server fills it
    for row in combination.rows[table]:
        del row[name]
    for row in combination.back[old_table]:
        row[old] = lost
    combination.told.append(f"drop {table}.{name} ({column.kind})")


def rename_column(combination: Combination, pick: Pick) -> None:
    found = columns(combination, lambda _table, name, column: column.old == name)
    if not found:
        return
    table, name = pick(found)
    new = combination.fresh("renamed")
    entry = combination.tables[table]
    combination.flags += ["--rename", f"{entry.old}.{name}:{new}"]
    entry.columns = {new if each == name else each: column for each, column in entry.columns.items()}
    entry.parts = {part: (kind, new if column == name else column) for part, (kind, column) in entry.parts.items()}
    combination.flags[:] = [
        flag.replace(f"{table}.{name}=", f"{table}.{new}=") if before == "--default" else flag
        for before, flag in zip(["", *combination.flags], combination.flags, strict=False)
    ]
    for row in combination.rows[table]:
        row[new] = row.pop(name)
    combination.told.append(f"rename {table}.{name} to {new}")


def rename_table(combination: Combination, pick: Pick) -> None:
    found = sorted(name for name, table in combination.tables.items() if table.old == name)
    if not found:
        return
    old = pick(found)
    new = combination.fresh("tables")
    combination.tables = {new if name == old else name: table for name, table in combination.tables.items()}
    combination.rows[new] = combination.rows.pop(old)
    combination.flags += ["--rename", f"{old}:{new}"]
    combination.flags[:] = [
        flag.replace(f"{old}.", f"{new}.", 1) if before == "--default" and flag.startswith(f"{old}.") else flag
        for before, flag in zip(["", *combination.flags], combination.flags, strict=False)
    ]
    combination.told.append(f"rename {old} to {new}")


def widen(combination: Combination, pick: Pick) -> None:
    found = columns(
        combination, lambda _table, _name, column: column.type == TYPES[column.kind][0] and bool(column.old)
    )
    found = [(table, name) for table, name in found if not name.startswith("shop_id")]
    if not found:
        return
    table, name = pick(found)
    column = combination.tables[table].columns[name]
    column.type = TYPES[column.kind][1]
    combination.told.append(f"widen {table}.{name} to {column.type}")


def number_to_text(combination: Combination, pick: Pick) -> None:
    """An integer column becomes text: where nothing holds it, since a CHECK or a key would not be right any more."""

    def fits(table: Tab, name: str, column: Col) -> bool:
        return column.old == "price" and column.kind == INT and table.free(name) and column.default is None

    found = columns(combination, fits)
    if not found:
        return
    table, name = pick(found)
    column = combination.tables[table].columns[name]
    column.type, column.kind = TYPES[TEXT][0], TEXT
    for row in combination.rows[table]:
        row[name] = None if row[name] is None else str(row[name])
    combination.told.append(f"{table}.{name} becomes text")


def tighten(combination: Combination, pick: Pick) -> None:
    found = columns(combination, lambda _table, _name, column: column.nullable and bool(column.old))
    found = [(table, name) for table, name in found if combination.tables[table].columns[name].old != "shop_id"]
    if not found:
        return
    table, name = pick(found)
    entry, column = combination.tables[table], combination.tables[table].columns[name]
    column.nullable = False
    if any(row[name] is None for row in combination.rows[table]):
        combination.flags += ["--default", f"{table}.{name}=6"]
    filled: Any = "6" if column.kind == TEXT else 6
    for row in combination.rows[table]:
        row[name] = filled if row[name] is None else row[name]
    original: Any = "6" if first_tables()[str(entry.old)].columns[str(column.old)].kind == TEXT else 6
    for row in combination.back[str(entry.old)]:
        row[str(column.old)] = original if row[str(column.old)] is None else row[str(column.old)]
    combination.told.append(f"{table}.{name} takes no NULL")


def loosen(combination: Combination, pick: Pick) -> None:
    def fits(table: Tab, _name: str, column: Col) -> bool:
        before = before_of(table, column)
        return not column.nullable and before is not None and not before.nullable

    found = columns(combination, fits)
    if not found:
        return
    table, name = pick(found)
    combination.tables[table].columns[name].nullable = True
    combination.told.append(f"{table}.{name} takes NULL")


def change_default(combination: Combination, pick: Pick) -> None:
    found = columns(combination, lambda _table, _name, column: bool(column.old) and column.old != "shop_id")
    table, name = pick(found) if found else ("", "")
    if not found:
        return
    column = combination.tables[table].columns[name]
    wanted = pick([None, "9" if column.kind == INT else "it's :x"])
    column.default = wanted
    combination.told.append(f"default of {table}.{name} is {wanted}")


def add_part(combination: Combination, pick: Pick) -> None:
    kind = pick(["check", "unique", "index", "key"])

    def fits(table: Tab, name: str, column: Col) -> bool:
        if kind == "key":
            return column.old == "shop_id" and column.kind == INT and table.free(name)
        return bool(column.old) and (kind == "index" or (column.kind == INT and column.old != "shop_id"))

    found = [each for each in columns(combination, fits) if kind != "unique" or is_unique(combination, *each)]
    if not found:
        return
    table, name = pick(found)
    part = combination.fresh(kind)
    combination.tables[table].parts[part] = (kind, name)
    combination.told.append(f"{kind} on {table}.{name}")


def drop_part(combination: Combination, pick: Pick) -> None:
    found = sorted((name, part) for name, table in combination.tables.items() for part in table.parts)
    if not found:
        return
    table, part = pick(found)
    combination.told.append(f"drop {part} of {table}: {combination.tables[table].parts.pop(part)}")


def add_table(combination: Combination, _pick: Pick) -> None:
    name = combination.fresh("added")
    combination.tables[name] = Tab({"shop_id": Col("Integer", INT)}, {combination.fresh("key"): ("key", "shop_id")})
    combination.told.append(f"add table {name}")


def columns(combination: Combination, fits: Callable[[Tab, str, Col], bool]) -> list[tuple[str, str]]:
    return [
        (name, column)
        for name, table in sorted(combination.tables.items())
        for column in sorted(table.columns)
        if table.old is not None and fits(table, column, table.columns[column])
    ]


def before_of(table: Tab, column: Col) -> Col | None:
    """The column as it was at first; None for one that is new."""
    return first_tables()[table.old].columns[column.old] if table.old and column.old else None


def is_unique(combination: Combination, table: str, column: str) -> bool:
    """Would the rows allow it, also those after the downgrade and those that a tightened column is filled in?"""
    values = [row[column] for row in combination.rows[table] if row[column] is not None]
    return len(values) == len(set(values)) and 6 not in values


CHANGES = (
    *(add_column, drop_column, rename_column, rename_table, widen, number_to_text, tighten, loosen, change_default),
    *(add_part, drop_part, add_table),
)


@st.composite
def combinations(draw: st.DrawFn) -> Combination:
    """Two to five changes."""
    made = Combination()
    for change in draw(st.lists(st.sampled_from(CHANGES), min_size=2, max_size=7)):
        if len(made.told) < 5:
            change(made, lambda options: draw(st.sampled_from(options)))
    return made


def combination_of(seed: int) -> Combination:
    """Two to five changes, the same for the same seed."""
    made, chance = Combination(), random.Random(seed)
    number = chance.randint(2, 5)
    while len(made.told) < number:
        chance.choice(CHANGES)(made, chance.choice)
    return made


def as_change(combination: Combination, name: str) -> Change:
    """The combination as one change of the models, with the rows of before."""
    return Change(
        name,
        Combination().code(),
        combination.code(),
        "",
        rows=[_insert(table, row) for table, rows in FIRST_ROWS.items() for row in rows],
        there=_queries(combination.rows),
        back=_queries(combination.back),
        flags=combination.flags,
    )


def _insert(table: str, row: dict[str, Any]) -> str:
    values = ", ".join("NULL" if each is None else _literal(each) for each in row.values())
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})"


def _literal(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    return "'{}'".format(str(value).replace("'", "''").replace(":", "\\:"))


def _queries(tables: dict[str, Rows]) -> dict[str, list[tuple[object, ...]]]:
    return {
        f"SELECT {', '.join(rows[0])} FROM {table} ORDER BY id": [tuple(row.values()) for row in rows]
        for table, rows in tables.items()
    }
