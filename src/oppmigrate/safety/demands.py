"""The demands that constraints make: no NULL, no duplicates, a condition, a row to refer to."""

from collections.abc import Sequence
from dataclasses import dataclass

from oppmigrate.databases.rows import Misfits, TableName
from oppmigrate.safety.refusing import Demand, Inquiry

SAME = "oppman_same"
PARENT = "oppman_parent"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that a constraint is to hold for: a table's, or those with a column that is to be added.

    Args:
        source: a FROM clause that bears the table's own name.
        alias: that name, quoted.
    """

    table: TableName
    source: str
    alias: str


def rows_of(inquiry: Inquiry, table: TableName) -> Rows:
    return Rows(table, inquiry.table(table), inquiry.quoted(table.name))


def no_null(inquiry: Inquiry, rows: Rows, column: str, does: str) -> Demand:
    name = inquiry.quoted(column)
    return Demand(
        rows.table,
        Misfits(rows.source, f"{name} IS NULL"),
        does,
        "hold",
        "no value there",
        f"fill them in the revision, above that line: "
        f'op.execute("UPDATE {inquiry.table(rows.table)} SET {name} = … WHERE {name} IS NULL")',
        columns=(column,),
        shows_values=False,
    )


def no_duplicates(
    inquiry: Inquiry,
    rows: Rows,
    keys: Sequence[str],
    does: str,
    *,
    columns: tuple[str, ...],
    where: str | None = None,
    nulls_are_equal: bool = False,
) -> Demand:
    """Args:
    keys: SQL of what is to be unique.
    where: the rows that it is to be unique among.
    """
    listed = ", ".join(f"({key})" for key in keys)
    conditions = [f"({where})"] if where else []
    conditions += [] if nulls_are_equal else [f"({key}) IS NOT NULL" for key in keys]
    among = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    counted = f"SELECT {rows.alias}.*, count(*) OVER (PARTITION BY {listed}) AS {SAME} FROM {rows.source}{among}"
    written = ", ".join(keys)
    return Demand(
        rows.table,
        Misfits(f"({counted}) AS {rows.alias}", f"{SAME} > 1"),
        does,
        "share",
        "it with another" if len(keys) == 1 else "them with another",
        "look at them, then delete or change them in the revision, above that line: "
        f"SELECT {written}, count(*) FROM {inquiry.table(rows.table)}{among} GROUP BY {written} HAVING count(*) > 1",
        columns=columns,
        probe=f"SELECT 1 FROM {rows.source}{among} GROUP BY {listed} HAVING count(*) > 1 LIMIT 1",
        order=tuple(f"({key})" for key in keys),
    )


def condition_holds(inquiry: Inquiry, rows: Rows, condition: str, does: str, columns: tuple[str, ...] = ()) -> Demand:
    """NULL passes, as it does a CHECK."""
    return Demand(
        rows.table,
        Misfits(rows.source, f"NOT ({condition})"),
        does,
        "break",
        "it",
        "look at them, then delete or change them in the revision, above that line: "
        f"SELECT * FROM {inquiry.table(rows.table)} WHERE NOT ({condition})",
        columns=columns,
    )


def parents_exist(
    inquiry: Inquiry,
    rows: Rows,
    columns: Sequence[str],
    parent: TableName,
    parent_columns: Sequence[str],
    does: str,
    *,
    match: str | None = None,
) -> Demand:
    """Args:
    match: "FULL" refuses a key that is NULL in part; by default a key with a NULL in it refers to nothing.
    """
    own = [f"{rows.alias}.{inquiry.quoted(name)}" for name in columns]
    theirs = [f"{PARENT}.{inquiry.quoted(name)}" for name in parent_columns]
    equal = " AND ".join(f"{a} = {b}" for a, b in zip(theirs, own, strict=True))
    whole = " AND ".join(f"{name} IS NOT NULL" for name in own)
    orphaned = f"{whole} AND NOT EXISTS (SELECT 1 FROM {inquiry.table(parent)} AS {PARENT} WHERE {equal})"
    if (match or "").upper() == "FULL":
        some = " OR ".join(f"{name} IS NOT NULL" for name in own)
        orphaned = f"({orphaned}) OR (({some}) AND NOT ({whole}))"
    return Demand(
        rows.table,
        Misfits(rows.source, orphaned),
        does,
        "refer",
        "to a row that is not there",
        "look at them, then delete or change them in the revision, above that line: "
        f"SELECT {', '.join(own)} FROM {inquiry.table(rows.table)} WHERE {orphaned}",
        columns=tuple(columns),
    )
