"""Random SQLite tables with every feature that a definition can have, and random operations on them."""

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

NAMES = ["id", "Name", "order", "a b", 'q"q', "ünï", "select", "x'y", "v1", "-- no", "(p)", "rowid", "t", "key", "a,b"]
TYPES = ["INTEGER", "TEXT", "VARCHAR(20)", "NUMERIC(10, 2)", "REAL", "BLOB", "", "DATETIME", "double precision", "int"]
STRICT_TYPES = ["INTEGER", "TEXT", "REAL", "BLOB", "ANY", "INT"]
CONFLICTS = ["", "", "", " ON CONFLICT REPLACE", " ON CONFLICT IGNORE", " on conflict Fail"]
SPACES = [" ", "  ", "\n\t", " /* a, (b */ ", " -- it's\n "]
DEFERRED = ["", " DEFERRABLE INITIALLY DEFERRED", " NOT DEFERRABLE"]
VALUES = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6),
    st.binary(max_size=4),
    st.sampled_from(["1", "01", "1.0", "abc", "2024-01-01"]),
)


@dataclass
class RandomColumn:
    name: str
    text: str  # as it is written in the definition
    type_: str
    is_generated: bool = False
    is_key: bool = False
    is_referring: bool = False
    needs: frozenset[str] = frozenset()  # columns that its own text names


@dataclass
class RandomTable:
    """A table, what hangs on it, and its rows. `pieces`: the texts of its columns and constraints."""

    columns: list[RandomColumn]
    pieces: list[str]
    sql: str
    others: list[str]
    inserts: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    has_rowid: bool = True

    def __repr__(self) -> str:
        return "\n".join([self.sql, *self.others, *map(str, self.inserts)])


def quoted(draw: Any, name: str) -> str:
    """The name in one of SQLite's quotings."""
    styles = ['"' + name.replace('"', '""') + '"', "`" + name + "`"]
    if "]" not in name:
        styles.append(f"[{name}]")
    if name.isascii() and name.isalnum() and name.lower() not in ("order", "select"):
        styles += [name, name]
    return draw(st.sampled_from(styles))


@st.composite
def random_tables(draw: Any) -> RandomTable:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=6, unique_by=str.lower))
    is_strict = draw(st.integers(0, 4)) == 0
    key_kind = draw(st.sampled_from(["none", "rowid", "rowid", "autoincrement", "inline", "composite", "without"]))
    columns: list[RandomColumn] = []
    for place, name in enumerate(names):
        columns.append(draw(random_column(name, place, names, key_kind, is_strict)))
    if not any(not column.is_generated for column in columns):
        columns[0] = RandomColumn(names[0], quoted(draw, names[0]) + " INTEGER", "INTEGER")
    plain = [column.name for column in columns if not column.is_generated]
    constraints = []
    if key_kind in ("composite", "without"):
        key = draw(st.lists(st.sampled_from(plain), min_size=1, max_size=2, unique=True))
        parts = ", ".join(quoted(draw, name) + draw(st.sampled_from(["", " DESC", " COLLATE NOCASE"])) for name in key)
        constraints.append(f"{named(draw, 'pk_t')}PRIMARY KEY ({parts}){draw(st.sampled_from(CONFLICTS))}")
        for column in columns:
            column.is_key = column.is_key or column.name in key
    for number in range(draw(st.integers(0, 2))):
        constraints.append(draw(random_constraint(number, plain)))
    separator = draw(st.sampled_from([",", ", ", ",\n\t", " , ", ",\n  -- a comment, with (brackets\n  "]))
    pieces = [column.text for column in columns] + constraints
    options = [word for word, is_on in (("WITHOUT ROWID", key_kind == "without"), ("STRICT", is_strict)) if is_on]
    body = separator.join(pieces)
    end = draw(st.sampled_from(["", "\n", " /* end */ "]))
    sql = f"CREATE TABLE {quoted(draw, 'tab')} ({body}{end}) {', '.join(options)}"
    others = draw(random_others(columns))
    table = RandomTable(columns, pieces, sql, others, has_rowid=key_kind != "without")
    table.inserts = draw(random_rows(columns, key_kind))
    return table


def named(draw: Any, name: str) -> str:
    return draw(st.sampled_from(["", f"CONSTRAINT {name} ", f'constraint "{name}" ']))


