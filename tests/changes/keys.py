"""Primary keys and foreign keys."""

from changes.change import KEPT, MYSQL, ROWS, SQLITE_AND_POSTGRESQL, Change, table

OTHER = "Table('other', metadata, Column('id', Integer, primary_key=True), Column('code', Integer, unique=True))\n"
THIRD = "Table('third', metadata, Column('id', Integer, primary_key=True))\n"
FILLED = (
    "INSERT INTO other (id, code) VALUES (5, 50), (8, 80)",
    *ROWS,
)
PRIMARY = ""  # what is printed of a primary key differs from server to server
PLAIN = "Integer, primary_key=True, autoincrement=False"


def key(target: str, more: str = ", name='fk_t'") -> str:
    return OTHER + table(n=f"Integer, ForeignKey({target!r}{more})")


def leaning(*more: str, id: str = PLAIN) -> str:
    """A table with a foreign key that has no index of its own."""
    return OTHER + table(*more, id=id, n="Integer, ForeignKey('other.id', name='fk_t'), nullable=False")


CHANGES = (
    Change(
        *("foreign key added", OTHER + table(), key("other.id"), "add foreign key fk_t on t (n) -> other (id)"),
        rows=FILLED,
    ),
    Change(
        *("foreign key removed", key("other.id"), OTHER + table(), "drop foreign key fk_t on t"),
        rows=FILLED,
    ),
    Change(
        "foreign key without a name added",
        OTHER + table(),
        key("other.id", ""),
        "add foreign key fk_t_n_other on t",
        rows=FILLED,
    ),
    Change(
        "foreign key to another table",
        THIRD + key("other.id"),
        THIRD + key("third.id"),
        "add foreign key fk_t on t (n) -> third (id)",
        rows=("INSERT INTO third (id) VALUES (5), (8)", *FILLED),
    ),
    Change(
        "foreign key with another ON DELETE",
        key("other.id"),
        key("other.id", ", name='fk_t', ondelete='CASCADE'"),
        "add foreign key fk_t on t",
        rows=FILLED,
        weighty=True,
    ),
    Change(
        "foreign key without a name, with another ON DELETE",
        key("other.id", ""),
        key("other.id", ", ondelete='SET NULL'"),
        "add foreign key",
        rows=FILLED,
        weighty=True,
    ),
    Change(
        "foreign key with another ON UPDATE",
        key("other.id"),
        key("other.id", ", name='fk_t', onupdate='CASCADE'"),
        "add foreign key fk_t on t",
        rows=FILLED,
    ),
    Change(
        "foreign key made DEFERRABLE",
        key("other.id"),
        key("other.id", ", name='fk_t', deferrable=True, initially='DEFERRED'"),
        "add foreign key fk_t on t",
        rows=FILLED,
        servers=SQLITE_AND_POSTGRESQL,
    ),
    Change(
        "index added on a foreign key's column",
        leaning(),
        leaning("Index('ix_t', 'n')"),
        "create index ix_t on t (n)",
        rows=FILLED,
        weighty=True,
    ),
    Change(
        "index in the place of a foreign key",
        leaning(),
        OTHER + table("Index('ix_t', 'n')", id=PLAIN, n="Integer, nullable=False"),
        "drop foreign key fk_t on t",
        rows=FILLED,
    ),
    Change(
        "UNIQUE added that begins with a foreign key's column",
        leaning(),
        leaning("UniqueConstraint('n', 'word', name='uq_t')"),
        "add unique constraint uq_t on t (n, word)",
        rows=FILLED,
    ),
    Change(
        "primary key of one column more that begins with a foreign key's column",
        leaning("PrimaryKeyConstraint('id')", id="Integer, autoincrement=False"),
        leaning("PrimaryKeyConstraint('n', 'id')", id="Integer, autoincrement=False"),
        PRIMARY,
        rows=FILLED,
    ),
    Change(
        "UNIQUE removed that a foreign key leans on",
        leaning("UniqueConstraint('n', 'word', name='uq_t')"),
        leaning(),
        "uq_t on t",
        rows=FILLED,
    ),
    Change(
        "UNIQUE renamed that a foreign key leans on",
        leaning("UniqueConstraint('n', 'word', name='uq_t')"),
        leaning("UniqueConstraint('n', 'word', name='uq_other')"),
        "uq_other on t",
        rows=FILLED,
        weighty=True,
    ),
    Change(
        "UNIQUE of other columns that a foreign key leans on",
        leaning("UniqueConstraint('n', 'word', name='uq_t')"),
        leaning("UniqueConstraint('n', 'id', name='uq_t')"),
        "uq_t on t",
        rows=FILLED,
    ),
    Change(
        "primary key of one column less that a foreign key leans on",
        leaning("PrimaryKeyConstraint('n', 'id')", id="Integer, autoincrement=False"),
        leaning("PrimaryKeyConstraint('id')", id="Integer, autoincrement=False"),
        PRIMARY,
        rows=FILLED,
    ),
    Change(
        "primary key of one column more",
        table(id=PLAIN, n="Integer, nullable=False"),
        table(id=PLAIN, n=PLAIN),
        PRIMARY,
        weighty=True,
    ),
    Change(
        "primary key of one column less",
        table(id=PLAIN, n=PLAIN),
        table(id=PLAIN, n="Integer, nullable=False"),
        PRIMARY,
    ),
    Change(
        "primary key of another column",
        table(id=PLAIN, n="Integer, nullable=False"),
        table(id="Integer, nullable=False", n=PLAIN),
        PRIMARY,
    ),
    Change(
        "primary key added",
        table(id="Integer, nullable=False"),
        table(id=PLAIN),
        PRIMARY,
    ),
    Change(
        "primary key that begins to count up",
        table(id=PLAIN),
        table(),
        "alter column t.id: autoincrement True",
        servers=MYSQL,
        weighty=True,
    ),
    Change(
        "primary key that counts up no more",
        OTHER + table(n="Integer, ForeignKey('other.id', name='fk_t')"),
        OTHER.replace("primary_key=True", "primary_key=True, autoincrement=False")
        + table(n="Integer, ForeignKey('other.id', name='fk_t')"),
        "alter column other.id: autoincrement False",
        rows=FILLED,
        servers=MYSQL,
    ),
    Change(
        *(
            "foreign key renamed",
            key("other.id"),
            key("other.id", ", name='fk_other'"),
            "add foreign key fk_other on t",
        ),
        rows=FILLED,
    ),
    Change(
        "key that counts up put in the place of another",
        table(id="", word="String(50), primary_key=True"),
        table(word="String(50), nullable=False, unique=True"),
        "fill t.id with 1, 2, 3 …",
        rows=("INSERT INTO t (n, word) VALUES (5, 'one'), (8, 'two')",),
        back={"SELECT n, word FROM t ORDER BY n": [(5, "one"), (8, "two")]},
        weighty=True,
    ),
    Change(
        "key that counts up dropped for another",
        table(word="String(50), nullable=False, unique=True"),
        table(id="", word="String(50), primary_key=True"),
        "drop column t.id",
        flags=("--drop", "t.id"),
        there={"SELECT n, word FROM t ORDER BY n": [(5, "one"), (8, "two")]},
        back=KEPT,
    ),
)
