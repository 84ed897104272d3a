"""Enums: their members, their types, and the columns that have them."""

from changes.change import ALL, POSTGRESQL, SERVERS_ONLY, Change, table

ROWS = ("INSERT INTO t (id, n, word, kind) VALUES (1, 5, 'one', 'new'), (2, 8, 'two', 'done')",)
KINDS = "SELECT id, word, kind FROM t ORDER BY id"
KEPT = {KINDS: [(1, "one", "new"), (2, "two", "done")]}


def kinds(*members: str, name: str = "kind", more: str = "") -> str:
    return table(f"Column('kind', Enum({', '.join(map(repr, members))}, name={name!r}{more}))")


CHANGES = (
    Change(
        *("member added to an enum", kinds("new", "done"), kinds("new", "sent", "done"), "sent"),
        rows=ROWS,
        there=KEPT,
        servers=SERVERS_ONLY,
        weighty=True,
    ),
    Change(
        *("member removed from an enum", kinds("new", "odd", "done"), kinds("new", "done"), "odd"),
        rows=ROWS,
        there=KEPT,
        servers=SERVERS_ONLY,
        weighty=True,
        flags=("--drop", "kind.odd"),
    ),
    Change(
        *("member of an enum renamed", kinds("new", "done"), kinds("new", "over"), "over"),
        rows=ROWS,
        there={KINDS: [(1, "one", "new"), (2, "two", "over")]},
        flags=("--rename-value", "t.kind.done:over"),
        weighty=True,
    ),
    Change("column of an enum added", table(), kinds("new", "done"), "add column t.kind"),
    Change(
        *("column of an enum dropped", kinds("new", "done"), table(), "drop column t.kind"),
        rows=ROWS,
        flags=("--drop", "t.kind"),
        back={KINDS: [(1, "one", None), (2, "two", None)]},
    ),
    Change(
        "text made an enum",
        table("Column('kind', String(9))"),
        kinds("new", "done"),
        "alter column t.kind: type",
        rows=ROWS,
        there=KEPT,
    ),
    Change(
        "enum made a text",
        kinds("new", "done"),
        table("Column('kind', String(9))"),
        "alter column t.kind: type",
        rows=ROWS,
        there=KEPT,
    ),
    Change(
        "type of an enum renamed",
        kinds("new", "done"),
        kinds("new", "done", name="state"),
        "state",
        rows=ROWS,
        there=KEPT,
        servers=POSTGRESQL,
    ),
    Change(
        "member added to an enum that is a CHECK",
        kinds("new", "done", more=", native_enum=False, create_constraint=True"),
        kinds("new", "done", "sent", more=", native_enum=False, create_constraint=True"),
        "kind",
        rows=ROWS,
        there=KEPT,
        servers=ALL,
    ),
    Change(
        "member added to an enum of which a column has lists",
        table("Column('kinds', ARRAY(Enum('new', 'done', name='kind')))"),
        table("Column('kinds', ARRAY(Enum('new', 'done', 'sent', name='kind')))"),
        "sent",
        rows=("INSERT INTO t (id, kinds) VALUES (1, '{new,done}')",),
        there={"SELECT id, kinds::text FROM t": [(1, "{new,done}")]},
        servers=POSTGRESQL,
    ),
)
