"""All tables of a PostgreSQL schema at once, from its catalogue: a question for each kind of thing."""

import re
from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, text

from oppmigrate.databases.facts import Reference, TableFacts
from oppmigrate.databases.rows import ask

IN_SCHEMA = """
pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = coalesce(:schema, current_schema())
"""
TABLES = f"""
SELECT c.relname, d.description,
  c.relkind = 'r' AND NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = c.oid)
FROM {IN_SCHEMA} LEFT JOIN pg_description AS d
  ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = 0
WHERE c.relkind IN ('r', 'p')
"""
# a sequence that a column owns is called after its table: `serial` stands for its next value
COLUMNS = f"""
SELECT c.relname, a.attname, a.attgenerated <> '', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation,
  CASE WHEN o.relname ~ '^[a-z_][a-z0-9_]*$'
    AND pg_get_expr(e.adbin, e.adrelid) = 'nextval(''' || o.relname || '''::regclass)' THEN 'serial'
    ELSE pg_get_expr(e.adbin, e.adrelid) END,
  a.attidentity, d.description, q.seqtypid, q.seqstart, q.seqincrement, q.seqmax, q.seqmin, q.seqcache, q.seqcycle
FROM {IN_SCHEMA} JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS e ON e.adrelid = c.oid AND e.adnum = a.attnum
LEFT JOIN pg_description AS d
  ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = a.attnum
LEFT JOIN pg_depend AS p ON (e.oid IS NOT NULL OR a.attidentity <> '')
  AND p.refclassid = 'pg_class'::regclass AND p.refobjid = c.oid AND p.refobjsubid = a.attnum
  AND p.classid = 'pg_class'::regclass AND p.deptype IN ('a', 'i')
  AND p.objid IN (SELECT seqrelid FROM pg_sequence)
LEFT JOIN pg_class AS o ON o.oid = p.objid
LEFT JOIN pg_sequence AS q ON q.seqrelid = p.objid AND a.attidentity <> ''
WHERE c.relkind IN ('r', 'p') ORDER BY c.oid, a.attnum
"""
CONSTRAINTS = f"""
SELECT c.relname, k.contype, k.conname, k.convalidated, pg_get_constraintdef(k.oid)
FROM {IN_SCHEMA} JOIN pg_constraint AS k ON k.conrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND k.contype NOT IN ('t', 'n')
"""
INDEXES = f"""
SELECT c.relname, x.relname, i.indisunique, i.indisvalid, pg_get_indexdef(i.indexrelid)
FROM {IN_SCHEMA} JOIN pg_index AS i ON i.indrelid = c.oid JOIN pg_class AS x ON x.oid = i.indexrelid
WHERE c.relkind IN ('r', 'p')
  AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
"""
OLDEST = (12,)  # with generated columns in the catalogue

_NAME = r'(?:[a-z_][a-z0-9_$]*|"(?:[^"]|"")+")'
_NAMES = rf"{_NAME}(?:, {_NAME})*"
_KEY = re.compile(rf"(?:PRIMARY KEY|UNIQUE) \(({_NAMES})\)")
_FOREIGN = re.compile(
    rf"FOREIGN KEY \(({_NAMES})\) REFERENCES (?:({_NAME})\.)?({_NAME})\(({_NAMES})\)"
    r"(?: ON UPDATE (CASCADE|RESTRICT|SET NULL|SET DEFAULT))?(?: ON DELETE (CASCADE|RESTRICT|SET NULL|SET DEFAULT))?"
)
_CHECK = re.compile(r"CHECK \((.*)\)", re.DOTALL)
_INDEX = re.compile(rf"CREATE (?:UNIQUE )?INDEX {_NAME} ON {_NAME}(?:\.{_NAME})? USING btree \(({_NAMES})\)")
_EACH = re.compile(_NAME)


def read_facts(connection: Connection, schema: str | None) -> Mapping[str, TableFacts] | None:
    """As `Database.read_facts`."""
    if (connection.dialect.server_version_info or ()) < OLDEST:
        return None
    found: dict[str, TableFacts] = {}
    for name, comment, is_plain in ask(connection, text(TABLES), schema=schema):
        found[name] = TableFacts(comment=comment, is_plain=is_plain)
    missing: defaultdict[str, TableFacts] = defaultdict(TableFacts)  # made between two of the questions
    for table, name, is_generated, *rest in ask(connection, text(COLUMNS), schema=schema):
        facts = found.get(table) or missing[table]
        facts.is_plain = facts.is_plain and not is_generated and name not in facts.columns
        facts.columns[name] = tuple(rest)
    for table, kind, name, is_valid, definition in ask(connection, text(CONSTRAINTS), schema=schema):
        facts = found.get(table) or missing[table]
        # asyncpg gives the kind as bytes
        is_read = _add_constraint(facts, kind.decode() if isinstance(kind, bytes) else kind, name, definition)
        facts.is_plain = facts.is_plain and is_valid and is_read
    for table, name, is_unique, is_valid, definition in ask(connection, text(INDEXES), schema=schema):
        facts = found.get(table) or missing[table]
        index = _INDEX.fullmatch(definition)
        facts.is_plain = facts.is_plain and is_valid and index is not None
        if index is not None:
            facts.indexes[name] = (is_unique, _names(index[1]))
    return found


def _add_constraint(facts: TableFacts, kind: str, name: str, definition: str) -> bool:
    """Put the constraint into the facts; False where they have no word for something about it."""
    if kind in ("p", "u"):
        key = _KEY.fullmatch(definition)
        if key is not None and kind == "p":
            facts.primary_key = _names(key[1])
        elif key is not None and facts.uniques is not None:
            facts.uniques.append((name, _names(key[1])))
        return key is not None
    if kind == "f":
        found = _FOREIGN.fullmatch(definition)
        if found is not None:
            schema = _names(found[2])[0] if found[2] else None
            (table,) = _names(found[3])
            reference = Reference(_names(found[1]), schema, table, _names(found[4]), found[6], found[5])
            facts.foreign_keys.append((name, reference))
        return found is not None
    check = _CHECK.fullmatch(definition) if kind == "c" else None
    if check is not None:
        facts.checks[name] = check[1]
    return check is not None


def _names(names: str) -> tuple[str, ...]:
    return tuple(each[1:-1].replace('""', '"') if each[0] == '"' else each for each in _EACH.findall(names))
