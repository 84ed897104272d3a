"""What PostgreSQL tells of rows: how many there are, and which of them a new type does not take as they are."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases.base import original
from oppmigrate.databases.postgresql_errors import sqlstate
from oppmigrate.databases.postgresql_objects import quoted as as_identifier
from oppmigrate.databases.postgresql_types import (
    FLOATS,
    INTEGERS,
    MOMENTS,
    TEXTS,
    Type,
    holds_all,
    read_type,
    without_collation,
)
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

# SQLSTATE classes: what the values are like that a statement meets (22, 23), or what a function of the project's says
# of them (P0); what a statement says itself (42, 3F), and what is not served (0A)
ABOUT_VALUES = ("22", "23", "P0")
ABOUT_THE_STATEMENT = ("42", "3F", "0A", *ABOUT_VALUES)
LACKING = "42501"

# Equality of these types is not sameness (boxes are equal when their areas are), or there is none.
COMPARED_AS_TEXT = frozenset({"json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle"})

ESTIMATE = "SELECT reltuples FROM pg_catalog.pg_class WHERE oid = to_regclass(:name)"

CHANGED_HERE = """
SELECT pg_catalog.pg_stat_get_xact_tuples_inserted(oid) + pg_catalog.pg_stat_get_xact_tuples_deleted(oid)
FROM pg_catalog.pg_class WHERE oid = to_regclass(:name)
"""

MAY_BE_NULL = """
SELECT NOT attnotnull FROM pg_catalog.pg_attribute
WHERE attrelid = to_regclass(:name) AND attname = :column AND NOT attisdropped
"""

# ALTER assigns: it takes a cast that is made for that, or the same type with other modifiers, or any way to a text.
TYPES = """
WITH pair AS (
  SELECT format_type(a.atttypid, a.atttypmod) AS written, old.oid AS old_oid, old.typtype AS old_kind,
         new.oid AS new_oid, new.typcategory AS new_category,
         COALESCE(NULLIF(old.typbasetype, 0), old.oid) AS old_base,
         COALESCE(NULLIF(new.typbasetype, 0), new.oid) AS new_base,
         COALESCE(NULLIF(old.typelem, 0), old.oid) AS old_element,
         COALESCE(NULLIF(new.typelem, 0), new.oid) AS new_element
  FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS old ON old.oid = a.atttypid
  JOIN pg_catalog.pg_type AS new ON new.oid = to_regtype(:type)
  WHERE a.attrelid = to_regclass(:name) AND a.attname = :column AND NOT a.attisdropped)
SELECT written, old_oid::regtype::text, new_oid::regtype::text, old_kind = 'e',
       old_base = new_base OR new_category = 'S' OR EXISTS (
         SELECT FROM pg_catalog.pg_cast WHERE castcontext IN ('a', 'i')
         AND (castsource, casttarget) IN ((old_oid, new_oid), (old_base, new_base), (old_element, new_element))),
       has_database_privilege(current_database(), 'TEMP'),
       current_setting('TimeZone') IN ('UTC', 'Etc/UTC', 'GMT', 'Etc/GMT', 'Zulu', 'Etc/Zulu', 'UCT', 'Etc/UCT')
FROM pair
"""

BREAKS = "pg_temp.oppman_breaks"
# A row on which the condition raises does not fit. A subtransaction for each row: only for when some row is known to.
BREAKS_BODY = """
CREATE OR REPLACE FUNCTION {name}(oppman_value {of}) RETURNS boolean LANGUAGE plpgsql AS $oppman$
#variable_conflict use_column
BEGIN
  RETURN {condition};
EXCEPTION WHEN OTHERS THEN
  RETURN true;
