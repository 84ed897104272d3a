"""Views and triggers: do they still work, and still read what they read before?

`EXPLAIN` compiles a statement without running it, and SQLite tells an authorizer every column that it reads, and on
whose behalf. That finds more than an error would: in a view, `"email"` turns into a text once the column is gone.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases.base import first_line
from oppmigrate.databases.sqlite_rebuild.stored import pragma, trigger_schema
from oppmigrate.databases.sqlite_rebuild.tokens import Token, fold, quote, tokenize

ALLOW, READ = 0, 20  # SQLITE_OK, SQLITE_READ


@dataclass(frozen=True)
class Reading:
    """What compiling a view, or the triggers of one kind on a table, came to. `sql`: their statements."""

    sql: str
    error: str | None
    columns: frozenset[tuple[str, str]]  # (table, column), folded


def read_dependents(connection: Connection, schema: str, table: str) -> Mapping[tuple[str, ...], Reading]:
    """Compile what leans on a table, by (what it is, its name).

    Every view, every statement that sets off a trigger, and the check of every foreign key that refers to the table:
    SQLite refuses to compile one whose columns are not unique over there.
    """
    probes = [*_probes(connection, schema), *_key_probes(connection, schema, table)]
    if not probes:
        return {}
    seen: set[tuple[str, str]] = set()
    found = {}
    with _watching(connection, seen):
        for key, sql, probe in probes:
            seen.clear()
            error = None
            try:
                connection.exec_driver_sql(probe).close()
            except DBAPIError as caught:
                error = first_line(caught)
            found[key] = Reading(sql, error, frozenset(seen))
    return found


def differences(
    before: Mapping[tuple[str, ...], Reading],
    after: Mapping[tuple[str, ...], Reading],
    table: str,
    dropped: set[str],
) -> Iterator[str]:
    """What views and triggers do no longer that they did before."""
    gone = {(fold(table), column) for column in dropped}
    for key, old in before.items():
        new = after.get(key)
        words = f"{' '.join(key[:-1])} `{key[-1]}`"
        if old.error is not None or new is None:  # what is gone is missed by the comparison of the statements
            continue
        if new.error is not None and not old.columns & gone:
            yield f"the {words} would not work any more ({new.error})"
        elif lost := _lost(old, new, gone):
            yield f"{', '.join(f'`{table}.{column}`' for table, column in sorted(lost))} is needed by the {words}"


def _lost(old: Reading, new: Reading, gone: set[tuple[str, str]]) -> set[tuple[str, str]]:
    if new.error is not None:
        return set(old.columns & gone)
    return set(old.columns - new.columns - gone) | _turned_to_text(old, new, gone)


def _turned_to_text(old: Reading, new: Reading, gone: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Dropped columns that a statement still names in double quotes."""
    quoted = {fold(token.name) for token in tokenize(old.sql) if token.text.startswith('"')}
    return {each for each in (old.columns - new.columns) & gone if each[1] in quoted}


def _probes(connection: Connection, schema: str) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """(what, its SQL, the statement that compiles it) of each view and each kind of triggers on each table."""
    triggers: dict[tuple[str, str, str], list[str]] = {}
    for place in dict.fromkeys((schema, "temp")):
        for type_, name, table, sql in _views_and_triggers(connection, place):
            if type_ == "view":
                yield ("view", name), sql, f"EXPLAIN SELECT * FROM {quote(place)}.{quote(name)}"
            else:
                event = _event(list(tokenize(sql)))
                triggers.setdefault((event, trigger_schema(connection, place, table, sql), table), []).append(sql)
    for (event, place, table), statements in triggers.items():
        probe = _statement(connection, event, place, table)
        yield (event.lower(), "triggers of", table), "\n".join(statements), probe


def _key_probes(connection: Connection, schema: str, table: str) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """The same for the foreign keys of the table, and of those that refer to it."""
    sql = (
        f"SELECT DISTINCT m.name FROM {quote(schema)}.sqlite_master AS m, pragma_foreign_key_list(m.name, ?) AS k "
        "WHERE m.type = 'table' AND (k.\"table\" = ? COLLATE NOCASE OR m.name = ? COLLATE NOCASE)"
    )
    if fold(schema) == "temp":
        sql = sql.replace('"temp".sqlite_master', "sqlite_temp_master")
    for row in connection.exec_driver_sql(sql, (schema, table, table)):
        yield ("foreign keys of", row[0]), "", f"EXPLAIN PRAGMA {quote(schema)}.foreign_key_check({quote(row[0])})"


def _views_and_triggers(connection: Connection, schema: str) -> list[Any]:
    place = "sqlite_temp_master" if fold(schema) == "temp" else f"{quote(schema)}.sqlite_master"
    sql = f"SELECT type, name, tbl_name, sql FROM {place} WHERE type IN ('view', 'trigger') AND sql IS NOT NULL"
    return list(connection.exec_driver_sql(sql))


def _event(tokens: list[Token]) -> str:
    return next(token.text.upper() for token in tokens[3:] if token.is_word("DELETE", "INSERT", "UPDATE"))


def _statement(connection: Connection, event: str, schema: str, table: str) -> str:
    place = f"{quote(schema)}.{quote(table)}"
    if event == "INSERT":
        return f"EXPLAIN INSERT INTO {place} DEFAULT VALUES"
    if event == "DELETE":
        return f"EXPLAIN DELETE FROM {place}"
    try:
        names = [row[1] for row in pragma(connection, schema, "table_xinfo", table) if row[6] == 0]
    except DBAPIError:  # a view that does not work; nor will this
        names = ["rowid"]
    return f"EXPLAIN UPDATE {place} SET {', '.join(f'{quote(name)} = {quote(name)}' for name in names)}"


@contextmanager
def _watching(connection: Connection, seen: set[tuple[str, str]]) -> Iterator[None]:
    def authorize(action: int, table: str | None, column: str | None, _schema: str | None, inner: str | None) -> int:
        if action == READ and table and column and inner:
            seen.add((fold(table), fold(column)))
        return ALLOW

    _set_authorizer(connection, authorize)
    try:
        yield
    finally:
        if not connection.invalidated:  # as it is on a Ctrl-C within a statement
            _set_authorizer(connection, None)


def _set_authorizer(connection: Connection, authorizer: Any) -> None:
    driver: Any = connection.connection.dbapi_connection
    if not hasattr(driver, "run_async"):
        driver.set_authorizer(authorizer)
    elif hasattr(driver.driver_connection, "set_authorizer"):  # not in every aiosqlite: errors alone are seen then
        driver.run_async(lambda own: own.set_authorizer(authorizer))
