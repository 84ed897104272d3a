"""CHECK constraints: which the models have and the database has not, and the other way round."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import (
    _alembic_autogenerate_prefix,
    _render_dialect_kwargs_items,
    _render_gen_name,
)
from alembic.operations import ops
from alembic.util import sqla_compat
from sqlalchemy import CheckConstraint, Column, Enum, Integer, MetaData, String, Table
from sqlalchemy.sql.elements import conv

from oppmigrate.autogenerate.restating import RestateOp
from oppmigrate.autogenerate.written import as_sql, as_text
from oppmigrate.databases import Database
from oppmigrate.databases.expressions import Namer, StoredCheck, mentioned, plain
from oppmigrate.databases.rows import TableName

Reflected = Sequence[Mapping[str, Any]]  # as SQLAlchemy's inspector has found them


@dataclass(frozen=True)
class ModelCheck:
    """A CHECK of the models.

    Args:
        name: None where neither the model nor a convention names it.
        is_named: by the model itself, so that the name counts where the database has another one.
        is_of_type: it comes with an Enum or a Boolean, and is the type's to change.
    """

    constraint: CheckConstraint
    name: str | None
    condition: str
    is_named: bool
    is_of_type: bool


Change = tuple[StoredCheck | None, ModelCheck | None]  # what goes, and what comes in its place


def compare_checks(
    context: AutogenContext,
    database: Database,
    operations: ops.ModifyTableOps,
    conn_table: Table,
    metadata_table: Table,
    reflected: Reflected,
    namer: Namer,
    remade: Collection[str] = (),
) -> None:
    """Add to the table's operations what it takes to give it the CHECKs of its model.

    Drops come first, since a column that a CHECK is about may be altered behind them, and additions last.

    Args:
        namer: gives a name to constraints that have none.
        remade: columns that are dropped and added again; the CHECKs about them, too.
    """
    place = TableName(operations.table_name, operations.schema)
    connection = context.connection
    assert connection is not None
    found = database.read_checks(connection, place, reflected, namer)
    if found is None:
        return
    alterations = [op for op in operations.ops if isinstance(op, ops.AlterColumnOp)]
    altered = {op.column_name for op in alterations}
    if database.expressions_have_types:
        remade = {*remade, *(op.column_name for op in alterations if _is_of_another_kind(op))}
    model = _model_checks(context, metadata_table)
    stored = [each for each in found if _is_compared(context, each, place)]
    columns = [column.name for column in conn_table.columns]

    def canonical(expression: str) -> str | None:
        return database.canonical(connection, place, expression)

    kept, gone, new = _pair(stored, model, canonical, columns)
    # MariaDB states a column without its CHECK when it alters it
    lost = [pair for pair in kept if pair[0].column in altered or mentioned(pair[1].condition, remade)]
    changes = [change for change in [*_changes(gone, new), *lost] if _is_wanted(context, change, conn_table)]
    staying = {each.name for each in stored} - {old.name for old, _ in changes if old}
    drops = [_drop(old, place) for old, _ in changes if old]
    adds = [_addition(each, _name(each, metadata_table, staying, namer), place) for _, each in changes if each]
    operations.ops[:] = [*drops, *operations.ops, *adds]


def _is_of_another_kind(op: ops.AlterColumnOp) -> bool:
    """Does the new type bring casts about? Not a longer text, or a larger integer."""
    kinds = [
        kind for kind in (String, Integer) if isinstance(op.existing_type, kind) and isinstance(op.modify_type, kind)
    ]
    is_enum = isinstance(op.existing_type, Enum) or isinstance(op.modify_type, Enum)
    return op.modify_type is not None and (is_enum or not kinds)


def _is_compared(context: AutogenContext, stored: StoredCheck, place: TableName) -> bool:
    parents: Any = {"table_name": place.name, "schema_name": place.schema}
    return stored.name is None or context.run_name_filters(stored.name, "check_constraint", parents)


def _model_checks(context: AutogenContext, table: Table) -> list[ModelCheck]:
    dialect: Any = context.dialect
    compiler = dialect.ddl_compiler(dialect, None)
    checks = [
        ModelCheck(
            constraint,
            sqla_compat._get_constraint_final_name(constraint, dialect),
            as_sql(constraint.sqltext, context),
            constraint.name is not None and not isinstance(constraint.name, conv),
            constraint._type_bound,
        )
        for constraint in sqla_compat.all_table_check_constraints(table)
        if constraint._should_create_for_compiler(compiler)
    ]
    return sorted(checks, key=lambda each: (each.name or "", each.condition))


# ---- which is which


def _pair(
    stored: Sequence[StoredCheck],
    model: Sequence[ModelCheck],
    canonical: Callable[[str], str | None],
    columns: Sequence[str],
) -> tuple[list[tuple[StoredCheck, ModelCheck]], list[StoredCheck], list[ModelCheck]]:
    """Those that say the same on both sides; those that only the database has; those that only the models have."""
    kept: list[tuple[StoredCheck, ModelCheck]] = []
    gone, new = list(stored), list(model)
    spoken_for = {each.name.lower() for each in model if each.is_named and each.name}

    def is_same(one: StoredCheck, other: ModelCheck, may_differ: bool) -> bool:
        """Do the names allow that it is the same one?"""
        if one.is_named and one.name is not None and other.name is not None:
            if one.name.lower() == other.name.lower():
                return True
            return may_differ and not other.is_named and one.name.lower() not in spoken_for
        return may_differ

    for key in (plain, canonical):
        # the same name first, so that of two that say the same each finds its own
        for may_differ in (False, True):
            for one in list(new) if gone else ():
                says = key(one.condition)
                twin = next(
                    (each for each in gone if is_same(each, one, may_differ) and key(each.condition) == says), None
                )
                if says is not None and twin is not None:
                    kept.append((twin, one))
                    gone.remove(twin)
                    new.remove(one)
    for one in [each for each in new if each.is_of_type]:
        new.remove(one)
        twin = _of_type(one, gone, columns)
        if twin is not None:
            gone.remove(twin)
    return kept, gone, new


def _of_type(model: ModelCheck, gone: Sequence[StoredCheck], columns: Sequence[str]) -> StoredCheck | None:
    """What a type's CHECK was before the type changed: that of its name, or the one about its column alone."""
    named = next((each for each in gone if model.name is not None and each.name == model.name), None)
    about = mentioned(model.condition, columns)
    return named or next((each for each in gone if mentioned(each.condition, columns) == about), None)


