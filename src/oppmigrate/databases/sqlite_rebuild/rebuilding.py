"""SQLite's way to change a table that ALTER TABLE cannot change: a new one, the rows copied, the old one dropped.

Source: SQLite, "Making Other Kinds Of Table Schema Changes" (lang_altertable.html). Otherwise than
there:

- The old table steps aside and the new one is made under the right name, so that its statement is stored as it is
  written. With `legacy_alter_table` on and foreign keys off, RENAME edits nothing but the table's own indexes and
  triggers, which go with it: keys, views and triggers elsewhere go on naming the table.
- Views stay where they are for the same reason. They are compiled before and after.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from oppmigrate.databases.sqlite_rebuild import comparing, dependents, editing, stored
from oppmigrate.databases.sqlite_rebuild.copying import copy_rows
from oppmigrate.databases.sqlite_rebuild.requirements import new_checks
from oppmigrate.databases.sqlite_rebuild.schema_edit import edit_schema
from oppmigrate.databases.sqlite_rebuild.sessions import explaining, savepoint, switched
from oppmigrate.databases.sqlite_rebuild.stored import StoredTable
from oppmigrate.databases.sqlite_rebuild.target import TargetTable
from oppmigrate.databases.sqlite_rebuild.tokens import quote
from oppmigrate.errors import MigrationFailed

DROPS_COLUMNS = (3, 35, 5)  # before, DROP COLUMN is not there, or can damage the table
ALTERED, EDITED, REBUILT = "altered", "edited", "rebuilt"
MOST_NATIVE_DROPS = 2  # each writes the whole table again; from three on, one rebuild is the quicker way


def carry_out(connection: Connection, table: StoredTable, target: TargetTable, *, always: bool, edits: bool) -> None:
    """Bring the table to what the target says, the cheapest exact way, and compare.

    Args:
        always: by a rebuild, also where less would do.
        edits: may the stored definition be edited?

    Raises:
        MigrationFailed: something that no operation names came out otherwise. The caller rolls back.
        RowsDoNotFit: SQLite refuses a row.
    """
    before = _Look(connection, table)
    for name in target.dropped_indexes:
        connection.exec_driver_sql(f"DROP INDEX {quote(table.schema)}.{quote(name)}")
    way = _change(connection, table, target, always=always, edits=edits)
    for index, sql in target.new_indexes:
        with explaining(table.name, f"the index `{index.name}`"):
            connection.exec_driver_sql(sql)
    before.compare(target, way)


def _change(connection: Connection, table: StoredTable, target: TargetTable, *, always: bool, edits: bool) -> str:
    """Change the table itself, and say how: the first way that does exactly what is asked."""
    if not always:
        if not target.is_changed or _alter(connection, table, target):
            return ALTERED
        is_quick = target.way.drops <= _drops_at_most(connection)
        if edits and is_quick and edit_schema(connection, table, target, partial(_run_clauses, connection, table)):
            return EDITED
    _rebuild(connection, table, target)
    return REBUILT


class _Look:
    """The database before the change."""

    def __init__(self, connection: Connection, table: StoredTable) -> None:
        self._connection = connection
        self._table = table
        self._facts = stored.read_facts(connection, table.schema, table.name)
        self._objects = stored.read_objects(connection, table.schema, table.name)
        self._dependents = dependents.read_dependents(connection, table.schema, table.name)

    def compare(self, target: TargetTable, way: str) -> None:
        """Raises:
        MigrationFailed: with all that differs.
        """
        found = list(self._differences(target, way))
        if way != EDITED:  # its rows are those that were asked about
            found += _broken_checks(self._connection, self._table, target)
        if not found:
            return
        leans = any(word in each for each in found for word in ("view", "trigger"))
        raise MigrationFailed(
            f"changing table `{self._table.name}` would have changed more than was asked for",
            why="; ".join(found),
            do="drop the views and triggers that it names before the change, and create them again after it"
            if leans
            else "nothing was changed; write the change out as SQL, with op.execute(...)",
            table=self._table.name,
            differences=found,
        )

    def _differences(self, target: TargetTable, way: str) -> Iterator[str]:
        connection, schema, name = self._connection, self._table.schema, self._table.name
        yield from comparing.differences(self._facts, stored.read_facts(connection, schema, name), target.expected)
        definitions_differ = comparing.structures_differ if way == ALTERED else comparing.definitions_differ
        yield from definitions_differ(target.definition, stored.read_table(connection, schema, name).definition)
        yield from comparing.objects_differ(
            self._objects,
            stored.read_objects(connection, schema, name),
            dropped=set(target.dropped_indexes),
            created={str(index.name) for index, _ in target.new_indexes},
        )
        yield from dependents.differences(
            self._dependents,
            dependents.read_dependents(connection, schema, name),
            name,
            target.expected.dropped,
        )


def _broken_checks(connection: Connection, table: StoredTable, target: TargetTable) -> Iterator[str]:
    """The copying enforces no CHECK, so that a row which has broken an old one for long does not stop it."""
    for clause in new_checks(target):
        expression = target.definition.text(clause.group)
        sql = f"SELECT count(*) FROM {table.place} WHERE NOT ({expression})"
        count = connection.exec_driver_sql(sql).scalar_one()
        if count:
            yield f"{count:,} rows would break the new CHECK ({expression})"


# ---- ALTER TABLE


def _alter(connection: Connection, table: StoredTable, target: TargetTable) -> bool:
    """Do it with ALTER TABLE, if that does exactly the same and is quicker."""
    if not target.way.is_native or target.way.drops > _drops_at_most(connection):
        return False
    with savepoint(connection, "oppmigrate_alter") as undo:
        try:
            _run_clauses(connection, table, target.way.clauses)
        except OperationalError:  # a view or trigger is broken, or needs the column; the rebuild says which
            undo()
            return False
    return True


def _drops_at_most(connection: Connection) -> int:
    version = connection.dialect.dbapi.sqlite_version_info  # type: ignore[union-attr]
    return MOST_NATIVE_DROPS if version >= DROPS_COLUMNS else 0


def _run_clauses(connection: Connection, table: StoredTable, clauses: Sequence[str]) -> None:
    for clause in clauses:
        connection.exec_driver_sql(f"ALTER TABLE {table.place} {clause}")


# ---- the rebuild


def _rebuild(connection: Connection, table: StoredTable, target: TargetTable) -> None:
    if connection.exec_driver_sql("PRAGMA foreign_keys").scalar():
        raise MigrationFailed(
            f"table `{table.name}` cannot be rebuilt while foreign keys are enforced",
            why="dropping the old table would delete the rows that refer to it",
            do="turn them off before the transaction begins: PRAGMA foreign_keys=OFF",
            table=table.name,
        )
    sequence = stored.read_sequence(connection, table.schema, table.name)
    if target.old.qualifies_itself or target.definition.qualifies_itself:
        target.definition = editing.without_own_name(target.definition)
        away = stored.unused_name(connection, table.schema, table.name, "new")
        new = f"{quote(table.schema)}.{quote(away)}"
        with switched(connection, "legacy_alter_table"), switched(connection, "ignore_check_constraints"):
            _create(connection, table, target, new)
            copy_rows(connection, table, target, table.name, away)
            connection.exec_driver_sql(f"DROP TABLE {table.place}")
            connection.exec_driver_sql(f"ALTER TABLE {new} RENAME TO {quote(table.name)}")
    else:
        aside = stored.unused_name(connection, table.schema, table.name, "old")
        own = target.definition.name.text
        old = f"{quote(table.schema)}.{quote(aside)}"
        with switched(connection, "legacy_alter_table"), switched(connection, "ignore_check_constraints"):
            connection.exec_driver_sql(f"ALTER TABLE {table.place} RENAME TO {quote(aside)}")
            _create(connection, table, target, f"{quote(table.schema)}.{own}")
            copy_rows(connection, table, target, aside, table.name)
            connection.exec_driver_sql(f"DROP TABLE {old}")
    _set_sequence(connection, table, target, sequence)
    _hang_up_again(connection, table, target)


def _create(connection: Connection, table: StoredTable, target: TargetTable, place: str) -> None:
    with explaining(table.name, "its new definition"):
        connection.exec_driver_sql(f"CREATE TABLE {place}{target.definition.sql[target.definition.name.end :]}")


# ---- what goes with a table


def _set_sequence(connection: Connection, table: StoredTable, target: TargetTable, sequence: int | None) -> None:
    """AUTOINCREMENT goes on behind the highest number that was ever given, also to a row long gone."""
    if not (target.old.autoincrements and target.definition.autoincrements):
        return
    place = f"{quote(table.schema)}.sqlite_sequence"
    connection.exec_driver_sql(f"DELETE FROM {place} WHERE name = ?", (table.name,))
    if sequence is not None:
        connection.exec_driver_sql(f"INSERT INTO {place} (name, seq) VALUES (?, ?)", (table.name, sequence))


def _hang_up_again(connection: Connection, table: StoredTable, target: TargetTable) -> None:
    fresh = {str(index.name) for index, _ in target.new_indexes}
    for index in table.indexes:
        if index.name in target.indexes and index.name not in fresh:
            with explaining(table.name, f"the index `{index.name}`"):
                connection.exec_driver_sql(stored.in_schema(index.sql, table.schema))
    for trigger in table.triggers:
        connection.exec_driver_sql(stored.in_schema(trigger.sql, trigger.schema))
