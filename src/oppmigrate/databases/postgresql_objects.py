"""What lies in a PostgreSQL database, and the statements that take it out."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, TextClause, text

from oppmigrate.errors import Refused

# Everything in a schema depends on it, but for what belongs to a table (indexes, triggers, row types); members of an
# extension depend on that as well and stay. Tables go first: an identity column keeps its sequence from being dropped.
OBJECTS = """
SELECT o.type AS kind, o.identity AS identity
FROM pg_depend AS d
JOIN pg_namespace AS n ON n.oid = d.refobjid
LEFT JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS o
WHERE d.refclassid = 'pg_namespace'::regclass AND d.deptype = 'n'
  AND n.nspname = ANY(string_to_array(:schemas, E'\\x01'))
  AND d.objsubid = 0 AND o.type <> 'default acl'
  AND d.classid::regclass::text NOT IN ('pg_extension', 'pg_publication_namespace')
  AND NOT EXISTS (
    SELECT FROM pg_depend AS e WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e')
ORDER BY CASE WHEN c.relkind IN ('r', 'p') THEN 0 WHEN c.relkind IN ('v', 'm', 'f') THEN 1
         WHEN c.relkind IS NOT NULL THEN 2 ELSE 3 END, o.type, o.identity
"""

# What elsewhere would be dropped along: foreign keys, views, and columns of our types.
DEPENDENTS = """
WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname = ANY(string_to_array(:schemas, E'\\x01')))
SELECT 'foreign key ' || quote_ident(k.conname) || ' of ' || k.conrelid::regclass || ' refers to '
       || k.confrelid::regclass
FROM pg_constraint AS k JOIN pg_class AS a ON a.oid = k.conrelid JOIN pg_class AS b ON b.oid = k.confrelid
WHERE k.contype = 'f' AND b.relnamespace IN (SELECT oid FROM ours) AND a.relnamespace NOT IN (SELECT oid FROM ours)
UNION
SELECT 'view ' || v.oid::regclass || ' reads ' || t.oid::regclass
FROM pg_depend AS d JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
JOIN pg_class AS v ON v.oid = r.ev_class
JOIN pg_class AS t ON d.refclassid = 'pg_class'::regclass AND t.oid = d.refobjid
WHERE t.relnamespace IN (SELECT oid FROM ours) AND v.relnamespace NOT IN (SELECT oid FROM ours)
UNION
SELECT 'column ' || quote_ident(a.attname) || ' of ' || c.oid::regclass || ' has the type ' || y.oid::regtype
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_type AS y ON y.oid = a.atttypid
WHERE y.typnamespace IN (SELECT oid FROM ours) AND c.relnamespace NOT IN (SELECT oid FROM ours)
  AND c.relkind IN ('r', 'p', 'f', 'm') AND NOT a.attisdropped
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_type'::regclass AND e.objid = y.oid
                  AND e.deptype = 'e')
ORDER BY 1
"""

SCHEMAS = r"""
SELECT n.nspname FROM pg_namespace AS n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = 'pg_namespace'::regclass AND e.objid = n.oid
                  AND e.deptype = 'e')
ORDER BY 1
"""

# Outside of every schema, and in a dump all the same.
OUTSIDE = """
SELECT 'event trigger', quote_ident(evtname) FROM pg_event_trigger
UNION ALL SELECT 'publication', quote_ident(pubname) FROM pg_publication
UNION ALL SELECT 'server', quote_ident(srvname) FROM pg_foreign_server
"""

SEPARATOR = "\x01"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One thing in the database: `kind` as DROP takes it, `identity` quoted and with its schema."""

    kind: str
    identity: str

    def __str__(self) -> str:
        return f"{self.kind} {self.identity}"

    @property
    def drop(self) -> str:
        kind = "statistics" if self.kind == "statistics object" else self.kind
        return f"DROP {kind.upper()} IF EXISTS {self.identity} CASCADE"


def read_schemas(connection: Connection) -> tuple[str, ...]:
    """The schemas that people made, and `public`."""
    return tuple(connection.scalars(text(SCHEMAS)))


def read_objects(connection: Connection, schemas: Sequence[str]) -> tuple[StoredObject, ...]:
    """What lies in the schemas, in an order in which it can be dropped."""
    rows = connection.execute(text(OBJECTS), {"schemas": SEPARATOR.join(schemas)})
    return tuple(StoredObject(row.kind, row.identity) for row in rows)


def refuse_dependents(connection: Connection, schemas: Sequence[str]) -> None:
    """Raise when something in another schema would be dropped, or lose its foreign key, along with ours.

    Raises:
        Refused: naming what it is.
    """
    found = list(connection.scalars(text(DEPENDENTS), {"schemas": SEPARATOR.join(schemas)}))
    if found:
        shown = "; ".join(found[:5]) + (f"; and {len(found) - 5} more" if len(found) > 5 else "")
        raise Refused(
            f"the schema {', '.join(schemas)} cannot be emptied: other schemas need what is in it",
            why=shown,
            do="drop those first, or name their schemas as well",
            dependents=found,
        )


def statements_to_empty(connection: Connection) -> list[str]:
    """Everything out, as a dump of the whole database puts it back; `public` and its extensions stay."""
    schemas = read_schemas(connection)
    outside = [StoredObject(kind, identity).drop for kind, identity in connection.execute(text(OUTSIDE))]
    objects = [stored.drop for stored in read_objects(connection, ["public"])]
    others = [f"DROP SCHEMA {quoted(name)} CASCADE" for name in schemas if name != "public"]
    large = ["SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata"]
    return [*outside, *objects, *others, *large]


def literally(statement: str) -> TextClause:
    """A statement to be run as it is written, whatever characters the names in it have."""
    return text(statement.replace(":", "\\:"))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