# ---- the operations


def _changes(gone: Sequence[StoredCheck], new: Sequence[ModelCheck]) -> list[Change]:
    """Each that goes, with what comes under its name; then each that only comes."""
    pairs: list[Change] = []
    left = list(new)
    for old in gone:
        twin = next((each for each in left if each.name is not None and each.name == old.name), None)
        if twin is not None:
            left.remove(twin)
        pairs.append((old, twin))
    return [*pairs, *((None, each) for each in left)]


def _is_wanted(context: AutogenContext, change: Change, conn_table: Table) -> bool:
    """What the project's own `include_object` says."""
    old, new = change
    reflected = _as_constraint(old, conn_table) if old else None
    if new is None:
        assert old is not None and reflected is not None
        return context.run_object_filters(reflected, old.name, "check_constraint", True, None)
    return context.run_object_filters(new.constraint, new.name, "check_constraint", False, reflected)


def _as_constraint(stored: StoredCheck, table: Table) -> CheckConstraint:
    constraint = CheckConstraint(as_text(stored.condition), name=stored.name and conv(stored.name), table=table)
    table.constraints.discard(constraint)
    return constraint


def _drop(stored: StoredCheck, place: TableName) -> ops.MigrateOperation:
    if stored.column is not None:
        return RestateOp(place.name, place.schema, stored.without_it, stored.with_it)
    name = conv(str(stored.name))
    inverse = ops.CreateCheckConstraintOp(
        name, place.name, as_text(stored.condition), schema=place.schema, **stored.options
    )
    return ops.DropConstraintOp(name, place.name, "check", schema=place.schema, _reverse=inverse)


def _addition(check: ModelCheck, name: str, place: TableName) -> ops.MigrateOperation:
    return ops.CreateCheckConstraintOp(conv(name), place.name, as_text(check.condition), schema=place.schema)


def _name(check: ModelCheck, table: Table, taken: set[str | None], namer: Namer) -> str:
    """Its name; for what the model leaves unnamed, one that no CHECK has that stays."""
    name = check.name
    if name is None:
        columns: list[Column[Any]] = [Column(column.name, column.type) for column in table.columns]
        constraint = CheckConstraint(as_text(check.condition))
        namer(Table(table.name, MetaData(), *columns, constraint).metadata)
        name = str(constraint.name)
    if not check.is_named:
        numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
        name = next(each for each in (name, *numbered) if each not in taken)
    taken.add(name)
    return name


@renderers.dispatch_for(ops.CreateCheckConstraintOp, replace=True)
def _render(context: AutogenContext, op: ops.CreateCheckConstraintOp) -> str:
    """As Alembic's own; but a percent sign and a colon in the condition are written as they will be read."""
    table = "" if context._has_batch else f", {op.table_name!r}"
    schema = f", schema={op.schema!r}" if op.schema and not context._has_batch else ""
    condition = op.condition if isinstance(op.condition, str) else as_text(as_sql(op.condition, context))
    options = "".join(f", {each}" for each in _render_dialect_kwargs_items(context, op.to_constraint().dialect_kwargs))
    prefix = _alembic_autogenerate_prefix(context)
    name = _render_gen_name(context, op.constraint_name)
    return f"{prefix}create_check_constraint({name!r}{table}, {condition!r}{schema}{options})"
