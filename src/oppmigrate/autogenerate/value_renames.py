"""Values of enums that a person said are called otherwise now: renamed on the scratch database, and written down."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, MetaData, inspect

from oppmigrate.autogenerate.decisions import Rename, ValueRename
from oppmigrate.autogenerate.enum_lists import find_list, listed_values, swap_list
from oppmigrate.autogenerate.enum_types import RenameEnumValueOp, enum_of, rename_value_sql
from oppmigrate.autogenerate.told import ToldOp
from oppmigrate.autogenerate.words import qualified
from oppmigrate.autogenerate.written import as_text, quoted_name
from oppmigrate.databases import Database
from oppmigrate.errors import WrongUsage


class UpdateValuesOp(ToldOp):
    """Write other values in the place of these, in all rows at once: `mapping` may be a swap."""

    def __init__(self, table: str, schema: str | None, column: str, mapping: Mapping[str, str]) -> None:
        self.table_name = table
        self.schema = schema
        self.column_name = column
        self.mapping = dict(mapping)

    @property
    def summary(self) -> str:
        """The operation in words."""
        renamed = ", ".join(f"{old} to {new}" for old, new in self.mapping.items())
        return f"rename values in {qualified(self.schema, self.table_name)}.{self.column_name}: {renamed}"

    def reverse(self) -> "UpdateValuesOp":
        back = {new: old for old, new in self.mapping.items()}
        return UpdateValuesOp(self.table_name, self.schema, self.column_name, back)


@dataclass(frozen=True, slots=True)
class _Enum:
    """An enum of the models, and what the database holds of it.

    Args:
        names: what it is called in a flag.
        before: the values that the database knows of; None where it holds texts of any kind.
        after: those of the models.
        named: name and schema of the type, where it is an object of its own.
        column: the one column that it stands in, where it is not.
    """

    names: tuple[str, ...]
    before: tuple[str, ...] | None
    after: tuple[str, ...]
    named: tuple[str, str | None] | None = None
    column: Column[Any] | None = None


def carry_out_values(
    renames: Sequence[ValueRename], renamed: Sequence[Rename], context: MigrationContext, database: Database
) -> list[MigrateOperation]:
    """Rename on the database of `context`, and return the operations that do the same in a revision.

    Args:
        renamed: tables and columns that have been renamed there already, which a flag calls by their old names.

    Raises:
        WrongUsage: an enum or a value is not there, or the new one is not in the models, or is taken.
        Refused: a CHECK that is to change has no name.
    """
    if not renames:
        return []
    connection = context.connection
    assert connection is not None
    enums = [*_named(context, connection, database), *_of_columns(context, connection, database)]
    enums = [replace(each, names=(*each.names, *_old_names(each, renamed))) for each in enums]
    mappings = _mappings(renames, enums)
    done: list[MigrateOperation] = []
    for enum, mapping in mappings:
        steps = _of_type(enum, mapping) if enum.named else _of_column(enum, mapping, connection)
        done += steps
        for step in steps:
            for each in step.ops if isinstance(step, ops.ModifyTableOps) else [step]:
                Operations(context).invoke(each)
    return done


# ---- which enums there are


def _named(context: MigrationContext, connection: Connection, database: Database) -> Iterator[_Enum]:
    if not database.has_named_enums:
        return
    native = (enum for column in _columns(context) if (enum := enum_of(column.type)) is not None)
    models = {enum.name: enum for enum in native}
    for stored in database.read_enums(connection):
        places = tuple(f"{qualified(each.schema, each.table)}.{each.column}" for each in stored.columns)
        model = models.get(stored.name)
        names = (stored.name, qualified(stored.schema, stored.name), *places, *_class_name(model))
        after = tuple(model.enums) if model is not None else ()
        yield _Enum(names, stored.values, after, named=(stored.name, stored.schema))


def _of_columns(context: MigrationContext, connection: Connection, database: Database) -> Iterator[_Enum]:
    """The enums that stand in a column of the database: in its type, in a CHECK of it, or nowhere but in the models."""
    inspector = inspect(connection)
    tables = {(schema, name) for schema in _schemas(context) for name in inspector.get_table_names(schema=schema)}
    for column in _columns(context):
        enum = column.type
        if not isinstance(enum, sa.Enum) or (database.has_named_enums and enum.native_enum):
            continue
        if (column.table.schema, column.table.name) not in tables:
            continue
        place = f"{column.table.fullname}.{column.name}"
        stored = _stored_column(connection, column)
        if stored is not None:
            names = (place, *([enum.name] if enum.name else []), *_class_name(enum))
            yield _Enum(names, _known_values(connection, column, stored), tuple(enum.enums), column=column)


def _class_name(enum: Any) -> tuple[str, ...]:
    """What Python calls it, where it is a class."""
    return (enum.enum_class.__name__,) if getattr(enum, "enum_class", None) is not None else ()


def _schemas(context: MigrationContext) -> set[str | None]:
    return {column.table.schema for column in _columns(context)}


def _stored_column(connection: Connection, column: Column[Any]) -> Any:
    found = inspect(connection).get_columns(column.table.name, schema=column.table.schema)
    return next((each for each in found if each["name"] == column.name), None)


def _known_values(connection: Connection, column: Column[Any], stored: Any) -> tuple[str, ...] | None:
    if isinstance(stored["type"], sa.Enum):
        return tuple(stored["type"].enums)
    check = find_list(connection, column)
    return listed_values(check) if check else None


def _columns(context: MigrationContext) -> Iterator[Column[Any]]:
    target: MetaData | Sequence[MetaData] = context.opts["target_metadata"]
    for metadata in [target] if isinstance(target, MetaData) else target:
        for table in metadata.tables.values():
            yield from table.columns


def _old_names(enum: _Enum, renamed: Sequence[Rename]) -> Iterator[str]:
    """What its columns were called before."""
    for name in enum.names:
        table, _dot, column = name.rpartition(".")
        old_table = next((each.table for each in renamed if each.column is None and each.new == table), table)
        of_table = [each for each in renamed if each.table == old_table and each.column and each.new == column]
        old_column = of_table[0].column if of_table else column
        if table and (old_table, old_column) != (table, column):
            yield f"{old_table}.{old_column}"


# ---- what is to become of which


def _mappings(renames: Iterable[ValueRename], enums: Sequence[_Enum]) -> list[tuple[_Enum, dict[str, str]]]:
    found: list[tuple[_Enum, dict[str, str]]] = []
    for rename in renames:
        name = max((n for each in enums for n in each.names if rename.old.startswith(f"{n}.")), key=len, default=None)
        known = sorted({each for enum in enums for each in enum.names})
        _require(name is not None, rename, "there is no enum of that name", rename.old.rpartition(".")[0], known)
        old = rename.old[len(str(name)) + 1 :]
        for enum in enums:
            if name in enum.names:
                mapping = next((each for known_enum, each in found if known_enum is enum), None)
                if mapping is None:
                    mapping = {}
                    found.append((enum, mapping))
                mapping[old] = rename.new
    for rename in renames:
        for enum, mapping in found:
            _validate(rename, enum, mapping)
    return found


def _validate(rename: ValueRename, enum: _Enum, mapping: Mapping[str, str]) -> None:
    old = next((old for old in mapping if any(rename.old == f"{name}.{old}" for name in enum.names)), None)
    if old is None:
        return
    name, before = rename.old[: -len(old) - 1], enum.before
    _require(before is None or old in before, rename, f"enum {name} has no value {old}", old, before or ())
    models = f"the models have no value {rename.new} in enum {name}"
    _require(rename.new in enum.after, rename, models, rename.new, enum.after)
    stays = before is None and old in enum.after and old not in mapping.values()
    _require(not stays, rename, f"the models still have the value {old} in enum {name}")
    taken = before is not None and rename.new in before and rename.new not in mapping
    twice = sum(each == rename.new for each in mapping.values()) > 1
    _require(not (taken or twice), rename, f"enum {name} has a value {rename.new} already")


def _require(holds: bool, rename: ValueRename, what: str, name: str = "", known: Iterable[str] = ()) -> None:
    if holds:
        return
    near = difflib.get_close_matches(name, list(known), n=1) if name else []
    raise WrongUsage(
        f"--rename-value {rename}: {what}",
        why="the left side is an enum's name, or TABLE.COLUMN, and a value in the database; the right side is the "
        "value in the models",
        do=f"did you mean {near[0]}?" if near else "python oppman.py migrate check lists what differs",
    )


# ---- how it is done


def _of_type(enum: _Enum, mapping: Mapping[str, str]) -> list[MigrateOperation]:
    """One statement a value, in an order in which each new name is free; in a circle, one steps aside first."""
    assert enum.named is not None and enum.before is not None
    waiting, taken, steps = dict(mapping), set(enum.before), []
    while waiting:
        old = next((old for old, new in waiting.items() if new not in taken), None)
        if old is None:
            first = next(iter(waiting))
            old, new = first, f"{first}_before_swap"
            waiting[new] = waiting.pop(first)
        else:
            new = waiting.pop(old)
        taken = taken - {old} | {new}
        steps.append(RenameEnumValueOp(*enum.named, old, new))
    return list(steps)


def _of_column(enum: _Enum, mapping: Mapping[str, str], connection: Connection) -> list[MigrateOperation]:
    """The rows are written anew; meanwhile the column takes the old values and the new ones."""
    column = enum.column
    assert column is not None
    stored = _stored_column(connection, column)
    table, schema = column.table.name, column.table.schema
    update = UpdateValuesOp(table, schema, column.name, mapping)
    if isinstance(stored["type"], sa.Enum):
        return _of_listed_column(column, stored, update)
    wider = _wider(column, stored, mapping)
    check = find_list(connection, column)
    if check is None:
        return [*([ops.ModifyTableOps(table, [wider], schema=schema)] if wider else []), update]
    drop, create = swap_list(column, check, [mapping.get(value, value) for value in listed_values(check)], connection)
    create.before = create.after  # none of them goes
    first = ops.ModifyTableOps(table, [drop, *([wider] if wider else [])], schema=schema)
    return [first, update, ops.ModifyTableOps(table, [create], schema=schema)]


def _of_listed_column(column: Column[Any], stored: Any, update: UpdateValuesOp) -> list[MigrateOperation]:
    """The values stand in the column's type: more of them, then the rows, then without those that were renamed."""
    before, mapping = list(stored["type"].enums), update.mapping
    after = [mapping.get(value, value) for value in before]
    both = list(before)
    for place, value in reversed(list(enumerate(before))):
        if value in mapping and mapping[value] not in before:
            both.insert(place + 1, mapping[value])
    steps = [_alter(column, stored, before, both), _alter(column, stored, both, after)]
    folded = [value.lower() for value in both]
    if len(set(folded)) < len(folded):  # they differ in case only, which the server takes for the same value
        return [_alter(column, stored, before, after)]
    return [steps[0], update, steps[1]]


