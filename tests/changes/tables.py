"""Tables that come, go and get another name."""

from changes.change import KEPT, SQLITE, Change, table

CHILD = "Table('child', metadata, Column('id', Integer, primary_key=True), Column('t_id', ForeignKey({!r})))\n"
RENAMED = {"SELECT id, n, word FROM things ORDER BY id": [(1, 5, "one"), (2, 8, "two")]}
# a row of each needs one of the other
RING = table(n="Integer, ForeignKey('u.id', name='fk_t_u')") + table(
    name="u", n="Integer, ForeignKey('t.id', name='fk_u_t')"
)

CHANGES = (
    Change("table added", table(), table() + table(name="u"), "create table u (3 columns)"),
    Change(
        "table added that refers to another",
        table(),
        table() + CHILD.format("t.id"),
        "create table child (2 columns)",
    ),
    Change(
        "tables added that refer to each other",
        table(name="other"),
        table(name="other") + RING,
        "create table u",
        rows=("INSERT INTO other (id, n) VALUES (1, 5)",),
        there={"SELECT id, n FROM other": [(1, 5)]},
    ),
    Change(
        "table dropped",
        table() + table(name="u"),
        table(),
        "drop table u",
        rows=("INSERT INTO t (id, n, word) VALUES (1, 5, 'one'), (2, 8, 'two')", "INSERT INTO u (id) VALUES (1)"),
        flags=("--drop", "u"),
        there=KEPT,
        back={**KEPT, "SELECT count(*) FROM u": [(0,)]},
    ),
    Change(
        "table renamed",
        table("Index('ix_n', 'n')"),
        table("Index('ix_n', 'n')", name="things"),
        "rename table t to things",
        flags=("--rename", "t:things"),
        there=RENAMED,
        weighty=True,
    ),
    Change(
        "table renamed that another refers to",
        table() + CHILD.format("t.id"),
        table(name="things") + CHILD.format("things.id"),
        "rename table t to things",
        rows=(
            "INSERT INTO t (id, n, word) VALUES (1, 5, 'one'), (2, 8, 'two')",
            "INSERT INTO child (id, t_id) VALUES (3, 2)",
        ),
        flags=("--rename", "t:things"),
        there={**RENAMED, "SELECT id, t_id FROM child": [(3, 2)]},
    ),
    Change(
        "table and column renamed at once",
        table(),
        table("Column('m', Integer)", name="things", n=""),
        "rename table t to things",
        flags=("--rename", "t:things", "--rename", "t.n:m"),
        there={"SELECT id, m, word FROM things ORDER BY id": [(1, 5, "one"), (2, 8, "two")]},
    ),
    Change(
        "table added whose name has to be quoted",
        table(),
        table() + table(name="Order details"),
        "create table Order details",
    ),
    Change(
        "table made AUTOINCREMENT",
        table(),
        table("sqlite_autoincrement=True"),
        "make table t anew: sqlite_autoincrement on",
        servers=SQLITE,
        weighty=True,
    ),
    Change(
        "table made AUTOINCREMENT no more",
        table("sqlite_autoincrement=True"),
        table(),
        "make table t anew: sqlite_autoincrement off",
        servers=SQLITE,
    ),
    Change(
        "table made STRICT",
        table(word="Text"),
        table("sqlite_strict=True", word="Text"),
        "make table t anew: sqlite_strict on",
        servers=SQLITE,
    ),
    Change(
        "table made STRICT no more, with a column more",
        table("sqlite_strict=True", word="Text"),
        table("Column('x', Integer)", word="Text"),
        "make table t anew: sqlite_strict off",
        servers=SQLITE,
    ),
)
