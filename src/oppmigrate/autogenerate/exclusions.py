"""EXCLUDE constraints, which Alembic writes with a new table, and neither compares nor brings back."""

import re
from collections.abc import Iterator

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Constraint, Table
from sqlalchemy.schema import AddConstraint

from oppmigrate.autogenerate.indexes import Comparison, comparing
from oppmigrate.autogenerate.told import ToldOp
from oppmigrate.autogenerate.words import qualified
from oppmigrate.autogenerate.written import as_written, executing, quoted_name
from oppmigrate.databases import Database
from oppmigrate.databases.constraint_questions import StoredConstraint
from oppmigrate.databases.exclusions import Exclusion, read_exclusion
from oppmigrate.databases.rows import TableName

KIND = "exclude_constraint"  # the name that SQLAlchemy gives to the class, whatever the server
REFLECTED = "oppmigrate_exclusions"  # in a reflected table's `info`: the names and the definitions
_BEFORE = re.compile(r".*?\bADD (?:CONSTRAINT .*? )?(?=EXCLUDE\b)", re.DOTALL)


class ExclusionOp(ToldOp):
    """Give a table an EXCLUDE constraint, or take one away."""

    def __init__(self, table: TableName, name: str, definition: str, *, adds: bool) -> None:
        self.table_name = table.name
        self.schema = table.schema
        self.constraint_name = name
        self.definition = definition
        self.adds = adds

    @property
    def summary(self) -> str:
        """The operation in words."""
        place = qualified(self.schema, self.table_name)
        said = f": {self.definition}" if self.adds else ""
        return f"{'add' if self.adds else 'drop'} exclude constraint {self.constraint_name} on {place}{said}"

    def reverse(self) -> "ExclusionOp":
        place = TableName(self.table_name, self.schema)
        return ExclusionOp(place, self.constraint_name, self.definition, adds=not self.adds)


def compare_exclusions(
    context: AutogenContext,
    database: Database,
    operations: ops.ModifyTableOps,
    stored: tuple[StoredConstraint, ...],
    metadata_table: Table,
) -> None:
    """Add to the table's operations what it takes to give it the EXCLUDE constraints of its model."""
    place = TableName(operations.table_name, operations.schema)
    comparison = comparing(context, database, place)
    left = [each for each in stored if each.excludes]
    added = []
    for name, definition in _model_exclusions(context, metadata_table):
        wanted = read_exclusion(definition)
        same = (each for each in left if name in (None, each.name) and _is_same(comparison, each, wanted))
        kept = next(same, None)
        if kept is not None:
            left.remove(kept)
        else:
            added.append(ExclusionOp(place, name or _free_name(place, wanted), definition, adds=True))
    operations.ops[:0] = [ExclusionOp(place, each.name, each.definition, adds=False) for each in left]
    operations.ops += added


def _is_same(comparison: Comparison, stored: StoredConstraint, wanted: Exclusion | None) -> bool:
    found = read_exclusion(stored.definition)
    if found is None or wanted is None:
        return False
    return (
        found.operators == wanted.operators
        and found.waits == wanted.waits
        and comparison.is_same(found.index, wanted.index)
    )


def _model_exclusions(context: AutogenContext, table: Table) -> Iterator[tuple[str | None, str]]:
    """The names and the definitions."""
    yield from table.info.get(REFLECTED, ())
    for constraint in sorted(_of(table), key=lambda each: str(each.name)):
        sql = as_written(context, str(AddConstraint(constraint).compile(dialect=context.dialect)))
        yield (str(constraint.name) if constraint.name else None), _BEFORE.sub("", sql)


def _of(table: Table) -> Iterator[Constraint]:
    return (each for each in table.constraints if each.__visit_name__ == KIND)


def _free_name(place: TableName, wanted: Exclusion | None) -> str:
    columns = [part.sql for part in wanted.index.parts if part.is_column] if wanted is not None else []
    return "_".join([place.name, *columns, "excl"])


@renderers.dispatch_for(ExclusionOp)
def _render(context: AutogenContext, op: ExclusionOp) -> str:
    assert context.dialect is not None
    prefix = context.opts.get("alembic_module_prefix") or ""
    schema = f", schema={op.schema!r}" if op.schema else ""
    if not op.adds:
        return f"{prefix}drop_constraint({op.constraint_name!r}, {op.table_name!r}{schema})"
    table = quoted_name(context.dialect, op.schema, op.table_name)
    name = quoted_name(context.dialect, None, op.constraint_name)
    return executing(context, f"ALTER TABLE {table} ADD CONSTRAINT {name} {op.definition}")
