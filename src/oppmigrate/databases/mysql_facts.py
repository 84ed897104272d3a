"""All tables of a MariaDB or MySQL database at once, from information_schema: a question for each kind of thing."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from oppmigrate.databases.expressions import plain
from oppmigrate.databases.facts import Reference, TableFacts
from oppmigrate.databases.rows import ask

HERE = "table_schema = COALESCE(:schema, DATABASE())"
TABLES = f"""
SELECT table_name, table_comment, table_collation FROM information_schema.tables
WHERE {HERE} AND table_type = 'BASE TABLE'
"""
COLUMNS = f"""
SELECT table_name, column_name, generation_expression, column_type, is_nullable, column_default,
  extra, character_set_name, collation_name, column_comment
FROM information_schema.columns WHERE {HERE} ORDER BY table_name, ordinal_position
"""
INDEXES = f"""
SELECT table_name, index_name, NOT non_unique, column_name,
  index_type = 'BTREE' AND sub_part IS NULL AND collation = 'A' AND column_name IS NOT NULL
FROM information_schema.statistics WHERE {HERE} ORDER BY table_name, index_name, seq_in_index
"""
FOREIGN_KEYS = """
SELECT k.table_name, k.constraint_name, k.column_name, NULLIF(k.referenced_table_schema, k.table_schema),
  k.referenced_table_name, k.referenced_column_name, r.delete_rule, r.update_rule
FROM information_schema.key_column_usage AS k JOIN information_schema.referential_constraints AS r
  ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
  AND r.table_name = k.table_name
WHERE k.table_schema = COALESCE(:schema, DATABASE()) AND r.constraint_schema = COALESCE(:schema, DATABASE())
  AND k.referenced_table_name IS NOT NULL
ORDER BY k.table_name, k.constraint_name, k.ordinal_position
"""
CHECKS = """
SELECT table_name, constraint_name, check_clause, level = 'Table' FROM information_schema.check_constraints
WHERE constraint_schema = COALESCE(:schema, DATABASE())
"""
OLDEST = (10, 5, 10)  # with `level`
UNSAID = ("RESTRICT", "NO ACTION")  # what SHOW CREATE TABLE leaves out, or may


def read_facts(connection: Connection, schema: str | None) -> Mapping[str, TableFacts] | None:
    """As `Database.read_facts`; None on MySQL, which tells of CHECKs and of indexes in other words."""
    if not getattr(connection.dialect, "is_mariadb", False):
        return None
    if (connection.dialect.server_version_info or ()) < OLDEST:
        return None

    def asked(query: str) -> list[tuple[Any, ...]]:
        return ask(connection, text(query), schema=schema)

    collations: dict[str, str] = {}
    found: dict[str, TableFacts] = {}
    for name, comment, collation in asked(TABLES):
        found[name] = TableFacts(comment=comment or None, uniques=None)
        collations[name] = collation
    for table, name, expression, *rest in asked(COLUMNS):
        if table in found:
            found[table].is_plain = found[table].is_plain and not expression
            found[table].columns[name] = (*rest, collations[table])
    _add_indexes(found, asked(INDEXES))
    _add_foreign_keys(found, asked(FOREIGN_KEYS))
    _add_checks(found, asked(CHECKS))
    return found


def _add_indexes(found: Mapping[str, TableFacts], rows: list[tuple[Any, ...]]) -> None:
    for table, name, is_unique, column, is_plain in rows:
        facts = found.get(table)
        if facts is None:
            continue
        facts.is_plain = facts.is_plain and bool(is_plain)
        if name == "PRIMARY":
            facts.primary_key += (column,)
        else:
            facts.indexes[name] = (bool(is_unique), (*facts.indexes.get(name, (False, ()))[1], column))


def _add_foreign_keys(found: Mapping[str, TableFacts], rows: list[tuple[Any, ...]]) -> None:
    keys: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in rows:
        keys.setdefault((row[0], row[1]), []).append(row)
    for (table, name), parts in keys.items():
        _, _, _, schema, referred, _, on_delete, on_update = parts[0]
        if table in found:
            rules = [None if rule in UNSAID else rule for rule in (on_delete, on_update)]
            columns, there = (tuple(part[at] for part in parts) for at in (2, 5))
            found[table].foreign_keys.append((name, Reference(columns, schema, referred, there, *rules)))


def _add_checks(found: Mapping[str, TableFacts], rows: list[tuple[Any, ...]]) -> None:
    for table, name, condition, is_of_table in rows:
        facts = found.get(table)
        if facts is None:
            continue
        if is_of_table:
            facts.checks[name] = condition
        elif plain(condition) != plain(f"json_valid(`{name}`)"):  # a part of its column, which it is called after
            facts.is_plain = False
