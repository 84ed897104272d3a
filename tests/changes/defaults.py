"""Server defaults that come, change and go."""

from changes.change import KEPT, ROWS, Change, table


def default(name: str, before: str, after: str, says: str, **more: object) -> Change:
    """Of the column `word`; a row that gives none comes by the default, once the upgrade is done."""
    return Change(
        name,
        table(word=f"String(50){before}"),
        table(word=f"String(50){after}"),
        f"alter column t.word: {says}",
        **more,  # type: ignore[arg-type]
    )


CHANGES = (
    default("server default added", "", ", server_default='new'", "default none -> new", weighty=True),
    default(
        *("server default changed", ", server_default='old'", ", server_default='new'", "default 'old'"), weighty=True
    ),
    default("server default removed", ", server_default='old'", "", "default 'old'", weighty=True),
    Change(
        "server default changed of a number",
        table(n="Integer, server_default='1'"),
        table(n="Integer, server_default='2'"),
        "alter column t.n: default",
    ),
    Change(
        "server default changed that is an expression",
        table("Column('at', DateTime)"),
        table("Column('at', DateTime, server_default=func.now())"),
        "alter column t.at: default none -> now()",
        there={**KEPT, "SELECT at FROM t": [(None,), (None,)]},
    ),
    Change(
        "server default changed of a boolean",
        table("Column('done', Boolean, nullable=False, server_default=false())"),
        table("Column('done', Boolean, nullable=False, server_default=true())"),
        "alter column t.done: default",
    ),
    Change(
        "server default and type changed at once",
        table(n="Integer, server_default='5'"),
        table(n="String(9), server_default='five'"),
        "alter column t.n: type INTEGER -> VARCHAR(9)",
        there={"SELECT id, n, word FROM t ORDER BY id": [(1, "5", "one"), (2, "8", "two")]},
        rows=ROWS,
    ),
    Change(
        "server default with quotes, percent signs and colons changed",
        table(word="""String(50), server_default="it's 5% :x" """),
        table(word="""String(50), server_default="it's 6% :x" """),
        "alter column t.word: default",
    ),
)
