"""CHECK, UNIQUE and EXCLUDE constraints."""

from changes.change import ALL, POSTGRESQL, Change, table


def check(condition: str, more: str = ", name='ck_n'") -> str:
    return table(f"CheckConstraint({condition!r}{more})")


def unique(columns: str, more: str = ", name='uq_t'") -> str:
    return table(f"UniqueConstraint({columns}{more})")


def ranges(*more: str, name: str = "t") -> str:
    return table("Column('during', postgresql.INT4RANGE)", *more, name=name)


EXCLUDED = "postgresql.ExcludeConstraint(('during', '&&'), name='ex_t', using='gist')"
BOOKED = ("INSERT INTO t (id, n, word, during) VALUES (1, 5, 'one', '[1,3)'), (2, 8, 'two', '[3,7)')",)

CHANGES = (
    Change("CHECK added", table(), check("n > 0"), "add check ck_n on t", weighty=True),
    Change("CHECK changed", check("n > 0"), check("n > 1"), "add check ck_n on t", weighty=True),
    Change("CHECK removed", check("n > 0"), table(), "drop check ck_n on t", weighty=True),
    Change("CHECK without a name added", table(), check("n > 0", ""), "add check ck_t_n on t"),
    Change("CHECK without a name changed", check("n > 0", ""), check("n > 1", ""), "add check ck_t_n on t"),
    Change(
        "CHECK added on a column that is added",
        table(),
        table("Column('x', Integer)", "CheckConstraint('x > 0', name='ck_x')"),
        "add check ck_x on t",
    ),
    Change("UNIQUE added", table(), unique("'word'"), "add unique constraint uq_t on t (word)"),
    Change("UNIQUE removed", unique("'word'"), table(), "uq_t on t"),
    Change("UNIQUE of other columns", unique("'word'"), unique("'word', 'n'"), "add unique constraint uq_t on t"),
    Change("UNIQUE without a name added", table(), unique("'word'", ""), "add unique constraint", weighty=True),
    Change("UNIQUE without a name removed", unique("'word'", ""), table(), " uq_t_word on t", weighty=True),
    Change("UNIQUE renamed", unique("'n'"), unique("'n'", ", name='uq_other'"), "uq_other", servers=ALL),
    Change(
        "UNIQUE that takes NULL once only",
        unique("'n'"),
        unique("'n'", ", name='uq_t', postgresql_nulls_not_distinct=True"),
        "add unique constraint uq_t",
        servers=POSTGRESQL,
    ),
    Change(
        "UNIQUE made DEFERRABLE",
        unique("'n'"),
        unique("'n'", ", name='uq_t', deferrable=True, initially='DEFERRED'"),
        "add unique constraint uq_t on t (n)",
        servers=POSTGRESQL,
        weighty=True,
    ),
    Change(
        "UNIQUE deferred no more",
        unique("'n'", ", name='uq_t', deferrable=True, initially='DEFERRED'"),
        unique("'n'", ", name='uq_t', deferrable=True"),
        "add unique constraint uq_t on t (n)",
        servers=POSTGRESQL,
    ),
    Change(
        "DEFERRABLE UNIQUE removed",
        unique("'n'", ", deferrable=True"),
        table(),
        "drop unique constraint uq_t_n on t",
        servers=POSTGRESQL,
    ),
    Change(
        *("EXCLUDE added", ranges(), ranges(EXCLUDED), "add exclude constraint ex_t on t"),
        rows=BOOKED,
        servers=POSTGRESQL,
        weighty=True,
    ),
    Change(
        "EXCLUDE changed",
        ranges(EXCLUDED),
        ranges(EXCLUDED.replace("'gist'", "'gist', where=text('n > 5'), deferrable=True")),
        "add exclude constraint ex_t on t",
        rows=BOOKED,
        servers=POSTGRESQL,
    ),
    Change(
        *("EXCLUDE removed", ranges(EXCLUDED.replace("'gist'", "'gist', where=text('n > 5')")), ranges()),
        "drop exclude constraint ex_t on t",
        rows=BOOKED,
        servers=POSTGRESQL,
    ),
    Change(
        "table with an EXCLUDE and a DEFERRABLE UNIQUE dropped",
        table() + ranges(EXCLUDED, "UniqueConstraint('n', name='uq_u', deferrable=True)", name="u"),
        table(),
        "drop table u",
        flags=("--drop", "u"),
        servers=POSTGRESQL,
    ),
)
