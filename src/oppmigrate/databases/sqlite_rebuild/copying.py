"""The rows of the old table into the new one, and the look whether they arrived."""

from sqlalchemy import Connection

from oppmigrate.databases.sqlite_rebuild import stored
from oppmigrate.databases.sqlite_rebuild.conversions import affinity
from oppmigrate.databases.sqlite_rebuild.definition import ColumnText
from oppmigrate.databases.sqlite_rebuild.sessions import explaining
from oppmigrate.databases.sqlite_rebuild.stored import StoredTable
from oppmigrate.databases.sqlite_rebuild.target import TargetTable
from oppmigrate.databases.sqlite_rebuild.tokens import fold, quote
from oppmigrate.errors import MigrationFailed


def copy_rows(connection: Connection, table: StoredTable, target: TargetTable, old: str, new: str) -> None:
    """Copy every row, its rowid too, and look whether the values arrived."""
    there, here = f"{quote(table.schema)}.{quote(new)}", f"{quote(table.schema)}.{quote(old)}"
    alias = stored.rowid_alias(connection, table.schema, new)
    pairs = _pairs(target, alias)
    columns = ", ".join(column for column, _ in pairs)
    values = ", ".join(value for _, value in pairs)
    with explaining(table.name, "its new definition"):
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
