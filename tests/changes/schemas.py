"""Tables in another schema, with `include_schemas=True`."""

from changes.change import POSTGRESQL, Change, table

IN_SHOP = "schema='shop'"
ROWS = ("INSERT INTO shop.t (id, n, word) VALUES (1, 5, 'one'), (2, 8, 'two')",)
KEPT = {"SELECT id, n, word FROM shop.t ORDER BY id": [(1, 5, "one"), (2, 8, "two")]}


def in_shop(name: str, before: str, after: str, says: str, **more: object) -> Change:
    settings: dict[str, object] = {"rows": ROWS, "there": KEPT, **more}
    return Change(
        *(name, before, after, says),
        servers=POSTGRESQL,
        before_all=("CREATE SCHEMA shop",),
        options="include_schemas=True",
        **settings,  # type: ignore[arg-type]
    )


CHANGES = (
    in_shop(
        *("table added in another schema", table(name="here"), table(name="here") + table(IN_SHOP)),
        "create table shop.t",
        rows=("INSERT INTO here (id, n) VALUES (1, 5)",),
        there={"SELECT count(*) FROM shop.t": [(0,)], "SELECT id, n FROM here": [(1, 5)]},
    ),
    in_shop(
        *("column added in another schema", table(IN_SHOP), table("Column('x', Integer)", IN_SHOP)),
        "add column shop.t.x",
    ),
    in_shop(
        "foreign key to a table in another schema added",
        table(IN_SHOP) + table(name="here"),
        table(IN_SHOP) + table(name="here", n="Integer, ForeignKey('shop.t.id')"),
        "add foreign key",
    ),
    in_shop(
        "column of an enum in another schema added",
        table(IN_SHOP),
        table("Column('kind', Enum('new', 'done', name='kind', schema='shop'))", IN_SHOP),
        "add column shop.t.kind",
    ),
    in_shop(
        "CHECK changed in another schema",
        table("CheckConstraint('n > 0', name='ck_n')", IN_SHOP),
        table("CheckConstraint('n > 1', name='ck_n')", IN_SHOP),
        "add check ck_n on shop.t",
    ),
)
