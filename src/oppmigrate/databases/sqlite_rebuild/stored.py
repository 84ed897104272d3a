"""What a SQLite database says of a table: its stored statements, and the facts that its pragmas give."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from oppmigrate.databases.sqlite_rebuild.definition import Definition, StoredIndex, Unreadable
from oppmigrate.databases.sqlite_rebuild.editing import without_own_name
from oppmigrate.databases.sqlite_rebuild.reading import read_definition
from oppmigrate.databases.sqlite_rebuild.tokens import fold, normalized, quote, tokenize
from oppmigrate.errors import MigrationFailed

CONSTRAINTS = ("PRIMARY KEY", "UNIQUE", "CHECK", "FOREIGN KEY", "NOT NULL")
ROWID_NAMES = ("rowid", "_rowid_", "oid")


@dataclass(frozen=True)
class StoredTrigger:
    """A trigger on the table; `schema` is `temp` for a temporary one on a table of another schema."""

    schema: str
    name: str
    sql: str


@dataclass(frozen=True)
class StoredTable:
    """A table with what hangs on it, as its schema stores them."""

    schema: str
    definition: Definition
    indexes: tuple[StoredIndex, ...]
    triggers: tuple[StoredTrigger, ...]

    @property
    def name(self) -> str:
        return self.definition.name.name

    @property
    def place(self) -> str:
        """The table in SQL."""
        return f"{quote(self.schema)}.{quote(self.name)}"


@dataclass(frozen=True)
class Facts:
    """A table as SQLite itself sees it, to be compared before and after."""

    columns: Mapping[str, Mapping[str, Any]]  # folded name -> what is known of it, in the table's order
    foreign_keys: Counter[tuple[Any, ...]]
    uniques: Counter[frozenset[Any]]
    constraints: Counter[tuple[str, str, tuple[str, ...]]]  # (kind, column that it stands in, what it says)
    options: frozenset[str]
    autoincrements: bool
    sequence: int | None


def find_schema(connection: Connection, table: str, schema: str | None) -> str | None:
    """The schema, in SQLite's words, that has the table; None where there is no such table."""
    for name in (schema,) if schema else ("main", "temp"):
        if _master(connection, name, "type IN ('table', 'view') AND name = ? COLLATE NOCASE", table):
            return name
    return None


def read_table(connection: Connection, schema: str, table: str) -> StoredTable:
    """Raises:
    MigrationFailed: its CREATE TABLE cannot be edited; or it is a view, or a virtual table.
    """
    rows = _master(connection, schema, "type IN ('table', 'view') AND name = ? COLLATE NOCASE", table)
    kind, name, _, sql = rows[0]
    try:
        definition = read_definition(sql) if kind == "table" else _refuse_view()
        _verify(connection, schema, name, definition)
    except Unreadable as error:
        raise MigrationFailed(
            f"table `{name}` cannot be changed",
            why=f"its definition, as SQLite stores it, cannot be edited: {error}",
            do="write the change out as SQL, with op.execute(...)",
            table=name,
        ) from error
    indexes = read_indexes(connection, schema, name)
    hanging = _master(connection, schema, "type = 'trigger' AND tbl_name = ? COLLATE NOCASE", name)
    triggers = [StoredTrigger(schema, row[1], row[3]) for row in hanging]
    if schema != "temp":
        temporary = _master(connection, "temp", "type = 'trigger' AND tbl_name = ? COLLATE NOCASE", name)
        triggers += [
            StoredTrigger("temp", row[1], row[3])
            for row in temporary
            if trigger_schema(connection, "temp", row[2], row[3]) == schema
        ]
    return StoredTable(schema, definition, indexes, tuple(triggers))


def read_indexes(connection: Connection, schema: str, table: str) -> tuple[StoredIndex, ...]:
    """The indexes that somebody made; those of constraints have no statement."""
    rows = _master(connection, schema, "type = 'index' AND tbl_name = ? COLLATE NOCASE AND sql IS NOT NULL", table)
    return tuple(StoredIndex(row[1], row[3]) for row in rows)


def read_facts(connection: Connection, schema: str, table: str) -> Facts:
    definition = read_definition(_master(connection, schema, "type = 'table' AND name = ? COLLATE NOCASE", table)[0][3])
    collations = {
        fold(column.name): fold(clause.body[1].name)
        for column in definition.columns
        if (clause := column.clause("COLLATE"))
    }
    columns = {}
    for _, name, type_, not_null, default, key, hidden in pragma(connection, schema, "table_xinfo", table):
        columns[fold(name)] = {
            "name": name,
            "type": type_,
            "not null": not_null,
            "default": default,
            "primary key": key,
            "generated": hidden,
            "collate": collations.get(fold(name)),
        }
    return Facts(
        columns,
        _foreign_keys(connection, schema, table),
        _uniques(connection, schema, table),
        Counter(
            (clause.kind, fold(clause.column or ""), normalized(clause.body))
            for clause in without_own_name(definition).clauses
            if clause.kind in CONSTRAINTS
        ),
        frozenset(token.text.upper() for token in definition.options if token.kind == "word"),
        definition.autoincrements,
        read_sequence(connection, schema, table),
    )


def read_objects(connection: Connection, schema: str, table: str) -> Counter[tuple[Any, ...]]:
    """Every stored statement that anybody wrote, of the schema and of `temp`, but for the table's own."""
    found: Counter[tuple[Any, ...]] = Counter()
    for name in {schema, "temp"}:
        for row in _master(connection, name, "sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"):
            if not (name == schema and row[0] == "table" and fold(row[1]) == fold(table)):
                found[(name, *row)] += 1
    return found


