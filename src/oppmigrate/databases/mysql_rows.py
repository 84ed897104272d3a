"""What MariaDB and MySQL tell of rows: how many there are, and which of them a new type does not take as they are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases.base import original
from oppmigrate.databases.mysql_errors import number_of
from oppmigrate.databases.mysql_types import LIMITED, NUMBERS, STRINGS, TIMES, Type, holds_all, read_type
from oppmigrate.databases.rows import (
    Misfits,
    TableName,
    TypeChange,
    ask,
    count_up_to,
    quoted,
    quoted_table,
    schema_of,
    verbatim,
)

# An unknown column or table, words that cannot be parsed, a type or a character set that is not there, a value that
# an expression cannot take. Source: MariaDB, "Error Codes".
ABOUT_THE_STATEMENT = frozenset(
    {1054, 1064, 1070, 1091, 1115, 1146, 1170, 1264, 1265, 1267, 1273, 1292, 1305, 1366, 1406, 1411, 1690, 3140, 3141}
)

ESTIMATE = """
SELECT table_rows FROM information_schema.tables
WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name AND table_type = 'BASE TABLE'
"""

# Sessions are numbered as they come: has one come after ours, and maybe gone? Without the right PROCESS, the list has
# only the user's own, which an application's mostly are.
LATEST = "SHOW GLOBAL STATUS LIKE 'Connections'"
OTHERS = "SELECT CONNECTION_ID(), (SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE())"

MAY_BE_NULL = """
SELECT is_nullable = 'YES' FROM information_schema.columns
WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name AND column_name = :column
"""

COLUMNS = """
SELECT column_name, column_type, collation_name, column_key = 'PRI' FROM information_schema.columns
WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name
  AND (column_name = :column OR column_key = 'PRI')
"""

COLLATION = """
SELECT table_collation FROM information_schema.tables
WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name
"""

CONVERTED = "oppman_converted"
AFTER, BACK = "oppman_after", "oppman_back"


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type_sql: str
    type: Type
    is_key: bool


def count_rows(connection: Connection, table: TableName, limit: int) -> int | None:
    """As `Database.count_rows`; not begun where the server's estimate says that there are too many."""
    found = ask(connection, text(ESTIMATE), name=table.name, schema=schema_of(connection, table))
    if not found or (found[0][0] or 0) >= limit:
        return None
    return count_up_to(connection, table, limit)


def others_may_have_changed(connection: Connection) -> bool:
    """As `Database.others_may_have_changed`: nothing here holds a table from one statement to the next."""
    own, sessions = ask(connection, OTHERS)[0]
    latest = int(ask(connection, LATEST)[0][1])
    return bool(latest > own or sessions > 1)


def may_be_null(connection: Connection, table: TableName, column: str) -> bool:
    schema = schema_of(connection, table)
    found = ask(connection, text(MAY_BE_NULL), name=table.name, schema=schema, column=column)
    return not found or bool(found[0][0])


def is_about_the_statement(error: DBAPIError) -> bool:
    return number_of(original(error))[0] in ABOUT_THE_STATEMENT


@contextmanager
def misfits(connection: Connection, change: TypeChange) -> Iterator[Misfits | None]:
    """As `Database.misfits`.

    The server itself converts a copy of the column there and back, in a temporary table, as an ALTER would without
    strict mode: also what strict mode lets pass (a fraction that is rounded) comes back as another value.
    """
    columns = _columns(connection, change)
    column = next((column for column in columns if column.name.lower() == change.column.lower()), None)
    new = _type_as_shown(connection, change) if column else None
    if column is None or new is None or (holds_all(new, column.type) and not _is_json(change)):
        yield None
        return
    direct = _direct_condition(change, new, column.type, quoted(connection, change.column))
    if direct is not None:
        yield Misfits(quoted_table(connection, change.table), direct)
        return
    keys = [each for each in columns if each.is_key and each is not column]
    with _temporary(connection, _definitions(connection, keys, column, change.type_sql), change.table):
        _convert(connection, change.table, keys, column)
        yield Misfits(CONVERTED, _condition(new, column.type, quoted(connection, column.name)))


def _columns(connection: Connection, change: TypeChange) -> list[_Column]:
    """The column and those of the primary key."""
    table, schema = change.table, schema_of(connection, change.table)
    rows = ask(connection, text(COLUMNS), name=table.name, schema=schema, column=change.column)
    return [
        _Column(
            name,
            verbatim(connection, written) + (f" COLLATE {collation}" if collation else ""),
            read_type(written, collation),
            bool(is_key),
        )
        for name, written, collation, is_key in rows
    ]


