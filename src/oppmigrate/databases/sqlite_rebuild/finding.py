"""A constraint by its name, where the table may have it without one."""

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import Constraint, Table

from oppmigrate.databases.sqlite_rebuild.definition import Clause, Definition
from oppmigrate.databases.sqlite_rebuild.rendering import as_constraints, kind_of
from oppmigrate.databases.sqlite_rebuild.tokens import fold, normalized, tokenize

Namer = Callable[[Table], None]  # gives names, in place, to the constraints that have none
Naming = tuple[Mapping[str, str] | None, Namer | None]  # SQLAlchemy's naming_convention, or a namer


def by_name(definition: Definition, constraint: Constraint) -> Clause | None:
    """The constraint that is stored under this name; of two, the one of the kind that is meant."""
    kind = kind_of(constraint)
    named = [
        clause
        for clause in definition.clauses
        if clause.name is not None and fold(clause.name) == fold(str(constraint.name))
    ]
    return next((clause for clause in named if clause.kind == kind), named[0] if named else None)


def by_convention(
    definition: Definition, schema: str | None, constraint: Constraint, namings: Iterable[Naming]
) -> Clause | None:
    """The constraint without a name that one of the conventions would call so."""
    kind = kind_of(constraint)
    for convention, namer in namings:
        table, clauses = as_constraints(definition, schema, convention)
        if namer is not None:
            namer(table)
        for unnamed, clause in clauses.items():
            if unnamed.name is not None and str(unnamed.name) == constraint.name and kind in (None, clause.kind):
                return clause
    return None


def check(definition: Definition, expression: str) -> Clause | None:
    """The CHECK that says this."""
    says = normalized(tokenize(expression))
    return next((clause for clause in definition.of_kind("CHECK") if clause.says == says), None)
