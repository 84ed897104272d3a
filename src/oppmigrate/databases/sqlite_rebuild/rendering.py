"""SQLAlchemy's columns, constraints and indexes as SQLite's text; the constraints of a text as SQLAlchemy's."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Constraint,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.schema import CreateIndex
from sqlalchemy.types import NullType, TypeEngine

from oppmigrate.databases.sqlite_rebuild.definition import Clause, Definition
from oppmigrate.databases.sqlite_rebuild.reading import read_definition

Resolve = Callable[[str], str]  # a column by its name before the batch -> its name now

KINDS: Mapping[type[Constraint], str] = {
    PrimaryKeyConstraint: "PRIMARY KEY",
    UniqueConstraint: "UNIQUE",
    CheckConstraint: "CHECK",
    ForeignKeyConstraint: "FOREIGN KEY",
}


class Renderer:
    """Text for one table, in the words of SQLAlchemy's own compiler."""

    def __init__(self, dialect: Dialect, schema: str | None) -> None:
        self.dialect = dialect
        self._schema = schema
        self._compiler: Any = dialect.ddl_compiler(dialect, None)  # type: ignore[arg-type]

    def column(self, column: Column[Any]) -> str:
        if column.table is None:
            Table("t", MetaData(), column)
        return str(self._compiler.get_column_specification(column))

    def column_definition(self, type_: TypeEngine[Any] | None = None, server_default: Any = None) -> Definition:
        """A table with one column of this type and default, so that its parts can be read."""
        column: Column[Any]
        if isinstance(server_default, Computed):
            column = Column("c", type_ or Integer(), Computed(server_default.sqltext, server_default.persisted))
        else:
            column = Column("c", type_ or Integer(), server_default=server_default)
        return read_definition(f"CREATE TABLE t ({self.column(column)})")

    def is_wanted(self, constraint: Constraint) -> bool:
        """Would SQLAlchemy write it? A type's own CHECK only where the server has no such type."""
        rule = constraint._create_rule
        return rule is None or bool(rule(self._compiler))

    def constraint(self, constraint: Constraint, resolve: Resolve) -> str | None:
        """Its text; None for what cannot be said in SQLite, a foreign key into another database."""
        _rename_columns(getattr(constraint, "table", None), resolve)
        if isinstance(constraint, ForeignKeyConstraint):
            remote = constraint.elements[0].column.table
            if remote.schema is None:
                remote.schema = getattr(constraint.table, "schema", None)
        text = self._compiler.process(constraint)
        return str(text) if text else None

    def index(self, index: Index, resolve: Resolve) -> str:
        """The CREATE INDEX statement, in the table's schema."""
        assert index.table is not None
        _rename_columns(index.table, resolve)
        index.table.schema = self._schema
        return str(CreateIndex(index).compile(dialect=self.dialect))

    def expression(self, check: CheckConstraint) -> str:
        return str(
            self._compiler.sql_compiler.process(check.sqltext, include_table=False, literal_binds=True)
            if not isinstance(check.sqltext, str)
            else check.sqltext
        )


def as_constraints(
    definition: Definition, schema: str | None, naming_convention: Mapping[str, str] | None
) -> tuple[Table, dict[Constraint, Clause]]:
    """The unnamed constraints of a definition as SQLAlchemy's, on a table of their own.

    Args:
        naming_convention: names some of them at once.
    """
    metadata = MetaData(naming_convention=dict(naming_convention) if naming_convention else None)
    columns: list[Column[Any]] = [Column(column.name, NullType()) for column in definition.columns]
    table = Table(definition.name.name, metadata, *columns, schema=schema)
    found: dict[Constraint, Clause] = {}
    for clause in definition.clauses:
        constraint = _as_constraint(definition, clause) if clause.name is None else None
        if constraint is not None:
            table.append_constraint(constraint)
            found[constraint] = clause
    return table, found


def _as_constraint(definition: Definition, clause: Clause) -> Constraint | None:
    if clause.kind == "PRIMARY KEY":
        return PrimaryKeyConstraint(*clause.columns)
    if clause.kind == "UNIQUE":
        return UniqueConstraint(*clause.columns)
    if clause.kind == "CHECK":
        return CheckConstraint(definition.text(clause.group))
    if clause.kind == "FOREIGN KEY":
        table, columns = clause.referred
        return ForeignKeyConstraint(
            clause.columns, [f"{table}.{column}" for column in columns or clause.columns], use_alter=True
        )
    return None


def on_table(constraint: Constraint, definition: Definition) -> Constraint:
    """A constraint that stands by itself, put on a table, as SQLAlchemy's compiler needs it."""
    metadata = MetaData()
    columns: list[Column[Any]] = [Column(column.name, NullType()) for column in definition.columns]
    table = Table(definition.name.name, metadata, *columns)
    twin: Constraint = constraint if getattr(constraint, "parent", None) is None else constraint._copy()
    if isinstance(twin, ForeignKeyConstraint):
        for key in twin.elements:
            parent, _, column = key.target_fullname.rpartition(".")
            if parent != table.name:
                Table(parent, metadata, Column(column, NullType()), extend_existing=True)
    table.append_constraint(twin)
    return twin


def kind_of(constraint: Constraint) -> str | None:
    return next((kind for type_, kind in KINDS.items() if isinstance(constraint, type_)), None)


def _rename_columns(table: Any, resolve: Resolve) -> None:
    """The operation's own columns, made from the names that it was given, get the names that they have now."""
    for column in table.columns if table is not None else ():
        column.name = resolve(column.name)
