"""Enum types in PostgreSQL's catalogue, and the expressions by which a column gets another type."""

from collections import defaultdict

from sqlalchemy import Connection, text

from oppmigrate.databases.postgresql_objects import quoted
from oppmigrate.databases.rows import ask
from oppmigrate.databases.type_questions import EnumColumn, NamedEnum

ADDS_IN_TRANSACTION = (12,)  # the server's version. Source: PostgreSQL 12, release notes, "Utility Commands"

ENUMS = r"""
SELECT t.oid, NULLIF(n.nspname, current_schema()), t.typname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
JOIN pg_catalog.pg_enum AS e ON e.enumtypid = t.oid
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_depend AS d
  WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
GROUP BY 1, 2, 3 ORDER BY 2, 3
"""

# a partition's columns, and inherited ones, follow those of their parent
COLUMNS = """
SELECT COALESCE(element.oid, t.oid), c.relname, NULLIF(n.nspname, current_schema()), a.attname,
       CASE WHEN element.oid IS NULL THEN '' ELSE '[]' END, NOT a.attnotnull,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END
FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type AS element ON element.oid = t.typelem AND t.typcategory = 'A'
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attinhcount = 0 AND a.attnum > 0 AND NOT a.attisdropped
  AND 'e' IN (t.typtype, element.typtype)
ORDER BY 3 NULLS FIRST, 2, a.attnum
"""

# what two types are, and the cast between them: 'i' and 'a' are used without being asked for, 'e' only by `::`
PAIR = """
SELECT old.oid = new.oid, old.typcategory, new.typcategory, (
  SELECT castcontext::text FROM pg_catalog.pg_cast WHERE castsource = old.oid AND casttarget = new.oid)
FROM (SELECT to_regtype(:old)::oid AS oid) AS o LEFT JOIN pg_catalog.pg_type AS old ON old.oid = o.oid
CROSS JOIN (SELECT to_regtype(:new)::oid AS oid) AS n LEFT JOIN pg_catalog.pg_type AS new ON new.oid = n.oid
"""

SEQUENCE = """
SELECT quote_ident(s.relname) FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_class AS s ON d.classid = 'pg_class'::regclass AND s.oid = d.objid AND s.relkind = 'S'
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass(:name) AND a.attname = :column
  AND d.deptype = 'a'
"""


def read_enums(connection: Connection) -> tuple[NamedEnum, ...]:
    """As `Database.read_enums`."""
    columns = defaultdict(list)
    for oid, *column in ask(connection, text(COLUMNS)):
        columns[oid].append(EnumColumn(*column))
    return tuple(
        NamedEnum(name, schema, tuple(values), tuple(columns[oid]))
        for oid, schema, name, values in ask(connection, text(ENUMS))
    )


def cast(connection: Connection, column: str, old: str, new: str) -> str | None:
    """As `Database.cast`: by the server's own cast where it has one, else by way of the text."""
    same, old_category, new_category, context = ask(connection, text(PAIR), old=_bare(old), new=_bare(new))[0]
    if same or context in ("i", "a") or new_category == "S":
        return None
    name = quoted_where_needed(connection, column)
    if context == "e" or old_category == "S":
        return f"{name}::{new}"
    if "B" in (old_category, new_category) and "N" in (old_category, new_category):
        return f"{name}::integer::{new}"  # between booleans and numbers, only integer has a cast
    return f"{name}::text{'[]' if new.endswith('[]') and old.endswith('[]') else ''}::{new}"


def quoted_where_needed(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)


def _bare(type_sql: str) -> str:
    """The type without what `to_regtype` does not take."""
    return type_sql.partition(" COLLATE ")[0]


def owned_sequence(connection: Connection, table: str, schema: str | None, column: str) -> str | None:
    """As `Database.owned_sequence`; an identity column's is none of these."""
    name = f"{quoted(schema)}.{quoted(table)}" if schema else quoted(table)
    found = ask(connection, text(SEQUENCE), name=name, column=column)
    if not found:
        return None
    return f"{quoted_where_needed(connection, schema)}.{found[0][0]}" if schema else str(found[0][0])
