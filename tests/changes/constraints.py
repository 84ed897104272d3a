"""CHECK, UNIQUE and EXCLUDE constraints."""

from changes.change import ALL, POSTGRESQL, Change, table


def check(condition: str, more: str = ", name='ck_n'") -> str:
    return table(f"CheckConstraint({condition!r}{more})")


def unique(columns: str, more: str = ", name='uq_t'") -> str:
    return table(f"UniqueConstraint({columns}{more})")


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
)
