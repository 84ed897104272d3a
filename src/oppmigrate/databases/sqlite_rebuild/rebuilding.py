"""SQLite's way to change a table that ALTER TABLE cannot change: a new one, the rows copied, the old one dropped.

Source: SQLite, "Making Other Kinds Of Table Schema Changes" (lang_altertable.html). Otherwise than
there:

- The old table steps aside and the new one is made under the right name, so that its statement is stored as it is
  written. With `legacy_alter_table` on and foreign keys off, RENAME edits nothing but the table's own indexes and
  triggers, which go with it: keys, views and triggers elsewhere go on naming the table.
- Views stay where they are for the same reason. They are compiled before and after.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, OperationalError

from oppmigrate.databases import sqlite_errors
from oppmigrate.databases.base import first_line
from oppmigrate.databases.sqlite_rebuild import comparing, dependents, editing, stored
from oppmigrate.databases.sqlite_rebuild.conversions import affinity
from oppmigrate.databases.sqlite_rebuild.definition import ColumnText
from oppmigrate.databases.sqlite_rebuild.requirements import new_checks
from oppmigrate.databases.sqlite_rebuild.stored import StoredTable
from oppmigrate.databases.sqlite_rebuild.target import TargetTable
from oppmigrate.databases.sqlite_rebuild.tokens import fold, quote
from oppmigrate.errors import MigrationFailed, RowsDoNotFit

DROPS_COLUMNS = (3, 35, 5)  # before, DROP COLUMN is not there, or can damage the table
MOST_NATIVE_DROPS = 2  # each writes the whole table again; from three on, one rebuild is the quicker way


def carry_out(connection: Connection, table: StoredTable, target: TargetTable, *, always: bool) -> None:
    """Bring the table to what the target says, the cheapest exact way, and compare.

    Args:
        always: by a rebuild, also where ALTER TABLE could.

    Raises:
        MigrationFailed: something that no operation names came out otherwise. The caller rolls back.
        RowsDoNotFit: SQLite refuses a row.
    """
    before = _Look(connection, table)
    for name in target.dropped_indexes:
        connection.exec_driver_sql(f"DROP INDEX {quote(table.schema)}.{quote(name)}")
    is_native = not always and _alter(connection, table, target)
    if not is_native and (always or target.is_changed):
        _rebuild(connection, table, target)
    for index, sql in target.new_indexes:
        with _explaining(table.name, f"the unique index `{index.name}`"):
            connection.exec_driver_sql(sql)
    before.compare(target, is_native)


class _Look:
    """The database before the change."""

    def __init__(self, connection: Connection, table: StoredTable) -> None:
        self._connection = connection
        self._table = table
        self._facts = stored.read_facts(connection, table.schema, table.name)
        self._objects = stored.read_objects(connection, table.schema, table.name)
        self._dependents = dependents.read_dependents(connection, table.schema, table.name)

    def compare(self, target: TargetTable, is_native: bool) -> None:
        """Raises:
        MigrationFailed: with all that differs.
        """
        connection, table = self._connection, self._table
        dropped = {*target.dropped_indexes}
        names = {str(index.name) for index, _ in target.new_indexes}
        objects = stored.read_objects(connection, table.schema, table.name)
        old = type(objects)(
            {key: n for key, n in self._objects.items() if not (key[1] == "index" and key[2] in dropped)}
        )
        new = type(objects)({key: n for key, n in objects.items() if not (key[1] == "index" and key[2] in names)})
        read = stored.read_table(connection, table.schema, table.name).definition
        definitions = comparing.structures_differ if is_native else comparing.definitions_differ
        found = [
            *comparing.differences(
                self._facts, stored.read_facts(connection, table.schema, table.name), target.expected
            ),
            *definitions(target.definition, read),
            *comparing.objects_differ(old, new),
            *dependents.differences(
                self._dependents,
                dependents.read_dependents(connection, table.schema, table.name),
                table.name,
                target.expected.dropped,
            ),
            *_broken_checks(connection, table, target),
        ]
        if found:
            raise MigrationFailed(
                f"changing table `{table.name}` would have changed more than was asked for",
                why="; ".join(found),
                do="drop the views and triggers that it names before the change, and create them again after it"
                if any(word in each for each in found for word in ("view", "trigger"))
                else "nothing was changed; write the change out as SQL, with op.execute(...)",
                table=table.name,
                differences=found,
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
    clauses = target.native
    if not clauses:
        return not target.is_changed
    drops = sum(clause.startswith("DROP") for clause in clauses)
    version = connection.dialect.dbapi.sqlite_version_info  # type: ignore[union-attr]
    if drops > (MOST_NATIVE_DROPS if version >= DROPS_COLUMNS else 0):
        return False
    with savepoint(connection, "oppmigrate_alter") as undo:
        try:
            for clause in clauses:
                connection.exec_driver_sql(f"ALTER TABLE {table.place} {clause}")
        except OperationalError:  # a view or trigger is broken, or needs the column; the rebuild says which
            undo()
            return False
    return True


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
        away = _unused(connection, table, "new")
        new = f"{quote(table.schema)}.{quote(away)}"
        with switched(connection, "legacy_alter_table"), switched(connection, "ignore_check_constraints"):
            _create(connection, table, target, new)
            _copy(connection, table, target, table.name, away)
            connection.exec_driver_sql(f"DROP TABLE {table.place}")
            connection.exec_driver_sql(f"ALTER TABLE {new} RENAME TO {quote(table.name)}")
    else:
        aside = _unused(connection, table, "old")
        own = target.definition.name.text
        old = f"{quote(table.schema)}.{quote(aside)}"
        with switched(connection, "legacy_alter_table"), switched(connection, "ignore_check_constraints"):
            connection.exec_driver_sql(f"ALTER TABLE {table.place} RENAME TO {quote(aside)}")
            _create(connection, table, target, f"{quote(table.schema)}.{own}")
            _copy(connection, table, target, aside, table.name)
            connection.exec_driver_sql(f"DROP TABLE {old}")
    _set_sequence(connection, table, target, sequence)
    _hang_up_again(connection, table, target)


def _create(connection: Connection, table: StoredTable, target: TargetTable, place: str) -> None:
    with _explaining(table.name, "its new definition"):
        connection.exec_driver_sql(f"CREATE TABLE {place}{target.definition.sql[target.definition.name.end :]}")


def _unused(connection: Connection, table: StoredTable, what: str) -> str:
    name = f"_oppmigrate_{what}_{table.name}"
    while stored.find_schema(connection, name, table.schema) is not None:
        name += "_"
    return name


def _copy(connection: Connection, table: StoredTable, target: TargetTable, old: str, new: str) -> None:
    """Copy every row, its rowid too, and look whether the values arrived."""
    there, here = f"{quote(table.schema)}.{quote(new)}", f"{quote(table.schema)}.{quote(old)}"
    alias = stored.rowid_alias(connection, table.schema, new)
    pairs = _pairs(target, alias)
    columns = ", ".join(column for column, _ in pairs)
    values = ", ".join(value for _, value in pairs)
    with _explaining(table.name, "its new definition"):
        # OR ABORT: an ON CONFLICT of the definition would drop or replace rows
        connection.exec_driver_sql(f"INSERT OR ABORT INTO {there} ({columns}) SELECT {values} FROM {here}")
    before, after = (connection.exec_driver_sql(f"SELECT count(*) FROM {each}").scalar_one() for each in (here, there))
    if before != after:
        raise _came_out_otherwise(table, f"the new table has {after:,} rows, and the old one has {before:,}")
    if (differing := _differing(connection, target, here, there, alias)) is not None:
        raise _came_out_otherwise(table, f"of the columns {differing}, at least one row differs from the old table's")


def _came_out_otherwise(table: StoredTable, why: str) -> MigrationFailed:
    return MigrationFailed(
        f"rows of `{table.name}` came out otherwise than they were",
        why=why,
        do="nothing was changed; write the change out as SQL, with op.execute(...)",
        table=table.name,
    )


def _pairs(target: TargetTable, alias: str | None) -> list[tuple[str, str]]:
    """(column of the new table, SQL for its value from the old one)."""
    pairs = []
    for column in target.definition.columns:
        source, conversion = target.sources[fold(column.name)], target.conversions.get(fold(column.name))
        if source is not None and not column.is_generated:
            pairs.append((quote(column.name), conversion.expression if conversion else quote(source)))
    before, after = stored.rowid_name(target.old), stored.rowid_name(target.definition)
    if before and alias and target.sources[fold(alias)] is None:
        pairs.append((quote(alias), before))
    elif before and after and alias is None:
        pairs.append((after, before))
    return pairs


def _differing(connection: Connection, target: TargetTable, old: str, new: str, alias: str | None) -> str | None:
    """The columns of which at least one value is another one than before; None where all are the same.

    Every value is compared, row by row. Reading both tables once more takes about half of the time of the copying
    itself (1 M rows of 6 columns: 0.7 s of 4.9 s in all); a sample would not find a single row gone wrong.
    """
    same = [(source, column) for column in target.definition.columns if (source := _same_source(target, column))]
    if not same:
        return None
    ours = ", ".join(f"o.{quote(source.name)} COLLATE BINARY" for source, _ in same)
    theirs = ", ".join(f"n.{quote(column.name)}" for _, column in same)
    join = _join(target, alias)
    if join is None:
        ours, theirs = ours.replace("o.", ""), theirs.replace("n.", "")
        sql = f"SELECT 1 FROM (SELECT {ours} FROM {old} EXCEPT SELECT {theirs} FROM {new}) LIMIT 1"
    else:
        sql = f"SELECT 1 FROM {old} AS o LEFT JOIN {new} AS n ON {join} WHERE ({ours}) IS NOT ({theirs}) LIMIT 1"
    if connection.exec_driver_sql(sql).first() is None:
        return None
    return ", ".join(f"`{column.name}`" for _, column in same)


def _same_source(target: TargetTable, column: ColumnText) -> ColumnText | None:
    """The old column whose values this one has to have unchanged."""
    source = target.sources[fold(column.name)]
    stored_column = target.old.column(source) if source else None
    if stored_column is None or column.is_generated or fold(column.name) in target.conversions:
        return None
    is_same = affinity(target.old.type_of(stored_column)) == affinity(target.definition.type_of(column))
    return stored_column if is_same else None


def _join(target: TargetTable, alias: str | None) -> str | None:
    """What tells for a row of the old table which one of the new table it became."""
    before, after = stored.rowid_name(target.old), stored.rowid_name(target.definition)
    if before and after:
        key = target.old.primary_key
        source = target.sources[fold(alias)] if alias else None
        # a column that is the rowid now and was not before has numbered the rows anew
        was_alias = key is not None and source is not None and [fold(source)] == [fold(name) for name in key.columns]
        if alias is None or source is None or (was_alias and fold(alias) not in target.conversions):
            return f"n.{after} = o.{before}"
        return None
    key = target.definition.primary_key
    columns = [target.definition.column(name) for name in key.columns] if key else []
    pairs = [(_same_source(target, column), column) for column in columns if column]
    if not pairs or any(source is None for source, _ in pairs):
        return None
    return " AND ".join(f"n.{quote(column.name)} = o.{quote(source.name)}" for source, column in pairs if source)


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
            with _explaining(table.name, f"the unique index `{index.name}`"):
                connection.exec_driver_sql(stored.in_schema(index.sql, table.schema))
    for trigger in table.triggers:
        connection.exec_driver_sql(stored.in_schema(trigger.sql, trigger.schema))


@contextmanager
def switched(connection: Connection, pragma: str, value: str = "ON") -> Iterator[None]:
    """Have a pragma on, or off, meanwhile."""
    before = connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
    connection.exec_driver_sql(f"PRAGMA {pragma} = {value}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA {pragma} = {int(before or 0)}")


@contextmanager
def _explaining(table: str, what: str) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise RowsDoNotFit(
            f"rows of `{table}` do not fit {what}",
            why=f"SQLite says: {first_line(error)}",
            do="correct them before: op.execute(...)",
            table=table,
        ) from error
    except OperationalError as error:
        if sqlite_errors.explain(None, error) is not None:
            raise
        raise MigrationFailed(
            f"table `{table}` cannot be changed to {what}", why=f"SQLite says: {first_line(error)}", table=table
        ) from error


@contextmanager
def savepoint(connection: Connection, name: str) -> Iterator[Callable[[], None]]:
    """All of it or nothing; yields what undoes it without an error."""
    # by the driver's own cursor: a statement of SQLAlchemy's would be seen, and told, as one of the revision
    cursor = connection.connection.cursor()
    cursor.execute(f"SAVEPOINT {name}")

    def undo() -> None:
        cursor.execute(f"ROLLBACK TO {name}")

    try:
        yield undo
    except BaseException:
        with suppress(Exception):  # SQLite has rolled back everything by itself, as on a full disk
            undo()
            cursor.execute(f"RELEASE {name}")
        raise
    else:
        cursor.execute(f"RELEASE {name}")
    finally:
        cursor.close()