END $oppman$
"""

CASTS = re.compile(r'(::[\w\s".,()\[\]]+)+')
NUMBERS = frozenset({*INTEGERS, *FLOATS, "numeric"})
# a text that says nothing besides its number: `007` and `+7` do
WRITTEN_NUMBER = r"^\s*-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\s*$"

MEANING = "pg_temp.oppman_meaning"
# A JSON text without its layout: keys stay in their order, and as often as they are there.
MEANING_BODY = """
CREATE OR REPLACE FUNCTION pg_temp.oppman_meaning(oppman_value json) RETURNS text LANGUAGE plpgsql AS $oppman$
BEGIN
  RETURN CASE json_typeof(oppman_value)
    WHEN 'object' THEN '{' || COALESCE((
      SELECT string_agg(to_json(key)::text || ':' || pg_temp.oppman_meaning(item), ',' ORDER BY place)
      FROM json_each(oppman_value) WITH ORDINALITY AS pair (key, item, place)), '') || '}'
    WHEN 'array' THEN '[' || COALESCE((
      SELECT string_agg(pg_temp.oppman_meaning(item), ',' ORDER BY place)
      FROM json_array_elements(oppman_value) WITH ORDINALITY AS element (item, place)), '') || ']'
    WHEN 'string' THEN to_json(oppman_value #>> '{}')::text
    WHEN 'number' THEN (oppman_value #>> '{}')::numeric::text
    ELSE btrim(oppman_value::text, E' \\t\\n\\r') END;
END $oppman$
"""


@dataclass(frozen=True, slots=True)
class _Types:
    """A column's type and the one that it is to get. `written` and `type_sql` are theirs as casts take them."""

    old: Type
    new: Type
    written: str
    type_sql: str
    old_is_enum: bool
    can_be_assigned: bool
    can_make_functions: bool
    is_utc: bool


def count_rows(connection: Connection, table: TableName, limit: int) -> int | None:
    """As `Database.count_rows`; not begun where the server's estimate says that there are too many."""
    found = ask(connection, text(ESTIMATE), name=_regclass(connection, table))
    if not found or found[0][0] >= limit:
        return None
    return count_up_to(connection, table, limit)


def others_may_have_changed(connection: Connection, table: TableName) -> bool:
    """As `Database.others_may_have_changed`: what this transaction has not changed, somebody else has.

    Source: PostgreSQL manual, 28.2, The Cumulative Statistics System, "xact" functions.
    """
    found = ask(connection, text(CHANGED_HERE), name=_regclass(connection, table))
    return not (found and found[0][0])


def may_be_null(connection: Connection, table: TableName, column: str) -> bool:
    found = ask(connection, text(MAY_BE_NULL), name=_regclass(connection, table), column=column)
    return not found or bool(found[0][0])


@contextmanager
def trial(connection: Connection) -> Iterator[None]:
    """A statement that fails in here leaves the transaction as it was; what is made in here is gone afterwards."""
    if _autocommits(connection):
        yield
        return
    nested = connection.begin_nested()
    try:
        yield
    finally:
        if nested.is_active:
            nested.rollback()


def is_about_the_statement(error: DBAPIError) -> bool:
    return _says(error, ABOUT_THE_STATEMENT) and sqlstate(original(error)) != LACKING


def _says(error: DBAPIError, classes: tuple[str, ...]) -> bool:
    return (sqlstate(original(error)) or "").startswith(classes)


@contextmanager
def misfits(connection: Connection, change: TypeChange) -> Iterator[Misfits | None]:
    """As `Database.misfits`.

    Every conversion is tried by the server itself, there and back. With `using`, only whether it can be done counts:
    what it makes of a value is what somebody wrote.
    """
    types = _read_types(connection, change)
    if types is None or not _has_to_be_looked_at(types, change):
        yield None
        return
    source = quoted_table(connection, change.table)
    with trial(connection), _functions(connection, types):
        condition = _condition(types, quoted(connection, change.column), change.using)
        known = _count(connection, source, condition)
        if known is not None:
            yield Misfits(source, condition) if known else None
        elif types.can_make_functions:
            with _trap(connection, types, change) as trapped:
                yield Misfits(source, trapped)
        else:
            yield None  # one of them cannot be converted, and the ALTER says which


def _read_types(connection: Connection, change: TypeChange) -> _Types | None:
    """None where the column or the new type is not there: the ALTER says so better."""
    type_sql = without_collation(change.type_sql)
    name = _regclass(connection, change.table)
    with trial(connection):
        try:
            found = ask(connection, text(TYPES), name=name, column=change.column, type=type_sql)
        except DBAPIError as error:
            if not is_about_the_statement(error):
                raise
            found = []  # a type that cannot even be parsed
    if not found:
        return None
    written, old, new, *rest = found[0]
    return _Types(read_type(old, written), read_type(new, type_sql), verbatim(connection, written), type_sql, *rest)


def _has_to_be_looked_at(types: _Types, change: TypeChange) -> bool:
    if change.using is not None:
        return True
    if not types.can_be_assigned:
        return False  # the server refuses whatever the values are, and says what to write
    return not holds_all(types.new, types.old, old_is_enum=types.old_is_enum, is_utc=types.is_utc)


def _condition(types: _Types, value: str, using: str | None) -> str:
    """True for a value that comes back as another one, and for one that an assignment does not take."""
    if using is not None:
        # the first is never true; it raises where it cannot be done
        return f"num_nonnulls(CAST(({using}) AS {types.type_sql})) < 0{_changed_by_casts(types, value, using)}"
    there = f"CAST({value} AS {types.type_sql})"
    if {types.old.name, types.new.name} == MOMENTS:
        # the session's time zone is to change nothing: a time without one is taken, and given, as UTC
        return f"{there} IS DISTINCT FROM ({value} AT TIME ZONE 'UTC')"
    conditions = [_does_not_come_back(types, value, there)]
    length = types.new.length
    if types.new.name in ("character varying", "character") and length is not None:
        conditions.append(f"char_length(CAST({value} AS text)) > {length}")  # a cast cuts off, where ALTER refuses
    elif types.new.name == "bit":
        conditions.append(f"length({value}) <> {length}")  # a cast fills up, where ALTER refuses
    return " OR ".join(f"({condition})" for condition in conditions)


def _changed_by_casts(types: _Types, value: str, using: str) -> str:
    """An expression that only casts the column says no more than its new type does: it may lose nothing either."""
    casts = CASTS.fullmatch(using.removeprefix(value)) if value and using.startswith(value) else None
    if casts is None:
        return ""
    if types.old.name in TEXTS and types.new.name in NUMBERS:
        number = f"{value} !~ '{WRITTEN_NUMBER}' OR CAST({value} AS numeric) <> CAST(({using}) AS numeric)"
        return f" OR ({number})"
    if types.old.name in (*NUMBERS, "boolean") and types.new.name in (*NUMBERS, "boolean"):
        back = "".join(f"::{each}" for each in reversed(using.split("::")[1:-1]))
        return f" OR (({using}){back}::{types.written} IS DISTINCT FROM {value})"
    return ""


def _does_not_come_back(types: _Types, value: str, there: str) -> str:
    if (types.old.name, types.new.name) == ("json", "jsonb"):
        if not types.can_make_functions:
            return f"regexp_replace({value}::text, '\\s', '', 'g') <> regexp_replace({there}::text, '\\s', '', 'g')"
        return f"{MEANING}({value}) IS DISTINCT FROM {MEANING}(CAST({there} AS json))"
    back = f"CAST({there} AS {types.written})"
    if types.old.name in COMPARED_AS_TEXT:
        return f"CAST({back} AS text) IS DISTINCT FROM CAST({value} AS text)"
    return f"{back} IS DISTINCT FROM {value}"


@contextmanager
def _functions(connection: Connection, types: _Types) -> Iterator[None]:
    if (types.old.name, types.new.name) == ("json", "jsonb") and types.can_make_functions:
        with _made(connection, MEANING_BODY, f"{MEANING}(json)"):
            yield
    else:
        yield


@contextmanager
def _trap(connection: Connection, types: _Types, change: TypeChange) -> Iterator[str]:
    """A condition that is true as well where the conversion raises."""
    if change.using is None:
        of, condition, argument = types.written, _condition(types, "oppman_value", None), change.column
        argument = quoted(connection, change.column)
    else:
        of, alias = quoted_table(connection, change.table), quoted(connection, change.table.name)
        argument, row = f"{alias}.*", f"(SELECT (oppman_value).*) AS {alias}"
        condition = f"(SELECT {_condition(types, '', change.using)} FROM {row})"
    body = BREAKS_BODY.format(name=BREAKS, of=of, condition=condition)
    with _made(connection, body, f"{BREAKS}({of})"):
        yield f"{BREAKS}({argument})"


@contextmanager
def _made(connection: Connection, body: str, signature: str) -> Iterator[None]:
    """A function of the session's own, for the time of the block."""
    ask(connection, body)
    yield
    # after an error inside of a transaction, the savepoint that is rolled back takes the function along
    ask(connection, f"DROP FUNCTION IF EXISTS {signature}")


def _count(connection: Connection, source: str, condition: str) -> int | None:
    """How many rows the condition is true for; None where it raises for one of them."""
    try:
        with trial(connection):
            return int(ask(connection, f"SELECT count(*) FROM {source} WHERE {condition}")[0][0])
    except DBAPIError as error:
        if not _says(error, ABOUT_VALUES):
            raise
        return None


def _regclass(connection: Connection, table: TableName) -> str:
    """The table as `to_regclass` takes it."""
    schema, name = schema_of(connection, table), as_identifier(table.name)
    return f"{as_identifier(schema)}.{name}" if schema else name


def _autocommits(connection: Connection) -> bool:
    """Is every statement a transaction of its own, as inside of Alembic's `autocommit_block`?"""
    return bool(getattr(connection.connection.dbapi_connection, "autocommit", False))