@st.composite
def random_column(draw: Any, name: str, place: int, names: list[str], key_kind: str, is_strict: bool) -> RandomColumn:
    space = draw(st.sampled_from(SPACES))
    own = quoted(draw, name)
    if place == 0 and key_kind in ("rowid", "autoincrement"):
        auto = " AUTOINCREMENT" if key_kind == "autoincrement" else ""
        return RandomColumn(name, f"{own}{space}INTEGER{space}PRIMARY KEY{auto}", "INTEGER", is_key=True)
    type_ = draw(st.sampled_from(STRICT_TYPES if is_strict else TYPES))
    if place == 0 and key_kind == "inline":
        return RandomColumn(name, f"{own} {type_} PRIMARY KEY{draw(st.sampled_from(CONFLICTS))}", type_, is_key=True)
    if place > 1 and draw(st.integers(0, 4)) == 0:
        source = draw(st.sampled_from(names[:1]))
        kind = draw(st.sampled_from(["", " STORED", " VIRTUAL"]))
        words = draw(st.sampled_from(["GENERATED ALWAYS AS", "AS"]))
        type_ = type_ or ("" if not is_strict else "ANY")
        text = f"{own} {type_} {words} (typeof({quoted(draw, source)}) || ',)x'){kind}"
        if is_strict:
            text = f"{own} TEXT {words} (typeof({quoted(draw, source)}) || ',)x'){kind}"
        return RandomColumn(name, text, type_, is_generated=True, needs=frozenset({source}))
    parts = []
    if draw(st.integers(0, 3)) == 0:
        parts.append("NOT NULL" + draw(st.sampled_from(CONFLICTS)))
        if draw(st.booleans()):
            parts.append("DEFAULT 1" if not is_strict or type_ in ("INTEGER", "INT", "REAL", "ANY") else "UNIQUE")
    elif draw(st.booleans()) and not is_strict:
        default = st.sampled_from(["NULL", "-5", "'a,b)'", "(1 + (2))", "CURRENT_TIMESTAMP", "x'00ff'", "TRUE"])
        parts.append("DEFAULT " + draw(default))
    if draw(st.integers(0, 3)) == 0:
        parts.append("COLLATE " + draw(st.sampled_from(["NOCASE", '"rtrim"', "BINARY"])))
    if draw(st.integers(0, 3)) == 0:
        check = f"CHECK (typeof({own}) <> 'none, (' AND {own} IS NOT 'never')"
        parts.append(named(draw, f"ck_{place}") + check)
    if draw(st.integers(0, 5)) == 0:
        parts.append("UNIQUE" + draw(st.sampled_from(CONFLICTS)))
    is_referring = draw(st.integers(0, 4)) == 0
    if is_referring:
        action = draw(st.sampled_from(["", " ON DELETE CASCADE", " ON UPDATE SET NULL ON DELETE NO ACTION"]))
        parts.append(f"REFERENCES parent(id){action}{draw(st.sampled_from(DEFERRED))}")
    draw(st.randoms(use_true_random=False)).shuffle(parts)
    text = space.join([own, *([type_] if type_ else []), *parts])
    return RandomColumn(name, text, type_, is_referring=is_referring)


@st.composite
def random_constraint(draw: Any, number: int, plain: list[str]) -> str:
    kind = draw(st.sampled_from(["unique", "check", "self"]))
    some = draw(st.lists(st.sampled_from(plain), min_size=1, max_size=2, unique=True))
    listed = [quoted(draw, name) for name in some]
    name = named(draw, f"c{number}")
    if kind == "unique":
        return f"{name}UNIQUE ({', '.join(listed)}){draw(st.sampled_from(CONFLICTS))}"
    if kind == "check":
        return f"{name}CHECK ({' IS NOT 77 AND '.join(listed)} IS NOT ')x(,')"
    return f"{name}FOREIGN KEY ({listed[0]}) REFERENCES parent (id){draw(st.sampled_from(DEFERRED))}"


@st.composite
def random_others(draw: Any, columns: list[RandomColumn]) -> list[str]:
    names = [column.name for column in columns]
    some = st.sampled_from(names)
    wanted = [
        f"CREATE INDEX i_desc ON tab ({quoted(draw, draw(some))} DESC, {quoted(draw, draw(some))} COLLATE NOCASE)",
        f"CREATE INDEX i_part ON tab({quoted(draw, draw(some))}) WHERE {quoted(draw, draw(some))} IS NOT NULL",
        f"CREATE INDEX i_expr on tab (lower({quoted(draw, draw(some))}), length({quoted(draw, draw(some))}))",
        f"CREATE VIEW v_one AS SELECT {quoted(draw, draw(some))} AS one FROM tab",
        "CREATE VIEW v_all AS SELECT * FROM tab -- all",
        "CREATE VIEW v_broken AS SELECT * FROM nowhere",
        f"CREATE TRIGGER tr_own AFTER UPDATE OF {quoted(draw, draw(some))} ON tab BEGIN "
        f"INSERT INTO log VALUES (new.{quoted(draw, draw(some))}); END",
        "CREATE TRIGGER tr_other AFTER INSERT ON log BEGIN "
        f"UPDATE tab SET {quoted(draw, plain(columns))} = 1 WHERE 0; END",
        "CREATE TEMP TRIGGER tr_temp AFTER DELETE ON tab BEGIN SELECT 1; END",
        "CREATE TABLE child (id INTEGER PRIMARY KEY, tab_key REFERENCES tab ON DELETE CASCADE)",
    ]
    return [each for each in wanted if draw(st.booleans())]