def _type_as_shown(connection: Connection, change: TypeChange) -> Type:
    """The new type in the server's own words."""
    with _temporary(connection, [f"{AFTER} {change.type_sql} NULL"], change.table):
        _name, written, collation, *_rest = ask(connection, f"SHOW FULL COLUMNS FROM {CONVERTED}")[0]
    return read_type(written, collation)


def _is_json(change: TypeChange) -> bool:
    """MariaDB shows its JSON as a longtext, whose CHECK it adds."""
    return change.type_sql.upper().startswith("JSON")


def _direct_condition(change: TypeChange, new: Type, old: Type, value: str) -> str | None:
    """What can be asked of the column as it stands."""
    if _is_json(change):
        return f"NOT JSON_VALID({value})"
    if new.name == "varchar" and old.name in ("varchar", "char") and new.characters == old.characters:
        return f"CHAR_LENGTH({value}) > {new.length}"
    if old.name == "bit" and new.name not in NUMBERS:
        return f"{value} IS NOT NULL"  # some texts get its bytes, some the digits of its number
    return None


def _condition(new: Type, old: Type, value: str) -> str:
    """True for a value that comes back as another one."""
    if old.name in STRINGS and new.name in NUMBERS | TIMES:
        # not BACK: what is no member becomes 0, or no date, and that the empty member again
        written = _as_time if new.name in TIMES else _as_number
        return f"NOT (CAST({written(f'CAST({AFTER} AS CHAR)')} AS BINARY) <=> CAST({written(value)} AS BINARY))"
    if old.name in NUMBERS and new.name in ("enum", "set"):
        return f"NOT (CAST({AFTER} AS BINARY) <=> CAST(CAST({value} AS CHAR) AS BINARY))"
    if old.name in NUMBERS and new.name in TIMES:
        return f"NOT ({BACK} <=> {value}) OR LEFT(CAST({AFTER} AS CHAR), 10) = '0000-00-00'"
    if new.name == "enum":  # what is no member has the number 0, and the empty text
        return f"NOT (CAST({BACK} AS BINARY) <=> CAST({value} AS BINARY)) OR {AFTER} + 0 = 0"
    if old.name in STRINGS and new.name == "uuid":  # it comes back in small letters, with its dashes
        plain = "LOWER(REPLACE(CAST({} AS CHAR), '-', ''))"
        return f"NOT ({plain.format(AFTER)} <=> {plain.format(value)})"
    if old.characters:
        return f"NOT (CAST({BACK} AS BINARY) <=> CAST({value} AS BINARY))"
    if new.name in LIMITED:  # a time whose end is cut off comes back as well
        return f"NOT ({BACK} <=> {value}) OR LENGTH(CAST({value} AS CHAR)) > {new.length}"
    return f"NOT ({BACK} <=> {value})"


def _as_number(text: str) -> str:
    """The text of a number without the zeros after the point that say nothing."""
    shorter = f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {text}))"
    return f"IF({text} REGEXP '[0-9][.][0-9]+$', {shorter}, {text})"


def _as_time(text: str) -> str:
    """The text of a time in one of the ways to write it."""
    number = _as_number(f"REPLACE({text}, 'T', ' ')")
    return f"TRIM(TRAILING ' 00:00:00' FROM {number})"


@contextmanager
def _temporary(connection: Connection, definitions: Sequence[str], like: TableName) -> Iterator[None]:
    """A temporary table, which commits nothing, with the character set of another table."""
    found = ask(connection, text(COLLATION), name=like.name, schema=schema_of(connection, like))
    collation = f" COLLATE {found[0][0]}" if found and found[0][0] else ""
    ask(connection, f"CREATE TEMPORARY TABLE {CONVERTED} ({', '.join(definitions)}){collation}")
    try:
        yield
    finally:
        ask(connection, f"DROP TEMPORARY TABLE IF EXISTS {CONVERTED}")


def _definitions(connection: Connection, keys: Sequence[_Column], column: _Column, type_sql: str) -> list[str]:
    own = [f"{quoted(connection, each.name)} {each.type_sql} NULL" for each in (*keys, column)]
    return [*own, f"{AFTER} {type_sql} NULL", f"{BACK} {column.type_sql} NULL"]


def _convert(connection: Connection, table: TableName, keys: Sequence[_Column], column: _Column) -> None:
    """Fill the temporary table. IGNORE does what an ALTER without strict mode does."""
    value = quoted(connection, column.name)
    names = ", ".join(quoted(connection, each.name) for each in (*keys, column))
    ask(
        connection,
        f"INSERT IGNORE INTO {CONVERTED} ({names}, {AFTER}) SELECT {names}, {value} "
        f"FROM {quoted_table(connection, table)} WHERE {value} IS NOT NULL",
    )
    ask(connection, f"UPDATE IGNORE {CONVERTED} SET {BACK} = {AFTER}")
