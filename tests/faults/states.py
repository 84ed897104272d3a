"""What a database holds, read from its catalogue: schema and rows, so that two can be compared to the letter."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pymysql
from sqlalchemy import make_url

Query = Callable[[str], list[Any]]

# what the engine writes about its own work is not the application's
OWN_TABLES = frozenset({"alembic_version", "oppman_journal"})

SQLITE_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'"
POSTGRESQL_TABLES = """
SELECT c.relname, c.relkind::text FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'S') ORDER BY 1
"""
POSTGRESQL_SCHEMA = """
SELECT c.relname, 'column ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) ||
  CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
  FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT c.relname, 'constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid) ||
  CASE WHEN k.convalidated THEN '' ELSE ' NOT VALIDATED' END
  FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid WHERE k.connamespace = 'public'::regnamespace
UNION ALL SELECT c.relname, 'index ' || pg_get_indexdef(i.indexrelid) ||
  CASE WHEN i.indisvalid AND i.indisready AND i.indislive THEN '' ELSE ' INVALID' END
  FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT c.relname, 'trigger ' || t.tgenabled::text || ' ' || pg_get_triggerdef(t.oid)
  FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL SELECT '(type) ' || t.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)
  FROM pg_type AS t JOIN pg_enum AS e ON e.enumtypid = t.oid GROUP BY t.typname
UNION ALL SELECT '(function) ' || p.proname, pg_get_functiondef(p.oid)
  FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace
"""
MYSQL_TRIGGERS = """
SELECT event_object_table, trigger_name, action_timing, event_manipulation, action_statement
FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1, 2
"""
NEXT_NUMBER = re.compile(r" AUTO_INCREMENT=\d+")


@dataclass(frozen=True)
class State:
    """Where a database stands and what it holds.

    Args:
        heads: what `alembic_version` records, sorted.
        schema: for each table, or other object, its definition in sorted lines.
        rows: for each table its rows as text, sorted.
    """

    heads: tuple[str, ...]
    schema: dict[str, tuple[str, ...]]
    rows: dict[str, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        return {"heads": self.heads, "schema": self.schema, "rows": self.rows}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "State":
        parts = ({name: tuple(lines) for name, lines in found[part].items()} for part in ("schema", "rows"))
        return cls(tuple(found["heads"]), *parts)

    def differences(self, other: "State") -> Iterator[str]:
        """What `other` has otherwise, a line each; nothing when the two are the same."""
        if self.heads != other.heads:
            yield f"heads: {named(self.heads)} <> {named(other.heads)}"
        for part in ("schema", "rows"):
            ours, theirs = getattr(self, part), getattr(other, part)
            for name in sorted({*ours, *theirs}):
                yield from _differences(f"{part} of {name}", ours.get(name), theirs.get(name))


def _differences(where: str, ours: tuple[str, ...] | None, theirs: tuple[str, ...] | None) -> Iterator[str]:
    if ours == theirs:
        return
    if ours is None or theirs is None:
        yield f"{where}: {'not there' if ours is None else 'there'} <> {'not there' if theirs is None else 'there'}"
        return
    missing, extra = Counter(ours) - Counter(theirs), Counter(theirs) - Counter(ours)
    yield f"{where}: {list(missing.elements())} <> {list(extra.elements())}"


def named(heads: tuple[str, ...]) -> str:
    """Heads as the commands name them."""
    return ", ".join(heads) or "base"


def read_sqlite(query: Query) -> State:
    everything = query(SQLITE_SCHEMA)
    found = [row for row in everything if row[2] not in OWN_TABLES]
    tables = [name for kind, name, _, _ in found if kind == "table"]
    schema: dict[str, list[str]] = {}
    for kind, name, table, sql in found:
        schema.setdefault(table, []).extend(_parts(kind, name, sql or ""))
    return _state(query, schema, tables, '"', any(row[1] == "alembic_version" for row in everything))


def _parts(kind: str, name: str, sql: str) -> Iterator[str]:
    """A definition in lines: a table's columns in their order, its constraints in any."""
    if kind != "table":
        yield f"{kind} {name}: {sql}"
        return
    opening, closing = sql.index("("), sql.rindex(")")
    yield f"table {name}: ( ) {sql[closing + 1 :].strip()}".strip()  # without the name, quoted or not
    for number, part in enumerate(_split(sql[opening + 1 : closing])):
        yield part if part.upper().startswith("CONSTRAINT ") else f"{number + 1}. {part}"


def _split(body: str) -> Iterator[str]:
    """At the commas that stand in no parentheses and no quotes."""
    depth, quote, part = 0, "", ""
    for letter in body:
        quote = "" if letter == quote else quote or (letter if letter in "'\"`" else "")
        depth += 0 if quote else (letter == "(") - (letter == ")")
        if letter == "," and not depth and not quote:
            yield " ".join(part.split())
            part = ""
        else:
            part += letter
    yield " ".join(part.split())


def read_postgresql(query: Query) -> State:
    found = dict(query(POSTGRESQL_TABLES))
    tables = [name for name, kind in found.items() if kind in "rp" and name not in OWN_TABLES]
    schema: dict[str, list[str]] = {
        name: [kind] for name, kind in found.items() if not name.startswith("oppman_journal")
    }
    schema.pop("alembic_version", None)
    for name, line in query(POSTGRESQL_SCHEMA):
        if name not in OWN_TABLES:
            schema.setdefault(name, []).append(line)
    return _state(query, schema, tables, '"', "alembic_version" in found)


def read_mysql(query: Query) -> State:
    found = [name for name, _kind in query("SHOW FULL TABLES")]
    tables = [name for name in found if name not in OWN_TABLES]
    schema = {name: NEXT_NUMBER.sub("", query(f"SHOW CREATE TABLE `{name}`")[0][1]).split("\n") for name in tables}
    for table, *trigger in query(MYSQL_TRIGGERS):
        schema.setdefault(table, []).append(" ".join(trigger))
    return _state(query, schema, tables, "`", "alembic_version" in found)


def _state(query: Query, schema: dict[str, list[str]], tables: list[str], quote: str, has_version: bool) -> State:
    rows = {name: [repr(tuple(row)) for row in query(f"SELECT * FROM {quote}{name}{quote}")] for name in tables}
    heads = query("SELECT version_num FROM alembic_version") if has_version else []
    return State(
        tuple(sorted(str(row[0]) for row in heads)),
        {name: tuple(sorted(lines)) for name, lines in schema.items()},
        {name: tuple(sorted(lines)) for name, lines in rows.items()},
    )


def connect_mysql(url: str) -> "pymysql.Connection[Any]":
    """A connection of its own to the database of a URL, with every statement on its own."""
    parsed = make_url(url)
    return pymysql.connect(
        host=parsed.host,
        port=parsed.port or 3306,
        user=parsed.username,
        password=str(parsed.password or ""),
        unix_socket=parsed.query.get("unix_socket"),
        database=parsed.database,
        autocommit=True,
        charset="utf8mb4",
        client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS,
    )
