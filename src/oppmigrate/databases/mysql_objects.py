"""What lies in a MariaDB or MySQL database, and the statements that take it out."""

from dataclasses import dataclass

from sqlalchemy import Connection

from oppmigrate.errors import Refused

# Views first: they need the tables. Triggers go with their tables.
OBJECTS = """
SELECT CASE table_type WHEN 'VIEW' THEN 'view' WHEN 'SEQUENCE' THEN 'sequence' ELSE 'table' END AS kind,
       table_name AS name, CASE table_type WHEN 'VIEW' THEN 0 WHEN 'SEQUENCE' THEN 2 ELSE 1 END AS position
FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type <> 'SYSTEM VIEW'
UNION ALL SELECT LOWER(routine_type), routine_name, 3 FROM information_schema.routines
WHERE routine_schema = DATABASE() AND routine_type <> 'PACKAGE BODY'
UNION ALL SELECT 'event', event_name, 4 FROM information_schema.events WHERE event_schema = DATABASE()
ORDER BY position, kind, name
"""

DEPENDENTS = """
SELECT DISTINCT table_schema, table_name, constraint_name, referenced_table_name
FROM information_schema.key_column_usage
WHERE referenced_table_schema = DATABASE() AND table_schema <> DATABASE()
ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One thing in the database: `kind` as DROP takes it."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def drop(self) -> str:
        return f"DROP {self.kind.upper()} IF EXISTS {quoted(self.name)}"


def read_objects(connection: Connection) -> tuple[StoredObject, ...]:
    """What lies in the connection's database, in an order in which it can be dropped."""
    return tuple(StoredObject(kind, name) for kind, name, _position in connection.exec_driver_sql(OBJECTS))


def refuse_dependents(connection: Connection) -> None:
    """Raise when a foreign key of another database would be left pointing nowhere.

    Raises:
        Refused: naming the foreign keys.
    """
    found = [
        f"foreign key {constraint} of {schema}.{table} refers to {target}"
        for schema, table, constraint, target in connection.exec_driver_sql(DEPENDENTS)
    ]
    if found:
        raise Refused(
            "the database cannot be emptied: another database needs what is in it",
            why="; ".join(found[:5]) + (f"; and {len(found) - 5} more" if len(found) > 5 else ""),
            do="drop those foreign keys first",
            dependents=found,
        )


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
