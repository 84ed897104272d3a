"""Databases on a PostgreSQL server that are emptied and used again: to make one takes longer than most tests.

A test must not be able to tell one from a new one. What it left is dropped, and then the catalogues are compared with
those of a new database; where anything is left, or differs, the database goes, and another is made when one is needed.
"""

from typing import Any

import psycopg

# what a schema does not take along when it is dropped shows in one of these
CATALOGUES = (
    *("am", "cast", "class", "collation", "constraint", "conversion", "default_acl", "event_trigger", "extension"),
    *("foreign_data_wrapper", "foreign_server", "language", "largeobject_metadata", "namespace", "opclass", "operator"),
    *("policy", "proc", "publication", "rewrite", "statistic_ext", "subscription", "trigger", "ts_config", "type"),
)
CONTENTS = f"""
SELECT d.datdba, d.datacl::text, d.datconnlimit, d.dattablespace, n.nspowner, n.nspacl::text,
  obj_description(n.oid, 'pg_namespace'),
  (SELECT count(*) FROM pg_db_role_setting AS s WHERE s.setdatabase = d.oid),
  (SELECT count(*) FROM pg_prepared_xacts AS x WHERE x.database = d.datname),
  {", ".join(f"(SELECT count(*) FROM pg_{name})" for name in CATALOGUES)}
FROM pg_database AS d, pg_namespace AS n WHERE d.datname = current_database() AND n.nspname = 'public'
"""
OTHERS = (
    "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type LIKE '%client%'"
)
EMPTY = """
DO $$
DECLARE item record;
BEGIN
  FOR item IN SELECT nspname AS name FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema')
  LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', item.name);
  END LOOP;
  LOOP
    SELECT object.type, object.identity INTO item
      FROM pg_depend, LATERAL pg_identify_object(classid, objid, 0) AS object
      WHERE refclassid = 'pg_namespace'::regclass AND refobjid = 'public'::regnamespace LIMIT 1;
    EXIT WHEN NOT FOUND;
    EXECUTE format('DROP %s %s CASCADE', item.type, item.identity);
  END LOOP;
END $$
"""
LOCK_TIMEOUT = "SET lock_timeout = '5s'"


class Pool:
    """The databases of one process that nobody uses at the moment, by the server that they are on."""

    def __init__(self) -> None:
        self._spare: dict[str, list[str]] = {}
        self._new: dict[str, tuple[Any, ...]] = {}  # what a new database on a server holds

    def take(self, server: str) -> str | None:
        """The name of an empty one, if there is one."""
        spare = self._spare.get(server)
        return spare.pop() if spare else None

    def remember_new(self, server: str, connection: psycopg.Connection) -> None:
        """Read what a database holds that was made just now."""
        if server not in self._new:
            self._new[server] = _contents(connection)

    def give_back(self, server: str, name: str, connection: psycopg.Connection) -> bool:
        """Empty a database for the next who needs one; False if it is not to be used again."""
        try:
            connection.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM {OTHERS}")  # type: ignore[arg-type]
            connection.execute(LOCK_TIMEOUT)
            connection.execute(EMPTY)
            is_as_new = _contents(connection) == self._new[server]
        except psycopg.Error:
            return False
        if is_as_new:
            self._spare.setdefault(server, []).append(name)
        return is_as_new

    def clear(self) -> list[tuple[str, str]]:
        """Give up all of them: a server and a name for each."""
        spare = [(server, name) for server, names in self._spare.items() for name in names]
        self._spare.clear()
        return spare


def _contents(connection: psycopg.Connection) -> tuple[Any, ...]:
    return tuple(connection.execute(CONTENTS).fetchall()[0])  # type: ignore[arg-type]
