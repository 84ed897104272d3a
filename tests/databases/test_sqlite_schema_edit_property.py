"""Random tables, random changes: with the stored definition edited, and rebuilt, the same comes out, or the same error.

`OPPMAN_TEST_EXAMPLES=5000` runs it for longer.
"""

import os
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, event, given, note, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from databases.test_sqlite_rebuild_property import damage_of_a_new_table, make
from oppmigrate.errors import MigrateError
from sqlite_batches import Tables, tables
from sqlite_random import RandomTable, random_operations, random_tables

EXAMPLES = int(os.environ.get("OPPMAN_TEST_EXAMPLES", "80"))
# making a failure small takes minutes: only where somebody asked for many examples
PHASES = list(Phase) if "OPPMAN_TEST_SHRINK" in os.environ else [Phase.explicit, Phase.reuse, Phase.generate]
PRAGMAS = ("table_xinfo", "foreign_key_list", "index_list")
LATE = ("ALTER TABLE tab ADD COLUMN late_1 INT DEFAULT 5", "ALTER TABLE tab ADD COLUMN late_2 TEXT COLLATE NOCASE")
Change = tuple[str, Callable[[Any], Any]]


@st.composite
def changes(draw: Any, table: RandomTable) -> list[Change]:
    """Changes that an edit may be the way for, and now and then one that it is not."""
    found: list[Change] = []
    for number in range(draw(st.integers(1, 4))):
        column = draw(st.sampled_from([*(each for each in table.columns if not each.is_generated), None]))
        name = column.name if column else draw(st.sampled_from(["late_1", "late_2"]))
        found.append(draw(change(name, column.type_ if column else "INT", number)))
    if draw(st.integers(0, 4)) == 0:
        more = draw(random_operations(table))
        found += [(each.words, each.run) for each in more if "insert_" not in each.words]  # only with recreate="always"
    return found


@st.composite
def change(draw: Any, name: str, type_: str, number: int) -> Change:
    quoted = '"' + name.replace('"', '""') + '"'
    nullable, default = draw(st.booleans()), draw(st.sampled_from([None, "x", sa.text("7"), sa.text("(random())")]))
    same = draw(
        st.sampled_from([sa.BigInteger(), sa.SmallInteger()] if "INT" in type_.upper() else [sa.String(30), sa.CLOB()])
    )
    checked, referred = (
        draw(st.sampled_from(["IS NOT 3", "IS NOT 'x'", "> 0", "<>"])),
        draw(st.sampled_from(["id", "nothing"])),
    )
    return draw(
        st.sampled_from(
            [
                (f"{name} nullable {nullable}", lambda batch: batch.alter_column(name, nullable=nullable)),
                (f"{name} default {default!r}", lambda batch: batch.alter_column(name, server_default=default)),
                (f"{name} type {same!r}", lambda batch: batch.alter_column(name, type_=same)),
                (
                    f"{name} check {checked}",
                    lambda batch: batch.create_check_constraint(f"ck_{number}", sa.text(f"{quoted} {checked}")),
                ),
                (
                    f"{name} refers to {referred}",
                    lambda batch: batch.create_foreign_key(f"fk_{number}", "parent", [name], [referred]),
                ),
                (f"drop ck_{number}", lambda batch: batch.drop_constraint(f"ck_{number}", type_="check")),
                (f"drop c{number}", lambda batch: batch.drop_constraint(f"c{number}", type_="foreignkey")),
                (f"add new_{number}", lambda batch: batch.add_column(sa.Column(f"new_{number}", sa.Integer()))),
            ]
        )
    )


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
def test_edit_and_rebuild_arrive_at_the_same(data: st.DataObject) -> None:
    table = data.draw(random_tables())
    late = data.draw(st.lists(st.sampled_from(LATE), unique=True))
    wanted = data.draw(changes(table))
    after = data.draw(st.integers(0, len(table.inserts)))
    for each in (table.sql, *table.others, *map(str, table.inserts), *late, *(words for words, _ in wanted)):
        note(each)
    with tables(edits=True) as edited, tables(edits=False) as rebuilt:
        found = []
        for database in (edited, rebuilt):
            if not made(database, table, late, after):
                event("SQLite does not take the table")
                return
            found.append(outcome(database, wanted))
        assert found[0] == found[1]
        event("refused" if found[0] else "edited" if edited.edits() and not edited.copies() else "not edited")
        assert seen(edited) == seen(rebuilt)
        assert edited.rows("PRAGMA writable_schema") == [(0,)]
        damage = set(edited.rows("PRAGMA integrity_check"))
        if damage != {("ok",)}:  # SQLite 3.40 finds some in a new table of that kind, too
            assert damage <= {*rebuilt.rows("PRAGMA integrity_check"), *damage_of_a_new_table(rebuilt)}


def made(database: Tables, table: RandomTable, late: list[str], after: int) -> bool:
    """The table, with columns that come when some of its rows are there."""
    inserts = table.inserts
    table.inserts = inserts[:after]
    is_made = make(database, table)
    table.inserts = inserts
    for statement in late if is_made else ():
        database.execute(statement)
    for statement, values in inserts[after:] if is_made else ():
        try:
            database.connection.exec_driver_sql(statement, values)
            database.connection.commit()
        except Exception:  # a value that this table does not take
            database.connection.rollback()
    return is_made


def outcome(database: Tables, wanted: list[Change]) -> str:
    """What the upgrade is refused with; nothing where it is done."""

    def revision(op: Any) -> None:
        with op.batch_alter_table("tab") as batch:
            for _words, run in wanted:
                run(batch)

    before = database.everything()
    try:
        database.upgrade(revision)
    except (MigrateError, OperationalError) as error:
        database.connection.rollback()
        assert database.everything() == before
        return f"{type(error).__name__}: {error}"
    return ""


def seen(database: Tables) -> Any:
    """All that it holds, and what SQLite makes of the table."""
    listed = [database.rows(f"PRAGMA {pragma}(tab)") for pragma in PRAGMAS]
    names = sorted(row[1] for row in listed[2])
    return database.everything(), listed[:2], [database.rows(f'PRAGMA index_xinfo("{name}")') for name in names]