def unused_name(connection: Connection, schema: str, table: str, what: str) -> str:
    """A name for a table that is there for a moment only."""
    name = f"_oppmigrate_{what}_{table}"
    while find_schema(connection, name, schema) is not None:
        name += "_"
    return name


def read_sequence(connection: Connection, schema: str, table: str) -> int | None:
    """The highest number that AUTOINCREMENT gave out; None where it gave none."""
    if not _master(connection, schema, "name = 'sqlite_sequence'"):
        return None
    sql = f"SELECT seq FROM {quote(schema)}.sqlite_sequence WHERE name = ?"
    row = connection.exec_driver_sql(sql, (table,)).first()
    return row[0] if row else None


def rowid_name(definition: Definition) -> str | None:
    """What its rowid can be called by; None where it has none, or columns have all three of its names."""
    if not definition.has_rowid:
        return None
    return next((name for name in ROWID_NAMES if definition.column(name) is None), None)


def rowid_alias(connection: Connection, schema: str, table: str) -> str | None:
    """The column that is the rowid: an INTEGER PRIMARY KEY, with no index of its own."""
    keys = [row[1] for row in pragma(connection, schema, "table_xinfo", table) if row[5]]
    has_index = any(row[3] == "pk" for row in pragma(connection, schema, "index_list", table))
    return keys[0] if len(keys) == 1 and not has_index else None


def read_moment(connection: Connection, schema: str) -> tuple[int, int]:
    """Two numbers that are the same as long as no row was written, by this connection or by another."""
    own = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
    return own, connection.exec_driver_sql(f"PRAGMA {quote(schema)}.data_version").scalar_one()


def in_schema(sql: str, schema: str) -> str:
    """A stored CREATE statement with its schema, which SQLite leaves out when it stores it."""
    tokens = list(tokenize(sql))
    kind = next(place for place, token in enumerate(tokens) if token.is_word("INDEX", "TRIGGER", "VIEW") and place)
    start = tokens[kind + 1].start
    return f"{sql[:start]}{quote(schema)}.{sql[start:]}"


def trigger_schema(connection: Connection, schema: str, table: str, sql: str) -> str:
    """The schema of the table that a trigger stands on: a temporary one may stand on a table of any."""
    if schema != "temp":
        return schema
    tokens = list(tokenize(sql))
    place = next(place for place, token in enumerate(tokens) if token.is_word("ON") and place > 3)
    if tokens[place + 2].is_mark("."):
        return fold(tokens[place + 1].name)
    names = [row[1] for row in connection.exec_driver_sql("PRAGMA database_list")]
    order = ["temp", "main", *(name for name in names if name not in ("main", "temp"))]
    return next((name for name in order if find_schema(connection, table, name)), "main")


def take_views(connection: Connection, schema: str, views: Sequence[str]) -> list[str]:
    """Drop these views, and return the statements that make them, and the triggers on them, again."""
    statements = []
    for place in dict.fromkeys((schema, "temp")):
        for view in views:
            rows = _master(connection, place, "tbl_name = ? COLLATE NOCASE AND type IN ('view', 'trigger')", view)
            statements += [in_schema(row[3], place) for row in sorted(rows, key=lambda row: row[0] != "view")]
            if rows:
                connection.exec_driver_sql(f"DROP VIEW {quote(place)}.{quote(view)}")
    return statements


def pragma(connection: Connection, schema: str, name: str, argument: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.exec_driver_sql(f"PRAGMA {quote(schema)}.{name}({quote(argument)})")]


def _foreign_keys(connection: Connection, schema: str, table: str) -> Counter[tuple[Any, ...]]:
    keys: dict[int, list[tuple[Any, ...]]] = {}
    for row in pragma(connection, schema, "foreign_key_list", table):
        keys.setdefault(row[0], []).append(row)
    found: Counter[tuple[Any, ...]] = Counter()
    for rows in keys.values():
        rows.sort(key=lambda row: row[1])
        pairs = tuple((fold(row[3]), row[4] and fold(row[4])) for row in rows)
        found[(fold(rows[0][2]), pairs, *rows[0][5:8])] += 1
    return found


def _uniques(connection: Connection, schema: str, table: str) -> Counter[frozenset[Any]]:
    """The columns, with their collations, that are unique together: for several constraints, SQLite has one index."""
    found = set()
    for row in pragma(connection, schema, "index_list", table):
        if row[3] in ("u", "pk"):
            parts = [part for part in pragma(connection, schema, "index_xinfo", row[1]) if part[5]]
            found.add(frozenset((fold(part[2] or ""), part[4]) for part in parts))
    return Counter(found)


def _master(connection: Connection, schema: str, condition: str, *parameters: Any) -> list[tuple[Any, ...]]:
    place = "sqlite_temp_master" if fold(schema) == "temp" else f"{quote(schema)}.sqlite_master"
    sql = f"SELECT type, name, tbl_name, sql FROM {place} WHERE {condition} ORDER BY rowid"
    return [tuple(row) for row in connection.exec_driver_sql(sql, parameters)]


def _refuse_view() -> Definition:
    raise Unreadable("it is a view")


def _verify(connection: Connection, schema: str, table: str, definition: Definition) -> None:
    """Does SQLite see the columns that were read? What was misread must not be rebuilt from."""
    seen = [(row[1], row[6] in (2, 3)) for row in pragma(connection, schema, "table_xinfo", table)]
    if seen != [(column.name, column.is_generated) for column in definition.columns]:
        raise Unreadable("its columns are not those that SQLite lists")
