"""Indexes: all that a CREATE INDEX says."""

from changes.change import MYSQL, POSTGRESQL, SQLITE_AND_POSTGRESQL, Change, table


def index(*arguments: str, name: str = "ix_t") -> str:
    return table(f"Index({', '.join([repr(name), *arguments])})")


def where(condition: str) -> tuple[str, str]:
    return "'word'", f"sqlite_where=text({condition!r}), postgresql_where=text({condition!r})"


FLAG = "flag := Column('flag', Boolean)"
LOWER = "text('lower(word)')"
MADE = "create index ix_t on t"

CHANGES = (
    Change("index added", table(), index("'n'"), f"{MADE} (n)"),
    Change("index removed", index("'n'"), table(), "drop index ix_t on t"),
    Change("index of other columns", index("'n'"), index("'n'", "'word'"), f"{MADE} (n, word)"),
    Change("index made unique", index("'n'"), index("'n'", "unique=True"), "create unique index ix_t on t (n)"),
    Change("index renamed", index("'n'"), index("'n'", name="ix_other"), "ix_other"),
    Change("index in the other order", index("'n'"), index("desc('n')"), MADE),
    Change(
        *("index given a condition", index("'word'"), index(*where("n > 5")), MADE),
        servers=SQLITE_AND_POSTGRESQL,
        weighty=True,
    ),
    Change(
        *("index with another condition", index(*where("n > 5")), index(*where("n > 6")), MADE),
        servers=SQLITE_AND_POSTGRESQL,
        weighty=True,
    ),
    Change(
        *("index that loses its condition", index(*where("n > 5")), index("'word'"), MADE),
        servers=SQLITE_AND_POSTGRESQL,
    ),
    Change(
        "index whose condition is a column",
        table(FLAG),
        table(FLAG, "Index('ix_t', 'n', sqlite_where=flag, postgresql_where=flag)"),
        MADE,
        servers=SQLITE_AND_POSTGRESQL,
    ),
    Change(*("index on an expression added", table(), index(LOWER), MADE), servers=SQLITE_AND_POSTGRESQL, weighty=True),
    Change(
        *("index on another expression", index(LOWER), index("text('upper(word)')"), MADE),
        servers=SQLITE_AND_POSTGRESQL,
    ),
    Change(
        *("index on an expression removed", index(LOWER), table(), "drop index ix_t on t"),
        servers=SQLITE_AND_POSTGRESQL,
    ),
    Change(
        *("index by another method", index("'n'"), index("'n'", "postgresql_using='hash'"), MADE), servers=POSTGRESQL
    ),
    Change(
        *("index that includes a column", index("'n'"), index("'n'", "postgresql_include=['word']"), MADE),
        servers=POSTGRESQL,
    ),
    Change(
        "index of another operator class",
        index("'word'"),
        index("'word'", "postgresql_ops={'word': 'text_pattern_ops'}"),
        MADE,
        servers=POSTGRESQL,
    ),
    Change(
        *("index on a prefix", index("'word'"), index("'word'", "mysql_length=9", "mariadb_length=9"), MADE),
        servers=MYSQL,
    ),
)
