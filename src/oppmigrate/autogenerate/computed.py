"""Generated columns: those that the models compute otherwise than the database, or no longer, or only now.

No server alters every such column, so the column is dropped and added again: its values are computed anew. One that
becomes plain keeps them. One that was plain loses what it holds, and is a drop like any other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op
from alembic.operations import ops

from oppmigrate.autogenerate.restating import RestateOp
from oppmigrate.autogenerate.stored_computed import read_stored_computed, say_stored_computed
from oppmigrate.autogenerate.told import ToldOp
from oppmigrate.autogenerate.written import as_sql, executing
from oppmigrate.databases import Database
from oppmigrate.databases.expressions import StoredComputed, mentioned, plain
from oppmigrate.databases.rows import TableName

_LEAVING = (ops.DropConstraintOp, ops.DropIndexOp, RestateOp)
_OF_COLUMNS = (ops.AddColumnOp, ops.AlterColumnOp)


class MakePlainOp(ToldOp):
    """A generated column that is to keep the values that were computed, as statements of its server."""

    def __init__(
        self, table: str, schema: str | None, statements: tuple[str, ...], back: tuple[ops.MigrateOperation, ...]
    ) -> None:
        self.table_name = table
        self.schema = schema
        self.statements = statements
        self.back = back
        self.summary = f"make {table}.{getattr(back[0], 'column_name', '')} a plain column, with the values computed"

    def reverse(self) -> "ComputeAgainOp":
        return ComputeAgainOp(self)


class ComputeAgainOp(ToldOp):
    """The inverse: the plain column gives way to the generated one."""

    def __init__(self, forth: MakePlainOp) -> None:
        self.table_name = forth.table_name
        self.schema = forth.schema
        self.forth = forth
        self.summary = forth.summary.replace("a plain column, with the values computed", "a generated column")

    def reverse(self) -> MakePlainOp:
        return self.forth


@dataclass
class _Arranged:
    """A table's operations in the order in which no column is in use when it goes, or missing when it is used."""

    leaving: list[ops.MigrateOperation] = field(default_factory=list)
    dropped: list[ops.MigrateOperation] = field(default_factory=list)
    columns: list[ops.MigrateOperation] = field(default_factory=list)
    computed: list[ops.MigrateOperation] = field(default_factory=list)
    coming: list[ops.MigrateOperation] = field(default_factory=list)

    def all(self) -> list[ops.MigrateOperation]:
        return [*self.leaving, *self.dropped, *self.columns, *self.computed, *self.coming]


def is_computed(*columns: sa.Column[Any]) -> bool:
    """Is one of them generated? Alembic compares such a one as the default that it is not."""
    return any(column.computed is not None for column in columns)


def compare_computed(
    context: AutogenContext,
    database: Database,
    operations: ops.ModifyTableOps,
    conn_table: sa.Table,
    metadata_table: sa.Table,
) -> None:
    """Add to the table's operations what it takes to compute its columns as the models do.

    To be called when everything else of the table was compared, but for the columns that it loses.
    """
    comparison = _Comparison(context, database, operations, conn_table, metadata_table)
    comparison.correct_reflection()
    changed = [column for column in metadata_table.columns if comparison.is_changed(column)]
    if changed or any(isinstance(op, ops.AddColumnOp) and op.column.computed is not None for op in operations.ops):
        operations.ops[:] = comparison.arranged(changed)


def columns_made_anew(
    context: AutogenContext,
    database: Database,
    operations: ops.ModifyTableOps,
    conn_table: sa.Table,
    metadata_table: sa.Table,
) -> set[str]:
    """The columns that `compare_computed` is going to drop and add again: nothing may lean on them meanwhile."""
    comparison = _Comparison(context, database, operations, conn_table, metadata_table)
    return {
        column.name
        for column in metadata_table.columns
        if comparison.is_changed(column) and comparison.is_dropped_on_the_way(column)
    }


