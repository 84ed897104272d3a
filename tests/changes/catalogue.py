"""What a database holds, in lines without an order: a column that came back may have another place in its table."""

import re
from collections.abc import Callable, Iterator
from typing import Any

Query = Callable[[str], list[tuple[Any, ...]]]
# the server words the same condition otherwise when it reads what it wrote itself
CASTS = re.compile(r"::(?:text|character varying)(?:\[\])?|[()]")
KEY = re.compile(r"(?:CONSTRAINT \w+ )?PRIMARY KEY(?:\s*\((?P<columns>.*?)\))?(?P<counts> AUTOINCREMENT)?")
OWN = frozenset({"alembic_version", "oppman_journal"})
NEXT_NUMBER = re.compile(r" AUTO_INCREMENT=\d+")
POSTGRESQL = """
WITH tables AS (
  SELECT c.oid, c.relkind, n.nspname || '.' || c.relname AS name
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND c.relname !~ '^(alembic_version|oppman_journal)'
)
SELECT concat_ws(' ', t.name, 'column', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
  a.attidentity::text, a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid), l.collname,
  col_description(t.oid, a.attnum))
  FROM pg_attribute AS a JOIN tables AS t ON t.oid = a.attrelid
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
  WHERE t.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT concat_ws(' ', t.name, 'table', obj_description(t.oid, 'pg_class')) FROM tables AS t
  WHERE t.relkind = 'r'
UNION ALL SELECT concat_ws(' ', t.name, 'constraint', k.conname, pg_get_constraintdef(k.oid), k.convalidated)
  FROM pg_constraint AS k JOIN tables AS t ON t.oid = k.conrelid WHERE k.contype <> 'n'
UNION ALL SELECT concat_ws(' ', t.name, pg_get_indexdef(i.indexrelid), i.indisvalid)
  FROM pg_index AS i JOIN tables AS t ON t.oid = i.indrelid
UNION ALL SELECT concat_ws(' ', t.name, 'sequence', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement,
  s.seqmin, s.seqmax, s.seqcycle, d.refobjid::regclass::text, d.deptype::text)
  FROM pg_sequence AS s JOIN tables AS t ON t.oid = s.seqrelid
  LEFT JOIN pg_depend AS d ON d.objid = t.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
UNION ALL SELECT concat_ws(' ', 'type', t.typnamespace::regnamespace::text, t.typname,
  (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid))
  FROM pg_type AS t WHERE t.typtype = 'e'
"""


def read_schema(server: str, query: Query) -> set[str]:
    """Every definition of the application's tables, types and sequences on such a server."""
    return set(_READERS[server](query))


def read_rows(server: str, query: Query, tables: set[str]) -> dict[str, list[str]]:
    """The rows of each of the tables."""
    quote = "`" if server == "mysql" else '"'
    return {name: sorted(map(str, query(f"SELECT * FROM {quote}{name}{quote}"))) for name in tables}


def _sqlite(query: Query) -> Iterator[str]:
    for kind, name, table, sql in query("SELECT type, name, tbl_name, sql FROM sqlite_master"):
        if table in OWN or sql is None or name.startswith("sqlite_"):
            continue
        if kind != "table":
            yield f"{table} {kind} {sql}".replace('"', "")
            continue
        opening, closing = sql.index("("), sql.rindex(")")
        yield f"{name} table {sql[closing + 1 :].strip()}"
        for part in _split(sql[opening + 1 : closing]):
            key = KEY.search(part)
            rest = " ".join(KEY.sub("", part).split())
            if rest:
                yield f"{name} {rest}"
            if key:  # it may stand in its column, or behind all
                yield f"{name} primary key {key['columns'] or part.split()[0]} {key['counts']}"


def _split(body: str) -> Iterator[str]:
    """At the commas that stand in no parentheses and no quotes; names without theirs."""
    depth, quote, part = 0, "", ""
    for letter in [*body, ","]:
        quote = "" if letter == quote else quote or (letter if letter in "'\"" else "")
        depth += 0 if quote else (letter == "(") - (letter == ")")
        if letter == "," and not depth and not quote:
            yield " ".join(part.replace('"', "").split())
            part = ""
        else:
            part += letter


def _postgresql(query: Query) -> Iterator[str]:
    for (line,) in query(POSTGRESQL):
        yield CASTS.sub("", line) if " CHECK " in line else line


def _mysql(query: Query) -> Iterator[str]:
    for (name,) in query("SHOW TABLES"):
        if name not in OWN:
            sql = NEXT_NUMBER.sub("", query(f"SHOW CREATE TABLE `{name}`")[0][1])
            yield from (f"{name} {line.strip().removesuffix(',')}" for line in sql.split("\n"))


_READERS: dict[str, Callable[[Query], Iterator[str]]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mysql": _mysql,
}
