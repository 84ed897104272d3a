"""What a table's new definition asks of its rows that the old one did not, asked of them one by one."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from sqlalchemy import Connection

from oppmigrate.databases.sqlite_rebuild import fitting
from oppmigrate.databases.sqlite_rebuild.definition import Clause, ColumnText, Definition, closing, split
from oppmigrate.databases.sqlite_rebuild.stored import find_schema, pragma
from oppmigrate.databases.sqlite_rebuild.target import TargetTable
from oppmigrate.databases.sqlite_rebuild.tokens import Token, fold, quote, tokenize

Question = tuple[tuple[Any, ...], Callable[[fitting.Rows], None]]  # what it asks, to be asked once; the asking


def check_rows(connection: Connection, schema: str, target: TargetTable, is_allowed: Callable[[str], bool]) -> None:
    """Raises:
    RowsDoNotFit: with the number of rows, and some of them.
    """
    old = f"{quote(schema)}.{quote(target.name)}"
    if connection.exec_driver_sql(f"SELECT 1 FROM {old} LIMIT 1").first() is None:
        return
    key = target.definition.primary_key
    known = [name for name in key.columns if target.sources.get(fold(name))] if key else []
    rows = fitting.Rows(connection, target.name, _future(old, target), tuple(known))
    for question, ask in _questions(connection, schema, old, target, is_allowed):
        if question not in target.checked:
            ask(rows)
            target.checked.add(question)


def new_checks(target: TargetTable) -> list[Clause]:
    """The CHECKs that the old definition does not have, and those about values that are converted."""
    old = Counter(clause.says for clause in target.old.of_kind("CHECK"))
    fresh = []
    for clause in target.definition.of_kind("CHECK"):
        if old[clause.says]:
            old[clause.says] -= 1
            if not clause.mentioned & target.conversions.keys():
                continue
        fresh.append(clause)
    return fresh


def _questions(
    connection: Connection, schema: str, old: str, target: TargetTable, is_allowed: Callable[[str], bool]
) -> Iterator[Question]:
    definition = target.definition
    for column in definition.columns:
        yield from _conversion(old, target, column, is_allowed)
    for column in definition.columns:
        yield from _not_null(target, column)
    for clause in (*definition.of_kind("PRIMARY KEY"), *definition.of_kind("UNIQUE")):
        yield from _unique(target, clause)
    for index, sql in target.new_indexes:
        if index.unique:
            yield _unique_index(str(index.name), sql)
    for clause in new_checks(target):
        yield _check(definition, clause)
    for clause in definition.of_kind("FOREIGN KEY"):
        yield from _foreign_key(connection, schema, target, clause)


def _conversion(
    old: str, target: TargetTable, column: ColumnText, is_allowed: Callable[[str], bool]
) -> Iterator[Question]:
    source, conversion = target.sources[fold(column.name)], target.conversions.get(fold(column.name))
    stored = target.old.column(source) if source else None
    if stored is None:
        return
    if column.is_generated and not stored.is_generated:
        before, after = quote(_kept_beside(column.name)), quote(column.name)
        yield (
            ("computed", column.name),
            lambda rows: fitting.refuse_lost_values(rows, column.name, before, after, is_allowed),
        )
    elif conversion is not None and source is not None:
        yield (
            ("conversion", column.name, conversion.expression, conversion.doubt),
            lambda rows: fitting.refuse_losses(rows, old, column.name, source, conversion, is_allowed),
        )


def _not_null(target: TargetTable, column: ColumnText) -> Iterator[Question]:
    if column.clause("NOT NULL") is None:
        return
    source = target.sources[fold(column.name)]
    stored = target.old.column(source) if source else None
    if stored is None:
        key = target.definition.primary_key
        fills_itself = key is not None and [fold(name) for name in key.columns] == [fold(column.name)]
        if column.clause("DEFAULT") is None and not column.is_generated and not fills_itself:
            yield (("value", column.name), lambda rows: fitting.refuse_without_value(rows, column.name))
            return
    elif stored.clause("NOT NULL") is not None:
        return
    yield (("null", column.name), lambda rows: fitting.refuse_nulls(rows, column.name))


def _unique(target: TargetTable, clause: Clause) -> Iterator[Question]:
    wanted = {fold(name) for name in clause.columns}
    present = [
        {fold(name) for name in each.columns} for kind in ("PRIMARY KEY", "UNIQUE") for each in target.old.of_kind(kind)
    ]
    sources = {fold(source) for name in wanted if (source := target.sources.get(name))}
    is_converted = any(name in target.conversions for name in wanted)
    is_other = any({"type", "collate"} & target.expected.altered.get(name, set()) for name in wanted)
    if not is_converted and not is_other and len(sources) == len(wanted) and any(each <= sources for each in present):
        return
    if clause.kind == "PRIMARY KEY" and len(wanted) == 1 and not sources:
        return  # a new INTEGER PRIMARY KEY numbers the rows
    if clause.kind == "PRIMARY KEY" and (len(wanted) == 1 or not target.definition.has_rowid):
        for name in clause.columns:  # an INTEGER PRIMARY KEY would number them, and no key at all is to be NULL
            yield (("key", name), partial(fitting.refuse_nulls, column=name, becomes="the PRIMARY KEY"))
    parts = [_with_collation(target.definition, name) for name in clause.columns]
    name = f"{clause.kind} `{clause.name}`" if clause.name else f"the {clause.kind}"
    yield (
        ("unique", *parts),
        lambda rows: fitting.refuse_duplicates(rows, clause.columns, parts, None, name),
    )


def _with_collation(definition: Definition, name: str) -> str:
    column = definition.column(name)
    collation = column.clause("COLLATE") if column else None
    return f"{quote(name)} {definition.text(collation.body)}" if collation else quote(name)


def _unique_index(name: str, sql: str) -> Question:
    tokens = list(tokenize(sql))
    opening = next(place for place, token in enumerate(tokens) if token.is_mark("("))
    end = closing(tokens, opening)
    listed = [_without_direction(part) for part in split(tokens[opening + 1 : end])]
    parts = [sql[part[0].start : part[-1].end] for part in listed]
    behind = tokens[end + 1 :]
    where = sql[behind[1].start : behind[-1].end] if behind and behind[0].is_word("WHERE") else None
    columns = [part[0].name if len(part) == 1 else text for part, text in zip(listed, parts, strict=True)]
    return (
        ("index", sql),
        lambda rows: fitting.refuse_duplicates(rows, columns, parts, where, f"the unique index `{name}`"),
    )


def _without_direction(part: list[Token]) -> list[Token]:
    return part[:-1] if part[-1].is_word("ASC", "DESC") else part


def _check(definition: Definition, clause: Clause) -> Question:
    expression = definition.text(clause.group)
    columns = [column.name for column in definition.columns if fold(column.name) in clause.mentioned]
    return (("check", expression), lambda rows: fitting.refuse_check(rows, expression, clause.name, columns))


def _foreign_key(connection: Connection, schema: str, target: TargetTable, clause: Clause) -> Iterator[Question]:
    parent, referred = clause.referred
    here = tuple(fold(name) for name in clause.columns)
    there = tuple(fold(name) for name in referred)
    present = [
        (tuple(fold(name) for name in each.columns), fold(each.referred[0]), tuple(map(fold, each.referred[1])))
        for each in target.old.of_kind("FOREIGN KEY")
    ]
    is_converted = any(name in target.conversions for name in here)
    if (here, fold(parent), there) in present and not is_converted:
        return
    is_self = fold(parent) == fold(target.name)
    if not is_self and find_schema(connection, parent, schema) is None:
        return  # it may still come; the check before the commit finds what never got its parent
    if not referred:
        key = target.definition.primary_key
        referred = key.columns if is_self and key else _primary_key(connection, schema, parent)
    if len(referred) != len(clause.columns) or not (is_self or _has(connection, schema, parent, referred)):
        return
    columns = tuple(referred)
    yield (
        ("foreign key", here, parent, columns),
        lambda rows: fitting.refuse_orphans(
            rows,
            clause.columns,
            f"(SELECT * FROM {rows.source})" if is_self else f"{quote(schema)}.{quote(parent)}",
            columns,
            parent,
        ),
    )


def _primary_key(connection: Connection, schema: str, table: str) -> tuple[str, ...]:
    rows = [row for row in pragma(connection, schema, "table_xinfo", table) if row[5]]
    return tuple(row[1] for row in sorted(rows, key=lambda row: row[5]))


def _has(connection: Connection, schema: str, table: str, columns: tuple[str, ...]) -> bool:
    names = {fold(row[1]) for row in pragma(connection, schema, "table_xinfo", table)}
    return all(fold(column) in names for column in columns)


# ---- the rows as they are to be


def _future(old: str, target: TargetTable) -> str:
    """A subquery with the new table's columns, each with the value that it is going to have."""
    chosen, computed = [], []
    for column in target.definition.columns:
        source = target.sources[fold(column.name)]
        stored = target.old.column(source) if source else None
        if column.is_generated and not (stored is not None and stored.is_generated):
            computed.append(column)
            if source:
                chosen.append(f"{quote(source)} AS {quote(_kept_beside(column.name))}")
            continue
        chosen.append(f"{_value(target, column)} AS {quote(column.name)}")
    alias = quote(target.name)
    source_sql = f"(SELECT {', '.join(chosen)} FROM {old}) AS {alias}"
    for column in computed:
        generated = column.clause("GENERATED")
        assert generated is not None
        expression = target.definition.text(generated.group)
        source_sql = f"(SELECT *, ({expression}) AS {quote(column.name)} FROM {source_sql}) AS {alias}"
    return source_sql


def _kept_beside(column: str) -> str:
    return f"{column} as stored"


def _value(target: TargetTable, column: ColumnText) -> str:
    source, conversion = target.sources[fold(column.name)], target.conversions.get(fold(column.name))
    if source is not None:
        return conversion.expression if conversion else quote(source)
    default = column.clause("DEFAULT")
    return default_value(target.definition, default) if default else "NULL"


def default_value(definition: Definition, default: Clause) -> str:
    """A DEFAULT as an expression: a bare word that is no value of SQL is a string."""
    value = default.body[1:]
    if len(value) == 1 and value[0].kind in ("word", "quoted"):
        word = value[0].text.upper()
        if value[0].kind == "word" and (word in ("NULL", "TRUE", "FALSE") or word.startswith("CURRENT_")):
            return value[0].text
        text = value[0].name.replace("'", "''")
        return f"'{text}'"
    return definition.text(value)
