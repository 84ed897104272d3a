"""The structure of a SQLite database: the statements that it stores, and another database made from them.

Each new object makes SQLite read all of `sqlite_master`, so that a thousand tables with their indexes would take more
than a second. What is made is therefore moved aside, a few objects at a time, and put back when all of it is there.
"""

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, text

from oppmigrate.databases.rows import ask
from oppmigrate.databases.sqlite_driver import driver_of, execute, execute_script, is_in_transaction
from oppmigrate.databases.structure_questions import Structure
from oppmigrate.errors import MigrationFailed

KINDS = ("table", "index", "view", "trigger")  # each stands on what is before it
OBJECTS = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' "
OBJECTS += "ESCAPE '\\' ORDER BY rowid"
SCHEMAS = "SELECT name FROM pragma_database_list WHERE name NOT IN ('main', 'temp')"
VIRTUAL = "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage = 0"
NAMES = """
SELECT lower(name) FROM pragma_table_xinfo(:table)
UNION SELECT lower(name) FROM sqlite_master
WHERE sql IS NOT NULL AND type <> 'table' AND tbl_name = :table COLLATE NOCASE
"""
# a view's statement may end with a comment; of other objects it is stored with the line break that ended that
ENDS = {"view": "\n;"}
AT_ONCE = 20
ASIDE = "INSERT INTO temp.oppman_made SELECT * FROM main.sqlite_master; DELETE FROM main.sqlite_master;"


def read_structure(connection: Connection, tables: Collection[str]) -> Structure | None:
    """As `Database.read_structure`. None for virtual tables, which are made by what their modules like to do."""
    if ask(connection, SCHEMAS) or ask(connection, VIRTUAL):
        return None
    objects = sorted(ask(connection, OBJECTS), key=lambda each: KINDS.index(each[0]))
    there = {name.lower() for kind, name, *_ in objects if kind == "table"}
    names = {
        table: frozenset(name for (name,) in ask(connection, text(NAMES), table=table))
        for table in tables
        if table.lower() in there
    }
    return Structure(tuple((kind, name, table, sql) for kind, name, table, sql in objects), names)


def make_structure(connection: Connection, structure: Structure) -> None:
    """As `Database.make_structure`; a transaction that is open is committed, and another one begun."""
    driver, was_inside = driver_of(connection), is_in_transaction(connection)
    there = {(kind, name) for kind, name, _, _ in execute(driver, OBJECTS)}
    missing = [each for each in structure.objects if each[:2] not in there]
    execute_script(driver, "".join(_script([f"{sql}{ENDS.get(kind, ';')}" for kind, _, _, sql in missing])))
    if was_inside:
        execute(driver, "BEGIN IMMEDIATE")
    made = {tuple(each) for each in execute(driver, OBJECTS)}
    different = sorted(name for kind, name, table, sql in missing if (kind, name, table, sql) not in made)
    if different or len(made) != len(there) + len(missing):
        raise MigrationFailed(
            f"the structure of the database cannot be made again: {', '.join(different[:3])}",
            why="its stored statements, executed in an empty database, are stored otherwise",
        )


def _script(statements: list[str]) -> Iterator[str]:
    yield "BEGIN; PRAGMA writable_schema = ON; CREATE TEMP TABLE oppman_made AS SELECT * FROM main.sqlite_master; "
    yield "DELETE FROM main.sqlite_master;"
    for first in range(0, len(statements), AT_ONCE):
        yield from statements[first : first + AT_ONCE]
        yield ASIDE
    yield "INSERT INTO main.sqlite_master SELECT * FROM temp.oppman_made; DROP TABLE temp.oppman_made; COMMIT; "
    yield "PRAGMA writable_schema = RESET;"
