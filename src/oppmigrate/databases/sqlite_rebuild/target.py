"""The table as a batch of operations wants it: its definition's text, edited, and where each column comes from.

The methods carry the names of Alembic's batch operations and take their arguments (`alembic/operations/batch.py`).
Nothing here touches the database.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CheckConstraint, Column, Computed, Constraint, Index, PrimaryKeyConstraint
from sqlalchemy.types import TypeEngine, to_instance
from sqlalchemy.util import topological

from oppmigrate.databases.sqlite_rebuild import editing, finding, leaning, native
from oppmigrate.databases.sqlite_rebuild.conversions import Conversion, convert
from oppmigrate.databases.sqlite_rebuild.definition import Clause, ColumnText, Definition, StoredIndex
from oppmigrate.databases.sqlite_rebuild.finding import Namer, Naming
from oppmigrate.databases.sqlite_rebuild.native import Way
from oppmigrate.databases.sqlite_rebuild.rendering import Renderer, kind_of
from oppmigrate.databases.sqlite_rebuild.tokens import fold, normalized, quote, tokenize
from oppmigrate.errors import MigrationFailed


@dataclass
class Expected:
    """What the operations change by themselves: the comparison of before and after leaves it out."""

    altered: dict[str, set[str]] = field(default_factory=dict)  # column, folded -> what of it
    dropped: set[str] = field(default_factory=set)  # columns, folded
    added: list[str] = field(default_factory=list)
    constraints: Counter[tuple[str, str]] = field(default_factory=Counter)  # (kind, "added" | "dropped") -> how many
    is_reordered: bool = False
    options: bool = False

    def alters(self, column: str, *what: str) -> None:
        self.altered.setdefault(fold(column), set()).update(what)


class TargetTable:
    """A table under change. `old` is its definition as stored, `definition` as it is to be.

    Attributes:
        sources: column, folded -> the column of the old table that it is filled from; None for a new one.
        way: what ALTER TABLE does of it as exactly as a rebuild, and what else it takes.
    """

    def __init__(self, old: Definition, indexes: Sequence[StoredIndex], renderer: Renderer, schema: str | None) -> None:
        self.old = old
        self.definition = old
        self.indexes = {index.name: index for index in indexes}
        self.new_indexes: list[tuple[Index, str]] = []
        self.dropped_indexes: list[str] = []
        self.sources: dict[str, str | None] = {fold(column.name): column.name for column in old.columns}
        self.conversions: dict[str, Conversion] = {}
        self.expected = Expected()
        self.way = Way()
        self.checked: set[tuple[Any, ...]] = set()  # the questions about its rows that were asked already
        self._renderer = renderer
        self._schema = schema
        self._keys: dict[str, str] = {}
        self._namings: list[Naming] = []

    def copy(self) -> "TargetTable":
        """A copy that later operations do not show in."""
        twin = copy(self)
        for name in ("indexes", "new_indexes", "dropped_indexes", "sources", "conversions", "checked"):
            setattr(twin, name, copy(getattr(self, name)))
        twin.expected, twin.way = deepcopy(self.expected), deepcopy(self.way)
        return twin

    @property
    def name(self) -> str:
        return self.old.name.name

    @property
    def is_changed(self) -> bool:
        return self.definition.sql != self.old.sql

    def begin(
        self, renamed: Mapping[str, str], naming_convention: Mapping[str, str] | None, namers: Iterable[Namer]
    ) -> None:
        """Begin a batch.

        Args:
            renamed: columns that it renames, which was done already. Its operations call them by either name.
            naming_convention, namers: what names a constraint that was made without a name could be called by.
        """
        self._keys = {fold(old): new for old, new in renamed.items()}
        self._namings = [*(((naming_convention, None),) if naming_convention else ()), *((None, it) for it in namers)]

    # ---- columns

    def add_column(
        self,
        table_name: str,
        column: Column[Any],
        *,
        insert_before: str | None = None,
        insert_after: str | None = None,
        if_not_exists: bool | None = None,
        **_: Any,
    ) -> None:
        if self.definition.column(column.name) is not None:
            if if_not_exists:
                return
            raise self._failed(f"it has a column `{column.name}` already")
        text = self._renderer.column(column)
        before = insert_before and self._column(insert_before)
        after = insert_after and self._column(insert_after).name
        if before:
            place = self.definition.columns.index(before)
            after = self.definition.columns[place - 1].name if place else None
        is_first = bool(before) and after is None
        self.definition = editing.add_column(self.definition, text, after=after or None, first=is_first)
        self.sources[fold(column.name)] = None
        self._keys[fold(column.name)] = column.name
        self.expected.added.append(column.name)
        is_exact = native.adds_exactly(self._column(column.name)) and not (before or after)
        self.way.alter(is_exact, f"ADD COLUMN {text}")
        if column.primary_key and self.definition.primary_key is None:
            self._add_clause("PRIMARY KEY", f"PRIMARY KEY ({quote(column.name)})")

    def drop_column(self, table_name: str, column: Column[Any], *, if_exists: bool | None = None, **_: Any) -> None:
        if if_exists and self.definition.column(self._now(column.name)) is None:
            return
        found = self._column(column.name)
        if len(self.definition.columns) == 1:
            raise self._failed(f"`{found.name}` is its only column", do="drop the table: op.drop_table(...)")
        key = fold(found.name)
        is_exact = native.drops_exactly(self.definition, found, self.indexes.values())
        self.way.alter(is_exact and self.sources[key] is not None, f"DROP COLUMN {quote(found.name)}")
        while (clause := self._key_or_reference(key)) is not None:
            self._leave_out(clause, key)
        for clause in found.clauses:
            self._count(clause, "dropped")
        self.definition = editing.remove_column(self.definition, self._column(found.name))
        if self.sources.pop(key) is not None:
            self.expected.dropped.add(key)
        else:
            self.expected.added = [name for name in self.expected.added if fold(name) != key]
        self.conversions.pop(key, None)

    def _key_or_reference(self, key: str) -> Clause | None:
        """A constraint of the table that has the column in its list."""
        kinds = ("UNIQUE", "FOREIGN KEY", "PRIMARY KEY")
        clauses = (clause for clause in self.definition.constraints if clause.kind in kinds)
        return next((clause for clause in clauses if key in clause.mentioned), None)

    def _leave_out(self, clause: Clause, key: str) -> None:
        """A constraint without the column: a primary key of several columns keeps the others."""
        kept = [name for name in clause.columns if fold(name) != key]
        if clause.kind == "PRIMARY KEY" and kept:
            self.definition = editing.set_columns_of(self.definition, clause, kept)
            self._count(clause, "dropped")
            self._count(clause, "added")
        else:
            self._remove(clause)

    def alter_column(
        self,
        table_name: str,
        column_name: str,
        *,
        nullable: bool | None = None,
        server_default: Any = False,
        type_: Any = None,
        **_: Any,
    ) -> None:
        column = self._column(column_name)
        before = self.definition.sql
        if type_ is not None:
            self._set_type(column, to_instance(type_))
        if nullable is not None:
            self._set_nullable(self._column(column_name), nullable)
        if server_default is not False:
            self._set_default(self._column(column_name), server_default)
        if self.definition.sql != before or self.conversions.get(fold(column.name)) is not None:
            self.way.edit()

    def _set_type(self, column: ColumnText, type_: TypeEngine[Any]) -> None:
        key = fold(column.name)
        rendered = self._renderer.column_definition(type_)
        text = rendered.type_of(rendered.columns[0])
        collation = rendered.columns[0].clause("COLLATE")
        source = self.sources[key]
        if source is not None:
            stored = self.old.column(source)
            assert stored is not None
            conversion = convert(source, self.old.type_of(stored), type_, self._renderer.dialect)
            if conversion.rules or conversion.expression != quote(source):
                self.conversions[key] = conversion
            else:
                self.conversions.pop(key, None)
        if normalized(tokenize(text)) != normalized(tokenize(self.definition.type_of(column))):
            self.expected.alters(column.name, "type")
            self.definition = editing.set_type(self.definition, column, text)
        if collation is not None:
            self._set_collation(self._column(column.name), collation, rendered.text(collation.tokens))

    def _set_collation(self, column: ColumnText, wanted: Clause, text: str) -> None:
        present = column.clause("COLLATE")
        if fold(wanted.body[-1].name) != "binary":
            self._set(column.name, "COLLATE", text)
        elif present is not None:  # a column without a word of it compares so
            self.expected.alters(column.name, "collate")
            self.definition = editing.remove_clause(self.definition, present)

    def _set_nullable(self, column: ColumnText, nullable: bool) -> None:
        clause = column.clause("NOT NULL")
        if nullable and clause is not None:
            self.definition = editing.remove_clause(self.definition, clause)
        elif not nullable and clause is None:
            null = column.clause("NULL")
            if null is not None:
                self.definition = editing.remove_clause(self.definition, null)
            self._set(column.name, "NOT NULL", "NOT NULL")
        else:
            return
        self.expected.alters(column.name, "not null")

    def _set_default(self, column: ColumnText, server_default: Any) -> None:
        if server_default is None:
            wanted: Clause | None = None
            text = ""
        else:
            rendered = self._renderer.column_definition(None, server_default)
            found = rendered.columns[0]
            wanted = found.clause("GENERATED") or found.clause("DEFAULT")
            text = rendered.text(wanted.tokens) if wanted else ""
        kind = "GENERATED" if isinstance(server_default, Computed) else "DEFAULT"
        present = column.clause(kind)
        if wanted and present and wanted.says == present.says:
            return
        for other in ("DEFAULT", "GENERATED"):
            clause = self._column(column.name).clause(other)
            if clause is not None and (other != kind or wanted is None):
                self.definition = editing.remove_clause(self.definition, clause)
                self.expected.alters(column.name, "default", "generated")
        if wanted is not None:
            self._set(column.name, kind, text)

    def _set(self, column: str, kind: str, text: str) -> None:
        self.expected.alters(column, {"DEFAULT": "default", "GENERATED": "generated"}.get(kind, kind.lower()))
        self.definition = editing.set_clause(self.definition, self._column(column), kind, text)

    def reorder(self, partial: Sequence[Sequence[str]]) -> None:
        """Put columns into the order that the pairs of each tuple ask for; the others keep theirs."""
        names = [column.name for column in self.definition.columns]
        chains = [[self._column(name).name for name in chain] for chain in partial]
        pairs = {pair for chain in chains for pair in zip(chain, chain[1:], strict=False)}
        ordered = list(topological.sort(pairs, names, deterministic_order=True))
        if ordered != names:
            self.definition = editing.reorder(self.definition, ordered)
            self.expected.is_reordered = True
            self.way.rebuild()

    # ---- constraints

    def add_constraint(self, constraint: Constraint) -> None:
        if not self._renderer.is_wanted(constraint):
            return
        text = self._renderer.constraint(constraint, self._now)
        if text is None:
            return
        if isinstance(constraint, PrimaryKeyConstraint) and self.definition.primary_key is not None:
            self._remove(self.definition.primary_key)
        self._add_clause(str(kind_of(constraint)), text)
        added = self.definition.constraints[-1]
        for name in (*added.columns, *(added.mentioned & self.expected.dropped)):
            self._column(name)

    def _add_clause(self, kind: str, text: str) -> None:
        self.way.change_clause(kind)
        self.definition = editing.add_constraint(self.definition, text)
        self.expected.constraints[kind, "added"] += 1

    def drop_constraint(self, constraint: Constraint, *, if_exists: bool | None = None, **_: Any) -> None:
        clause = self.find_constraint(constraint)
        if clause is not None:
            self._remove(clause)
        elif not (if_exists or constraint._type_bound):
            names = sorted(clause.name for clause in self.definition.clauses if clause.name)
            raise self._failed(
                f"it has no constraint `{constraint.name}`",
                why=f"it has {', '.join(f'`{name}`' for name in names)}"
                if names
                else "none of its constraints has a name",
            )

    def find_constraint(self, constraint: Constraint) -> Clause | None:
        """The constraint of that name; or the one without a name that a naming convention would call so."""
        found = finding.by_name(self.definition, constraint) or finding.by_convention(
            self.definition, self._schema, constraint, self._namings
        )
        if found is None and isinstance(constraint, CheckConstraint) and constraint._type_bound:
            return finding.check(self.definition, self._renderer.expression(constraint))
        return found

    def _remove(self, clause: Clause) -> None:
        self.way.change_clause(clause.kind)
        self._count(clause, "dropped")
        self.definition = editing.remove_clause(self.definition, clause)

    def _count(self, clause: Clause, what: str) -> None:
        if clause.kind in ("UNIQUE", "FOREIGN KEY", "CHECK", "PRIMARY KEY"):
            self.expected.constraints[clause.kind, what] += 1

    # ---- indexes, options, and what SQLite has nothing for

    def create_index(self, index: Index, *, if_not_exists: bool | None = None, **_: Any) -> None:
        if if_not_exists and index.name in self.indexes:
            return
        sql = self._renderer.index(index, self._now)
        made = StoredIndex(str(index.name), sql)
        for name in made.uses & self.expected.dropped:
            self._column(name)
        self.new_indexes.append((index, sql))
        self.indexes[made.name] = made

    def drop_index(self, index: Index, *, if_exists: bool | None = None, **_: Any) -> None:
        name = next((name for name in self.indexes if fold(name) == fold(str(index.name))), None)
        if name is None:
            if if_exists:
                return
            raise self._failed(f"it has no index `{index.name}`")
        self._take_index(name)

    def _take_index(self, name: str) -> None:
        del self.indexes[name]
        fresh = [new for new in self.new_indexes if new[0].name != name]
        if len(fresh) == len(self.new_indexes):
            self.dropped_indexes.append(name)
        self.new_indexes = fresh

    def set_options(self, options: Mapping[str, Any]) -> None:
        """SQLAlchemy's table arguments that SQLite's definition has words for; the others say nothing here."""
        before = self.definition.sql
        if "sqlite_with_rowid" in options:
            without = not options["sqlite_with_rowid"]
            self.definition = editing.set_option(self.definition, "WITHOUT ROWID", without)
        if "sqlite_strict" in options:
            self.definition = editing.set_option(self.definition, "STRICT", bool(options["sqlite_strict"]))
        if "sqlite_autoincrement" in options:
            self._autoincrement(bool(options["sqlite_autoincrement"]))
        if self.definition.sql != before:
            self.expected.options = True
            self.way.rebuild()

    def _autoincrement(self, wanted: bool) -> None:
        key = self.definition.primary_key
        if key is None or len(key.columns) != 1 or self.definition.autoincrements is wanted:
            return
        column_name = key.columns[0]
        self._count(key, "dropped")
        self._count(key, "added")
        self.definition = editing.remove_clause(self.definition, key)
        column = self._column(column_name)
        name = f"CONSTRAINT {quote(key.name)} " if key.name else ""
        words = f"{name}PRIMARY KEY{' AUTOINCREMENT' if wanted else ''}"
        self.definition = editing.set_clause(self.definition, column, "PRIMARY KEY", words)

    def create_column_comment(self, *_: Any, **__: Any) -> None:
        """SQLite has no comments on columns."""

    create_table_comment = drop_table_comment = create_column_comment

    def end(self) -> None:
        """End a batch: see that nothing is left that leans on a dropped column.

        Raises:
            MigrationFailed: a CHECK, a generated column or an index needs it, and a kept column too.
        """
        gone = {key for key in self.expected.dropped if self.definition.column(key) is None}
        for clause in leaning.checks_to_go(self.name, self.definition, gone):
            self._remove(next(each for each in self.definition.of_kind("CHECK") if each.says == clause.says))
        for name in leaning.indexes_to_go(self.name, self.definition, self.indexes.values(), gone):
            self._take_index(name)

    # ---- names

    def _now(self, name: str) -> str:
        """What the column is called now that was called `name` when the batch began."""
        return self._keys.get(fold(name), name)

    def _column(self, name: str) -> ColumnText:
        column = self.definition.column(self._now(name))
        if column is None:
            names = ", ".join(f"`{column.name}`" for column in self.definition.columns)
            raise self._failed(f"it has no column `{name}`", why=f"it has {names}")
        return column

    def _failed(self, what: str, *, why: str | None = None, do: str | None = None) -> MigrationFailed:
        return leaning.cannot_change(self.name, what, why=why, do=do)
