"""Random tables, random operations: what no operation names is the same afterwards, byte for byte.

`OPPMAN_TEST_EXAMPLES=5000` runs it for longer.
"""

import os
from typing import Any

from hypothesis import HealthCheck, Phase, event, given, note, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from oppmigrate.errors import MigrationFailed
from sqlite_batches import Tables, tables
from sqlite_random import RandomOperation, RandomTable, random_operations, random_tables

EXAMPLES = int(os.environ.get("OPPMAN_TEST_EXAMPLES", "60"))
# making a failure small takes minutes: only where somebody asked for many examples
PHASES = list(Phase) if "OPPMAN_TEST_SHRINK" in os.environ else [Phase.explicit, Phase.reuse, Phase.generate]


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
def test_what_no_operation_names_is_the_same_byte_for_byte(data: st.DataObject) -> None:
    table = data.draw(random_tables())
    with tables(edits=data.draw(st.booleans())) as database:
        if not make(database, table):
            event("SQLite does not take the table")
            return
        operations = data.draw(random_operations(table))
        is_placed = any("insert_" in operation.words for operation in operations)
        recreate = "always" if is_placed else data.draw(st.sampled_from(["auto", "auto", "always"]))
        for statement in (table.sql, *table.others):
            note(statement)
        note("; ".join(operation.words for operation in operations))
        check(database, table, operations, recreate)


def make(database: Tables, table: RandomTable) -> bool:
    """The table and all around it, or as much of that as SQLite takes."""
    database.execute(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "INSERT INTO parent VALUES (1), (2), (3)",
        "CREATE TABLE log (what)",
    )
    try:
        database.execute(table.sql)
    except OperationalError:
        database.connection.rollback()
        return False
    for statement in table.others:
        try:
            database.execute(statement)
        except OperationalError:
            database.connection.rollback()
    for statement, values in table.inserts:
        try:
            database.connection.exec_driver_sql(statement, values)
            database.connection.commit()
        except Exception:  # a value that this table does not take
            database.connection.rollback()
    if database.rows("PRAGMA foreign_key_list(tab)"):
        while broken := database.rows("PRAGMA foreign_key_check(tab)"):
            if not table.has_rowid:
                database.execute("DELETE FROM tab")
            else:
                database.execute(f"DELETE FROM tab WHERE {rowid(table)} = {broken[0][1]}")
    return True


def check(database: Tables, table: RandomTable, operations: list[RandomOperation], recreate: Any) -> None:
    before = look(database, table)
    everything = database.everything()

    def revision(op: Any) -> None:
        with op.batch_alter_table("tab", recreate=recreate) as batch:
            for operation in operations:
                operation.run(batch)

    try:
        database.upgrade(revision)
    except Exception as error:
        if not isinstance(error, MigrationFailed):
            raise
        event(f"refused: {type(error).__name__}")
        assert "came out otherwise" not in error.what
        for difference in error.facts.get("differences", ()):  # what leans on a dropped column, and no fault of ours
            assert any(word in difference for word in ("view `", "triggers of `", "the foreign keys of `")), difference
        note(str(error))
        assert database.everything() == everything
        return
    event("done")
    renamed = {old: new for operation in operations for old, new in operation.renamed.items()}
    compare(database, table, operations, renamed, before)
    if (damage := database.rows("PRAGMA integrity_check")) != [("ok",)]:
        # SQLite 3.40 finds NULLs that are none in tables without a rowid that were just made, too
        assert set(damage) <= set(damage_of_a_new_table(database))
    assert database.rows("PRAGMA foreign_key_check(tab)") == []


def damage_of_a_new_table(database: Tables) -> list[Any]:
    """What SQLite says of the same definition, with the same rows put in one by one."""
    names = [
        f'"{row[1].replace(chr(34), chr(34) * 2)}"' for row in database.rows("PRAGMA table_xinfo(tab)") if not row[6]
    ]
    rows = database.rows(f"SELECT {', '.join(names)} FROM tab")
    indexes = [row[3] for row in database.objects() if row[0] == "index" and row[2] == "tab" and row[3]]
    with tables() as fresh:
        fresh.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)", str(database.sql("tab")), *indexes)
        for row in rows:
            sql = f"INSERT INTO tab ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})"
            fresh.connection.exec_driver_sql(sql, row)
        fresh.connection.commit()
        return fresh.rows("PRAGMA integrity_check")


def look(database: Tables, table: RandomTable) -> dict[str, Any]:
    return {
        "rows": {column.name: values(database, table, column.name) for column in table.columns},
        "objects": database.objects(),
        "columns": {row[1]: row[2:] for row in database.rows("PRAGMA table_xinfo(tab)")},
        "sequence": sequence(database),
    }


def compare(
    database: Tables, table: RandomTable, operations: list[RandomOperation], renamed: dict[str, str], before: Any
) -> None:
    touched = {name for operation in operations for name in operation.touched}
    dropped = {name for operation in operations for name in operation.dropped}
    typed = {name for operation in operations if operation.words.startswith("type") for name in operation.touched}
    loses_key = any(column.is_key for column in table.columns if column.name in dropped)
    for column in table.columns:
        now = renamed.get(column.name, column.name)
        if column.name in dropped:
            continue
        if column.name not in typed and not column.needs & typed:
            now_there, then = values(database, table, now), before["rows"][column.name]
            if any(each.is_key for each in table.columns if each.name in typed):  # it may be the rowid now
                now_there, then = sorted(row[-2:] for row in now_there), sorted(row[-2:] for row in then)
            assert now_there == then, f"the values of {column.name}"
        if column.name not in touched and not (column.is_key and loses_key):
            facts = {row[1]: row[2:] for row in database.rows("PRAGMA table_xinfo(tab)")}
            assert facts[now] == before["columns"][column.name], f"what SQLite knows of {column.name}"
    sql = str(database.sql("tab"))
    if not renamed:
        for column in table.columns:
            if column.name not in touched:
                assert column.text in sql
        compare_objects(database, dropped, before["objects"])
    if "AUTOINCREMENT" in sql:
        assert sequence(database) == before["sequence"]


def compare_objects(database: Tables, dropped: set[str], before: set[Any]) -> None:
    """Nothing else is gone or changed, but for indexes of dropped columns, and those that were dropped by name."""
    old = {row for row in before if row[1] != "tab" and row[3] is not None}
    new = {row for row in database.objects() if row[1] != "tab" and row[3] is not None}
    gone = {row for row in old - new if not (row[0] == "index" and (dropped or row[1] == "i_desc"))}
    assert not gone
    assert all(row[0] == "index" and row[1].startswith("ix new") for row in new - old)


def values(database: Tables, table: RandomTable, column: str) -> Any:
    name = '"' + column.replace('"', '""') + '"'
    if table.has_rowid and rowid(table):
        rows = database.rows(f"SELECT {rowid(table)}, typeof({name}), quote({name}) FROM tab ORDER BY 1")
    else:
        rows = sorted(database.rows(f"SELECT typeof({name}), quote({name}) FROM tab"))
    return rows


def rowid(table: RandomTable) -> str:
    names = {column.name.lower() for column in table.columns}
    return "rowid" if "rowid" not in names else "_rowid_"


def sequence(database: Tables) -> Any:
    if not database.rows("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
        return []
    return database.rows("SELECT * FROM sqlite_sequence ORDER BY name")