def _alter(column: Column[Any], stored: Any, before: Sequence[str], after: Sequence[str]) -> MigrateOperation:
    kind = type(stored["type"])
    default = stored.get("default")
    return ops.AlterColumnOp(
        column.table.name,
        column.name,
        schema=column.table.schema,
        existing_type=kind(*before),
        modify_type=kind(*after),
        existing_nullable=stored["nullable"],
        existing_server_default=sa.DefaultClause(sa.text(default)) if default is not None else None,
        existing_comment=stored.get("comment"),
    )


def _wider(column: Column[Any], stored: Any, mapping: Mapping[str, str]) -> ops.AlterColumnOp | None:
    """The column made as long as the longest new value."""
    length, wanted = getattr(stored["type"], "length", None), max(map(len, mapping.values()))
    if length is None or wanted <= length:
        return None
    return ops.AlterColumnOp(
        column.table.name,
        column.name,
        schema=column.table.schema,
        existing_type=stored["type"],
        modify_type=sa.String(length=wanted),
        existing_nullable=stored["nullable"],
    )


@renderers.dispatch_for(UpdateValuesOp)
def _render(context: AutogenContext, op: UpdateValuesOp) -> str:
    alembic, sqla = (context.opts.get(f"{name}_module_prefix") or "" for name in ("alembic", "sqlalchemy"))
    column = f"{sqla}column({op.column_name!r}, {sqla}String())"
    schema = f", schema={op.schema!r}" if op.schema else ""
    (old, *others), (new, *_) = op.mapping, op.mapping.values()
    where = f"{column}.in_({list(op.mapping)!r})" if others else f"{column} == {old!r}"
    value = f"{sqla}case({op.mapping!r}, value={column})" if others else repr(new)
    update = f"{sqla}table({op.table_name!r}, {column}{schema}).update().where({where})"
    return f"{alembic}execute({update}.values({{{op.column_name!r}: {value}}}))"


@Operations.implementation_for(UpdateValuesOp)
def _run(operations: Operations, op: UpdateValuesOp) -> None:
    column: sa.ColumnClause[Any] = sa.column(op.column_name, sa.String())
    table = sa.table(op.table_name, column, schema=op.schema)
    new = sa.case(op.mapping, value=column)
    operations.execute(table.update().where(column.in_(op.mapping)).values({op.column_name: new}))


@Operations.implementation_for(RenameEnumValueOp)
def _run_rename(operations: Operations, op: RenameEnumValueOp) -> None:
    name = quoted_name(operations.migration_context.dialect, op.schema, op.name)
    operations.execute(as_text(rename_value_sql(name, op.old, op.new)))