class _Comparison:
    """One table on both sides."""

    def __init__(
        self,
        context: AutogenContext,
        database: Database,
        operations: ops.ModifyTableOps,
        conn_table: sa.Table,
        metadata_table: sa.Table,
    ) -> None:
        self._context = context
        self._database = database
        self._connection: Any = context.connection
        self._operations = operations
        self._place = TableName(operations.table_name, operations.schema)
        self._old = conn_table
        self._new = metadata_table
        assert context.connection is not None
        self._stored = read_stored_computed(conn_table.columns, self._place, database, context.connection)

    def correct_reflection(self) -> None:
        """Let a column that goes be brought back as it was."""
        say_stored_computed(self._old.columns, self._stored)

    # ---- what differs

    def is_changed(self, new: sa.Column[Any]) -> bool:
        old, stored = self._old.columns.get(new.name), self._stored.get(new.name)
        if old is None or (stored is None and new.computed is None):
            return False
        if not self._context.run_object_filters(new, new.name, "column", False, old):
            return False
        if stored is None or new.computed is None:
            return True
        if self._alteration(new.name) is not None or self._leans_on_altered(stored):
            return True
        return stored.persisted != self._is_persisted(new.computed) or not self._says_the_same(stored, new.computed)

    def _alteration(self, name: str) -> ops.AlterColumnOp | None:
        alterations = (op for op in self._operations.ops if isinstance(op, ops.AlterColumnOp))
        return next((op for op in alterations if op.column_name == name), None)

    def _leans_on_altered(self, stored: StoredComputed) -> bool:
        """Is it made from a column that gets another type? PostgreSQL refuses to alter that one."""
        alterations = (op for op in self._operations.ops if isinstance(op, ops.AlterColumnOp))
        altered = [op.column_name for op in alterations if op.modify_type is not None]
        return bool(mentioned(stored.expression, altered))

    def _is_persisted(self, computed: sa.Computed) -> bool:
        """As the server would have it: the word that SQLAlchemy writes, or its default."""
        dialect: Any = self._context.dialect
        words = str(dialect.ddl_compiler(dialect, None).process(computed)).upper().split()
        return words[-1] in ("STORED", "PERSISTENT", "PERSISTED")

    def _says_the_same(self, stored: StoredComputed, computed: sa.Computed) -> bool:
        new = as_sql(computed.sqltext, self._context)
        if plain(stored.expression) == plain(new):
            return True
        before = self._database.canonical(self._connection, self._place, stored.expression)
        return before is not None and before == self._database.canonical(self._connection, self._place, new)

    def is_dropped_on_the_way(self, changed: sa.Column[Any]) -> bool:
        """Is it, in one of the two directions? Not where the server makes it plain by an ALTER that Alembic has."""
        return changed.computed is not None or bool(
            self._database.make_plain(self._connection, self._place, changed.name)
        )

    # ---- what is to be done

    def arranged(self, changed: list[sa.Column[Any]]) -> list[ops.MigrateOperation]:
        result = _Arranged()
        for column in changed:
            if column.computed is None:
                self._make_plain(column, result)
            else:
                result.dropped.append(self._drop(column.name))
                result.computed.append(self._add(column))
                self._forget(column.name)
        for operation in self._operations.ops:
            if isinstance(operation, _LEAVING):
                result.leaving.append(operation)
            elif isinstance(operation, ops.AddColumnOp) and operation.column.computed is not None:
                result.computed.append(operation)
            else:
                (result.columns if isinstance(operation, _OF_COLUMNS) else result.coming).append(operation)
        remade = {column.name for column in changed if self.is_dropped_on_the_way(column)}
        for leaves, comes in self._dependents(remade):
            result.leaving.append(leaves)
            result.coming.append(comes)
        return result.all()

    def _forget(self, name: str) -> None:
        """An alteration of a column that is made anew."""
        alteration = self._alteration(name)
        if alteration is not None:
            self._operations.ops.remove(alteration)

    def _drop(self, name: str) -> ops.DropColumnOp:
        return ops.DropColumnOp.from_column_and_tablename(self._place.schema, self._place.name, self._old.columns[name])

    def _add(self, column: sa.Column[Any]) -> ops.AddColumnOp:
        return ops.AddColumnOp.from_column_and_tablename(self._place.schema, self._place.name, column)

    def _make_plain(self, column: sa.Column[Any], result: _Arranged) -> None:
        old, place = self._old.columns[column.name], self._place
        statements = self._database.make_plain(self._connection, place, column.name)
        alteration = self._alteration(column.name)
        if not statements or column.server_default is not None:
            if alteration is None:
                alteration = ops.AlterColumnOp(
                    place.name,
                    column.name,
                    schema=place.schema,
                    existing_type=old.type,
                    existing_nullable=old.nullable,
                )
                self._operations.ops.append(alteration)
            alteration.modify_server_default = column.server_default
            alteration.existing_server_default = None if statements else old.computed
        if statements:
            there = sa.Column(column.name, old.type, nullable=old.nullable)
            sa.Table(self._old.name, sa.MetaData(), there, schema=self._old.schema)
            drop = ops.DropColumnOp.from_column_and_tablename(place.schema, place.name, there)
            back = (drop, ops.AddColumnOp.from_column_and_tablename(place.schema, place.name, old))
            result.dropped.append(MakePlainOp(place.name, place.schema, statements, back))

    def _dependents(self, names: set[str]) -> Iterator[tuple[ops.MigrateOperation, ops.MigrateOperation]]:
        """What both sides have of these columns, and would go with them: its drop, and how it comes back."""
        coming: set[Any] = {op.index_name for op in self._operations.ops if isinstance(op, ops.CreateIndexOp)}
        coming |= {op.constraint_name for op in self._operations.ops if isinstance(op, ops.CreateUniqueConstraintOp)}
        for index in sorted(self._new.indexes, key=lambda each: str(each.name)):
            if self._uses(index, names) and index.name not in coming:
                yield ops.DropIndexOp.from_index(index), ops.CreateIndexOp.from_index(index)
        constraints = [each for each in self._new.constraints if isinstance(each, sa.UniqueConstraint)]
        for constraint in sorted(constraints, key=lambda each: str(each.name)):
            if names & set(constraint.columns.keys()) and constraint.name not in coming:
                yield self._as_stored(constraint), ops.AddConstraintOp.from_constraint(constraint)

    def _uses(self, index: sa.Index, names: set[str]) -> bool:
        texts = [as_sql(each, self._context) for each in index.expressions]
        return any(mentioned(text, names) for text in texts)

    def _as_stored(self, constraint: sa.UniqueConstraint) -> ops.DropConstraintOp:
        """The drop by the name that the database has, where that is another one."""
        drop = ops.DropConstraintOp.from_constraint(constraint)
        columns = list(constraint.columns.keys())
        inspector = self._context.inspector
        for each in inspector.get_unique_constraints(self._place.name, schema=self._place.schema):
            if each["column_names"] == columns and each["name"] is not None:
                drop.constraint_name = each["name"]
        return drop


@renderers.dispatch_for(MakePlainOp)
def _render_plain(context: AutogenContext, op: MakePlainOp) -> list[str]:
    return [executing(context, each) for each in op.statements]


@renderers.dispatch_for(ComputeAgainOp)
def _render_computed(context: AutogenContext, op: ComputeAgainOp) -> list[str]:
    return [line for each in op.forth.back for line in render_op(context, each)]
