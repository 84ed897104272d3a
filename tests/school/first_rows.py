"""Rows for every table of the first models, always the same: made from what the database says of its tables."""

import json
import math
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection, ForeignKeyConstraint, MetaData, Table, UniqueConstraint, types
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import sort_tables_and_constraints

Row = dict[str, Any]
OWN = frozenset({"alembic_version", "oppman_journal"})
# what a later step counts on, and what only some values fit; in turn
PICKED: dict[str, tuple[Any, ...]] = {
    "people.gender": ("female", "male", None, "other"),
    "people.surname": ("Ångström", "O'Neill", "100% Müller", "Smith:Jones", "Li"),
    "addresses.kind": ("home", "post", "bill"),
    "addresses.country": ("DE", "FR"),
    "students.status": ("applicant", "enrolled", "enrolled", "left"),
    "students.left_on": (None, date(2031, 7, 1)),
    "guardianships.relation": ("mother", "father", "guardian"),
    "staff.contract": ("permanent", "fixed", "hourly"),
    "staff.weekly_hours": (40, 20, 1, 38),
    "classes.capacity": (28, 1, 40),
    "school_years.ends_on": (date(2030, 7, 1),),
    "timetable_slots.weekday": ("monday", "tuesday", "wednesday", "thursday", "friday"),
    "absences.reason": ("ill", "appointment", None, "truant"),
    "absences.minutes": (45, None, 90),
    "reports.state": ("draft", "checked", "signed"),
    "discounts.percent": (0, 50, 25),
    "invoices.status": ("open", "paid", "void"),
    "payments.method": ("cash", "transfer", "cheque"),
    "audit_entries.action": ("create", "change", "delete"),
    "books.year": ("1984", None, "2001"),
    "buildings.built": ("1911", "2004"),
    "devices.kind": ("laptop", "tablet", "projector"),
    "devices.price": (0.5, 249.25, 1000.0),
    "courses.hours": (Decimal("1.5"), Decimal("4.0")),
    "messages.priority": ("normal", "high", "low"),
    "documents.size": (None,),
}
FIRST_HOUR = datetime(2024, 2, 27, 20, 30)
JSON_COLUMNS = frozenset({"notes", "allergies", "allergens", "options", "before"})
# MariaDB has a number for a boolean; the first that fits is taken
OF_TYPE: dict[type[Any], Callable[[int], Any]] = {
    types.Boolean: lambda number: number % 2 == 0,
    mysql.TINYINT: lambda number: number % 2,
    types.LargeBinary: lambda number: bytes([0, 255, number, 39]),
    types.Date: lambda number: date(2024, 2, 27) + timedelta(days=number),
    types.Time: lambda number: time(8, number),
    types.Float: lambda number: number + 0.25,
    types.Numeric: lambda number: Decimal(number) + Decimal("0.5"),
    types.Integer: lambda number: number + 1,
}


def insert_rows(connection: Connection) -> None:
    """Put 5 to 12 rows into every table; the heads of departments are set when there are staff."""
    metadata = MetaData()
    metadata.reflect(connection)
    tables = [table for table in metadata.tables.values() if table.name not in OWN]
    rows: dict[str, list[Row]] = {}
    for table, _keys in sort_tables_and_constraints(tables, filter_fn=lambda key: _is_head(key) or None):
        if table is not None:
            rows[table.name] = list(_rows(table, rows))
            connection.execute(table.insert(), rows[table.name])
    departments = metadata.tables["departments"]
    for row, head in zip(rows["departments"], rows["staff"], strict=False):
        department = departments.update().where(departments.c.id == row["id"])
        connection.execute(department.values(head_id=head["person_id"]))
    connection.commit()


def _is_head(key: ForeignKeyConstraint) -> bool:
    return key.column_keys == ["head_id"]


def _rows(table: Table, there: dict[str, list[Row]]) -> Iterator[Row]:
    mine: list[Row] = []
    for number in range(_number_of_rows(table, there)):
        row = {each.name: _value(each, number) for each in table.columns if each.computed is None}
        for key in table.foreign_key_constraints:
            parents = mine if key.referred_table is table else there.get(key.referred_table.name, [])
            is_left_out = all(each.parent.nullable for each in key.elements) and number % 5 == 4
            if parents and not is_left_out:
                row |= _referred(key, parents, number - 1 if parents is mine else number)
            else:
                row |= dict.fromkeys(key.column_keys)
        mine.append(row)
        yield row


def _number_of_rows(table: Table, there: dict[str, list[Row]]) -> int:
    """As many as there are different keys where a unique key consists of foreign ones; without such, 5 to 12."""
    number = 5 + len(table.name) % 8
    parents = {
        column: each.referred_table.name
        for each in table.foreign_key_constraints
        if each.referred_table is not table
        for column in each.column_keys
    }
    unique = [list(each.columns.keys()) for each in table.constraints if isinstance(each, UniqueConstraint)]
    unique += [list(each.columns.keys()) for each in table.indexes if each.unique]
    for columns in [*unique, list(table.primary_key.columns.keys())]:
        if set(columns) <= set(parents):
            number = min(number, math.lcm(*(len(there[parents[column]]) for column in columns)))
    return number


def _referred(constraint: ForeignKeyConstraint, rows: list[Row], number: int) -> Row:
    row = rows[number % len(rows)]
    return {each.parent.name: row[each.column.name] for each in constraint.elements}


def _value(column: Column[Any], number: int) -> Any:
    name = f"{column.table.name}.{column.name}"
    if name in PICKED:
        return PICKED[name][number % len(PICKED[name])]
    if column.nullable and (number + len(column.name)) % 4 == 0:
        return None
    return _of_type(column, name, number)


def _of_type(column: Column[Any], name: str, number: int) -> Any:
    kind = column.type
    if column.name in JSON_COLUMNS:
        value = {"n": number, "word": "it's 100% :so"}
        return value if isinstance(kind, types.JSON) else json.dumps(value)
    if isinstance(kind, types.Uuid) or (isinstance(kind, types.CHAR) and kind.length == 32):
        key = uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/{number}")
        return key if isinstance(kind, types.Uuid) and kind.as_uuid else key.hex
    if isinstance(kind, types.DateTime):
        return FIRST_HOUR.replace(tzinfo=UTC if kind.timezone else None) + timedelta(hours=number)
    if isinstance(kind, types.String):
        return f"{number} {column.name}"[: kind.length]
    return next(make(number) for each, make in OF_TYPE.items() if isinstance(kind, each))
