"""Generated columns, and identities."""

from changes.change import KEPT, POSTGRESQL, Change, table

COMPUTED = "Column('x', Integer, Computed({!r}, persisted=True))"
DOUBLED = {**KEPT, "SELECT x FROM t ORDER BY id": [(10,), (16,)]}
TRIPLED = {**KEPT, "SELECT x FROM t ORDER BY id": [(15,), (24,)]}


def computed(expression: str, type: str = "Integer") -> str:
    return table(COMPUTED.format(expression).replace("Integer", type))


CHANGES = (
    Change("generated column added", table(), computed("n * 2"), "add column t.x", there=DOUBLED),
    Change(
        "generated column computed otherwise", computed("n * 2"), computed("n * 3"), "t.x", there=TRIPLED, weighty=True
    ),
    Change(
        "generated column of a decimal type computed otherwise",
        computed("n * 2", "Numeric(7, 2)"),
        computed("n * 3", "Numeric(7, 2)"),
        "t.x",
        there=TRIPLED,
    ),
    Change(
        "table with a generated column of a decimal type dropped",
        table(name="u") + computed("(n + 0) * 2", "Numeric(7, 2)"),
        table(name="u"),
        "drop table t",
        flags=("--drop", "t"),
        there={"SELECT count(*) FROM u": [(0,)]},
        back={"SELECT count(*) FROM t": [(0,)]},
    ),
    Change("generated column removed", computed("n * 2"), table(), "drop column t.x", flags=("--drop", "t.x")),
    Change("generated column made plain", computed("n * 2"), table("Column('x', Integer)"), "t.x", there=DOUBLED),
    Change(
        "plain column made a generated one",
        table("Column('x', Integer)"),
        computed("n * 2"),
        "t.x",
        flags=("--drop", "t.x"),
        there=DOUBLED,
    ),
    Change(
        "identity added",
        table(id="Integer, primary_key=True, autoincrement=False"),
        table(id="Integer, Identity(), primary_key=True"),
        "t.id",
        servers=POSTGRESQL,
        weighty=True,
    ),
    Change(
        "identity changed",
        table(id="Integer, Identity(), primary_key=True"),
        table(id="Integer, Identity(increment=5), primary_key=True"),
        "t.id",
        servers=POSTGRESQL,
    ),
    Change(
        "identity removed",
        table(id="Integer, Identity(), primary_key=True"),
        table(id="Integer, primary_key=True, autoincrement=False"),
        "t.id",
        servers=POSTGRESQL,
    ),
)