def plain(columns: list[RandomColumn]) -> str:
    return next(column.name for column in columns if not column.is_generated)


@st.composite
def random_rows(draw: Any, columns: list[RandomColumn], key_kind: str) -> list[tuple[str, tuple[Any, ...]]]:
    filled = [column for column in columns if not column.is_generated]
    names = ", ".join('"' + column.name.replace('"', '""') + '"' for column in filled)
    marks = ", ".join("?" for _ in filled)
    rows = []
    for _ in range(draw(st.integers(0, 5))):
        values = tuple(
            draw(st.sampled_from([None, 1, 2])) if column.is_referring else draw(VALUES) for column in filled
        )
        rows.append((f"INSERT OR IGNORE INTO tab ({names}) VALUES ({marks})", values))
    return rows


# ---- operations: (what is done, the columns that it names, what it does to a batch)


@dataclass
class RandomOperation:
    words: str
    touched: set[str]
    run: Any
    renamed: dict[str, str] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)

    def __repr__(self) -> str:
        return self.words


@st.composite
def random_operations(draw: Any, table: RandomTable) -> list[RandomOperation]:
    count = draw(st.integers(1, 3))
    return [draw(random_operation(table, number)) for number in range(count)]


@st.composite
def random_operation(draw: Any, table: RandomTable, number: int) -> RandomOperation:
    name = draw(st.sampled_from([column.name for column in table.columns]))
    kind = draw(
        st.sampled_from(
            ["add", "add", "drop", "rename", "nullable", "not null", "default", "type", "unique", "check"]
            + ["foreign key", "index", "drop index"]
        )
    )
    if kind == "add":
        default = draw(st.sampled_from([None, sa.text("5"), "it's", sa.text("CURRENT_TIMESTAMP"), sa.text("(1 + 1)")]))
        nullable = draw(st.booleans())
        type_ = sa.TEXT() if isinstance(default, str) else sa.INTEGER()
        where = draw(st.sampled_from([{}, {"insert_after": name}, {"insert_before": name}]))
        return RandomOperation(
            f"add new{number} {default!r} {nullable} {where}",
            set(),
            lambda batch: batch.add_column(
                sa.Column(f"new {number}", type_, server_default=default, nullable=nullable), **where
            ),
        )
    if kind == "drop":
        return RandomOperation(f"drop {name}", {name}, lambda batch: batch.drop_column(name), dropped={name})
    if kind == "rename":
        new = draw(st.sampled_from(["other", "new name", 'qu"ote', "Group", "ça"])) + str(number)
        return RandomOperation(
            f"rename {name} to {new}", {name}, lambda batch: batch.alter_column(name, new_column_name=new), {name: new}
        )
    if kind in ("nullable", "not null"):
        return RandomOperation(
            f"{kind} {name}", {name}, lambda batch: batch.alter_column(name, nullable=kind == "nullable")
        )
    if kind == "default":
        value = draw(st.sampled_from([None, "x", sa.text("7"), sa.text("(random())")]))
        return RandomOperation(
            f"default {name} {value!r}", {name}, lambda batch: batch.alter_column(name, server_default=value)
        )
    if kind == "type":
        type_ = draw(st.sampled_from([sa.Integer(), sa.Text(), sa.String(3), sa.Numeric(8, 1), sa.Date(), sa.REAL()]))
        return RandomOperation(f"type {name} {type_!r}", {name}, lambda batch: batch.alter_column(name, type_=type_))
    if kind == "unique":
        return RandomOperation(
            f"unique {name}",
            set(),
            lambda batch: batch.create_unique_constraint(f"uq {number}", [name]),
        )
    if kind == "check":
        expression = '"' + name.replace('"', '""') + '" IS NOT 3'
        return RandomOperation(
            f"check {name}",
            set(),
            lambda batch: batch.create_check_constraint(f"ck_new{number}", sa.text(expression)),
        )
    if kind == "foreign key":
        return RandomOperation(
            f"foreign key {name}",
            set(),
            lambda batch: batch.create_foreign_key(f"fk_new{number}", "parent", [name], ["id"]),
        )
    if kind == "index":
        unique = draw(st.booleans())
        return RandomOperation(
            f"index {name}", set(), lambda batch: batch.create_index(f"ix new{number}", [name], unique=unique)
        )
    return RandomOperation("drop index", set(), lambda batch: batch.drop_index("i_desc"))
