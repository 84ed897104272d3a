"""Columns that come, go, get another name, and take NULL or not."""

from changes.change import ALL, KEPT, Change, table

PARTS = "CheckConstraint('{0} > 0', name='ck_n'), UniqueConstraint('{0}', name='uq_n'), Index('ix_n', '{0}', 'word')"

CHANGES = (
    Change("column added that takes NULL", table(), table("Column('x', Integer)"), "add column t.x (INTEGER)"),
    Change(
        "NOT NULL column added to a table with rows",
        table(),
        table("Column('x', Integer, nullable=False)"),
        "alter column t.x: nullable -> NOT NULL",
        flags=("--default", "t.x=7"),
        there={"SELECT id, n, word, x FROM t ORDER BY id": [(1, 5, "one", 7), (2, 8, "two", 7)]},
        weighty=True,
    ),
    Change(
        "NOT NULL column added that has a server default",
        table(),
        table("Column('x', Integer, nullable=False, server_default='7')"),
        "add column t.x (INTEGER, NOT NULL, default 7)",
        there={"SELECT id, n, word, x FROM t ORDER BY id": [(1, 5, "one", 7), (2, 8, "two", 7)]},
    ),
    Change(
        "NOT NULL column added that has a default in Python",
        table(),
        table("Column('x', Integer, nullable=False, default=7)"),
        "alter column t.x: nullable -> NOT NULL",
        there={"SELECT id, n, word, x FROM t ORDER BY id": [(1, 5, "one", 7), (2, 8, "two", 7)]},
    ),
    Change(
        "column dropped",
        table(),
        table(word=""),
        "drop column t.word",
        flags=("--drop", "t.word"),
        there={"SELECT * FROM t ORDER BY id": [(1, 5), (2, 8)]},
        back={"SELECT id, n, word FROM t ORDER BY id": [(1, 5, None), (2, 8, None)]},
    ),
    Change(
        "NOT NULL column dropped",
        table(word="String(50), nullable=False"),
        table(word=""),
        "drop column t.word",
        flags=("--drop", "t.word", "--down-default", "t.word=lost"),
        there={"SELECT * FROM t ORDER BY id": [(1, 5), (2, 8)]},
        back={"SELECT id, n, word FROM t ORDER BY id": [(1, 5, "lost"), (2, 8, "lost")]},
    ),
    Change(
        "column renamed",
        table(),
        table("Column('term', String(50))", word=""),
        "rename to term",
        flags=("--rename", "t.word:term"),
        there={"SELECT id, n, term FROM t ORDER BY id": [(1, 5, "one"), (2, 8, "two")]},
        weighty=True,
    ),
    Change(
        "column renamed that a CHECK, a UNIQUE and an index are on",
        table(PARTS.format("n")),
        table("Column('m', Integer)", PARTS.format("m"), n=""),
        "rename to m",
        flags=("--rename", "t.n:m"),
        there={"SELECT id, m, word FROM t ORDER BY id": [(1, 5, "one"), (2, 8, "two")]},
    ),
    Change(
        "column renamed and given another type",
        table(),
        table("Column('m', BigInteger)", n=""),
        "rename to m",
        flags=("--rename", "t.n:m"),
        there={"SELECT id, m, word FROM t ORDER BY id": [(1, 5, "one"), (2, 8, "two")]},
    ),
    Change(
        "column made NOT NULL",
        table(),
        table(n="Integer, nullable=False"),
        "alter column t.n: nullable -> NOT NULL",
    ),
    Change(
        "column made NOT NULL where rows hold NULL",
        table(),
        table(n="Integer, nullable=False"),
        "alter column t.n: nullable -> NOT NULL",
        rows=("INSERT INTO t (id, n, word) VALUES (1, 5, 'one'), (2, NULL, 'two')",),
        flags=("--default", "t.n=0"),
        there={"SELECT id, n, word FROM t ORDER BY id": [(1, 5, "one"), (2, 0, "two")]},
        back={"SELECT id, n, word FROM t ORDER BY id": [(1, 5, "one"), (2, 0, "two")]},
    ),
    Change(
        "column that takes NULL again",
        table(n="Integer, nullable=False"),
        table(),
        "alter column t.n: NOT NULL -> nullable",
        there=KEPT,
        servers=ALL,
    ),
)
