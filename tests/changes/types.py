"""Columns that get another type, with the values that they hold."""

from changes.change import MYSQL, NAMES, POSTGRESQL, SQLITE_AND_POSTGRESQL, Change, table


def retyped(name: str, before: str, after: str, says: str, value: str, then: object, **more: object) -> Change:
    """A column `x` of another type, in a row that holds this value, and a row of NULL."""
    return Change(
        name,
        table(f"Column('x', {before})"),
        table(f"Column('x', {after})"),
        f"alter column t.x: type {says}",
        rows=(f"INSERT INTO t (id, n, word, x) VALUES (1, 5, 'one', {value}), (2, 8, 'two', NULL)",),
        there={"SELECT id, word, x FROM t ORDER BY id": [(1, "one", then), (2, "two", None)]},
        **more,  # type: ignore[arg-type]
    )


COLLATIONS = {
    "sqlite": ("NOCASE", "RTRIM"),
    "postgresql": ("C", "POSIX"),
    "mysql": ("utf8mb4_bin", "utf8mb4_unicode_ci"),
}


def collated(server: str) -> tuple[Change, ...]:
    """Of `word`: servers have no collation in common."""
    one, other = (f"String(50, collation={name!r})" for name in COLLATIONS[server])
    on = f" ({NAMES[server]})"
    return (
        Change(f"collation added{on}", table(), table(word=one), "COLLATE", servers=(server,)),
        Change(
            f"collation changed{on}", table(word=one), table(word=other), "COLLATE", servers=(server,), weighty=True
        ),
        Change(f"collation removed{on}", table(word=other), table(), "COLLATE", servers=(server,)),
    )


HOLDING_JSON = ("INSERT INTO t (id, n, word, x) VALUES (1, 5, 'one', '[1]'), (2, 8, 'two', '[]')",)

CHANGES = (
    retyped(
        *("String given a length", "String", "String(50)", "VARCHAR -> VARCHAR(50)", "'a'", "a"),
        servers=SQLITE_AND_POSTGRESQL,
        weighty=True,
    ),
    retyped("String made longer", "String(9)", "String(99)", "VARCHAR(9) -> VARCHAR(99)", "'a'", "a"),
    retyped("String made shorter", "String(99)", "String(9)", "VARCHAR(99) -> VARCHAR(9)", "'a'", "a"),
    retyped("String made Text", "String(9)", "Text", "VARCHAR(9) -> TEXT", "'a'", "a"),
    retyped("Integer made BigInteger", "Integer", "BigInteger", "INTEGER -> BIGINT", "7", 7),
    retyped("SmallInteger made Integer", "SmallInteger", "Integer", "SMALLINT -> INTEGER", "7", 7),
    retyped("String made Integer", "String(9)", "Integer", "VARCHAR(9) -> INTEGER", "'7'", 7, weighty=True),
    retyped("Integer made String", "Integer", "String(9)", "INTEGER -> VARCHAR(9)", "7", "7"),
    retyped("String made Date", "String(10)", "Date", "VARCHAR(10) -> DATE", "'2024-02-29'", "2024-02-29"),
    retyped("Integer made Boolean", "Integer", "Boolean", "INTEGER -> BOOLEAN", "1", 1),
    retyped("Numeric given another scale", "Numeric(8, 2)", "Numeric(9, 3)", "", "7", 7),
    retyped("Float made Numeric", "Float", "Numeric(8, 2)", "", "7.5", 7.5),
    retyped(
        *("String made Integer by an expression of one's own", "String(9)", "Integer", "VARCHAR(9) -> INTEGER"),
        *("'four'", 4),
        flags=("--cast", "t.x=length(x)"),
        servers=SQLITE_AND_POSTGRESQL,
        back={"SELECT id, word, x FROM t ORDER BY id": [(1, "one", "4"), (2, "two", None)]},
    ),
    retyped(
        *("DateTime given a timezone", "DateTime", "DateTime(timezone=True)", "TIMESTAMP", "NULL", None),
        servers=POSTGRESQL,
        weighty=True,
    ),
    retyped(
        *("Text made JSON", "Text", "JSON", "TEXT -> JSON", "'{\"a\": 1}'", {"a": 1}),
        servers=POSTGRESQL,
    ),
    Change(
        "JSON column renamed",
        table("Column('x', JSON, nullable=False)"),
        table("Column('y', JSON, nullable=False)"),
        "rename to y",
        rows=HOLDING_JSON,
        flags=("--rename", "t.x:y"),
        weighty=True,
    ),
    Change(
        "JSON column that takes NULL",
        table("Column('x', JSON, nullable=False)"),
        table("Column('x', JSON)"),
        "alter column t.x",
        rows=HOLDING_JSON,
    ),
    Change("JSON column dropped", table("Column('x', JSON)"), table(), "drop column t.x", flags=("--drop", "t.x")),
    Change(
        "table with a JSON column dropped",
        table() + table("Column('x', JSON)", name="u"),
        table(),
        "drop table u",
        flags=("--drop", "u"),
    ),
    retyped(
        *("JSON made JSONB", "JSON", "postgresql.JSONB", "JSON -> JSONB", "'{\"a\": 1}'", {"a": 1}),
        servers=POSTGRESQL,
    ),
    retyped(
        *("ARRAY given another type of item", "ARRAY(Integer)", "ARRAY(String(9))", "INTEGER[] -> VARCHAR(9)[]"),
        *("'{7}'", ["7"]),
        servers=POSTGRESQL,
    ),
    retyped(
        *("INTEGER made unsigned", "Integer", "mysql.INTEGER(unsigned=True)", "INTEGER -> INTEGER UNSIGNED", "7", 7),
        servers=MYSQL,
    ),
    retyped(
        *("String made UUID", "String(36)", "Uuid", "", "'00000000-0000-0000-0000-000000000007'"),
        *("00000000-0000-0000-0000-000000000007",),
        servers=POSTGRESQL,
    ),
    *(change for server in COLLATIONS for change in collated(server)),
)
