"""Comments on tables and columns; SQLite has none."""

from changes.change import SERVERS_ONLY, Change, table

OLD, NEW = "comment='old'", "comment='it\\'s 5%'"

CHANGES = (
    Change("comment on a table added", table(), table(NEW), "comment on table t", servers=SERVERS_ONLY, weighty=True),
    Change("comment on a table changed", table(OLD), table(NEW), "comment on table t", servers=SERVERS_ONLY),
    Change("comment on a table removed", table(OLD), table(), "no comment on table t", servers=SERVERS_ONLY),
    Change(
        "comment on a column added",
        table(),
        table(n=f"Integer, {NEW}"),
        "alter column t.n: comment",
        servers=SERVERS_ONLY,
        weighty=True,
    ),
    Change(
        "comment on a column changed",
        table(n=f"Integer, {OLD}"),
        table(n=f"Integer, {NEW}"),
        "alter column t.n: comment",
        servers=SERVERS_ONLY,
    ),
    Change(
        "comment on a column removed",
        table(n=f"Integer, {OLD}"),
        table(),
        "alter column t.n: no comment",
        servers=SERVERS_ONLY,
    ),
)
