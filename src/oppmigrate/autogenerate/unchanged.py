"""Tables that are as their models, told from a few questions about all of them: Alembic need not look at those.

What is said here is only that a table is certainly unchanged. Every other goes through the whole comparison, with the
tables that it refers to, so that what is found and in which order is the same as without.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.util import sqla_compat
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from oppmigrate.autogenerate.column_pairs import ColumnPairs, Place
from oppmigrate.autogenerate.table_options import has_options
from oppmigrate.autogenerate.written import as_sql
from oppmigrate.databases import Database
from oppmigrate.databases.expressions import plain
from oppmigrate.databases.facts import Reference, TableFacts
from oppmigrate.databases.rows import TableName

FEWEST = 20  # tables, for which all are asked for at once: of fewer, each is looked at as soon
OURS = ("alembic.", "oppmigrate.")  # whose comparators go by what the facts say
KNOWN = (PrimaryKeyConstraint, ForeignKeyConstraint, CheckConstraint, UniqueConstraint)
ACTIONS = ("CASCADE", "RESTRICT", "SET NULL", "SET DEFAULT")


def unchanged_tables(
    context: AutogenContext,
    database: Database,
    schemas: Collection[str | None],
    *,
    filters_names: bool,
    compares_defaults: Callable[..., Any],
) -> set[Place]:
    """The tables of the models, in these schemas, that need not be compared.

    Args:
        filters_names: does the project itself choose, by name, what is compared?
        compares_defaults: a `compare_server_default` that goes by what defaults say.
    """
    modelled = dict(_modelled(context, schemas))
    if len(modelled) < FEWEST or not _goes_by_facts(context, compares_defaults):
        return set()
    facts = _read(context, database, {schema for schema, _ in modelled})
    comparison = _Comparison(context, database, filters_names)
    pairs = ColumnPairs(context, database)
    alike = {
        place: (table, pairs.of_table(facts[place], table))
        for place, table in modelled.items()
        if place in facts and comparison.is_alike(place, facts[place], table)
    }
    for place in comparison.unlike_in_conditions():
        alike.pop(place, None)
    same = pairs.unchanged(alike)
    unchanged = {place for place, (_, of_table) in alike.items() if same.issuperset(of_table.values())}
    shown = _referred(context, facts, (place for place in modelled if place not in unchanged), modelled)
    # to Alembic, no table to read is all tables
    return unchanged - (shown or set(sorted(unchanged, key=str)[:1]))


def _modelled(context: AutogenContext, schemas: Collection[str | None]) -> Iterator[tuple[Place, Table]]:
    assert context.dialect is not None
    default = context.dialect.default_schema_name
    for table in context.sorted_tables:
        schema = table.schema if table.schema != default else None
        if schema in schemas and context.run_name_filters(table.name, "table", {"schema_name": schema}):
            yield (schema, table.name), table


def _goes_by_facts(context: AutogenContext, compares_defaults: Callable[..., Any]) -> bool:
    """Is the outcome for a column, or a table, the same wherever what the database and the model say is the same?

    A function of the project's own may go by names.
    """
    migration = context.migration_context
    if callable(migration._user_compare_type):
        return False
    own_default = migration._user_compare_server_default
    if callable(own_default) and own_default is not compares_defaults:
        return False
    registered = getattr(context.comparators, "_registry", None)
    if Table("any", MetaData()).dispatch.column_reflect:  # something of the project's changes what is read
        return False
    if registered is None or not f"{type(migration.impl).__module__}.".startswith(OURS):
        return False
    functions = (function for functions in registered.values() for function, _ in functions)
    return all(f"{function.__module__}.".startswith(OURS) for function in functions)


def _read(context: AutogenContext, database: Database, schemas: Iterable[str | None]) -> dict[Place, TableFacts]:
    assert context.connection is not None
    found: dict[Place, TableFacts] = {}
    for schema in schemas:
        tables = database.read_facts(context.connection, schema) or {}
        found |= {(schema, name): facts for name, facts in tables.items()}
    return found


def _referred(
    context: AutogenContext,
    facts: Mapping[Place, TableFacts],
    changed: Iterable[Place],
    modelled: Mapping[Place, Table],
) -> set[Place]:
    """The tables that those refer to, in the models or in the database."""
    assert context.dialect is not None
    default = context.dialect.default_schema_name
    found: set[Place] = set()
    stored = {place for place in facts if place not in modelled}
    for place in (*changed, *stored):
        keys = list(_model_keys(modelled[place], place[0])) if place in modelled else []
        if place in facts:
            keys += [key for _, key in facts[place].foreign_keys]
        for key in keys:
            schema = key.schema if key.schema is not None else place[0]
            found.add((schema if schema != default else None, key.table))
    return found


class _Comparison:
    """Everything about a table but what its columns are."""

    def __init__(self, context: AutogenContext, database: Database, filters_names: bool) -> None:
        dialect: Any = context.dialect
        self._context: Any = context
        self._database = database
        self._dialect = dialect
        self._filters_names = filters_names
        self._compiler = dialect.ddl_compiler(dialect, None)
        self._conditions: list[tuple[Place, str, str]] = []  # in the words of the database, and of the models

    def is_alike(self, place: Place, facts: TableFacts, table: Table) -> bool:
        return (
            facts.is_plain
            and not has_options(self._database, table)
            and all(isinstance(constraint, KNOWN) for constraint in table.constraints)
            and facts.columns.keys() == {column.name for column in table.columns}
            and not any(column.system or column.computed is not None for column in table.columns)
            and (not self._dialect.supports_comments or (facts.comment or None) == (table.comment or None))
            and facts.primary_key == tuple(column.name for column in table.primary_key.columns)
            and self._has_keys(place, facts, table)
            and self._has_checks(place, facts, table)
            and self._has_indexes(facts, table)
            and not (self._filters_names and self._is_filtered(place, facts))
        )

    def _has_keys(self, place: Place, facts: TableFacts, table: Table) -> bool:
        """By their names, where the models give one."""
        if not facts.foreign_keys and not table.foreign_key_constraints:
            return True
        stored = {key: name for name, key in facts.foreign_keys}
        modelled = dict(zip(_model_keys(table, place[0]), table.foreign_key_constraints, strict=True))
        if stored.keys() != modelled.keys() or not len(stored) == len(facts.foreign_keys) == len(
            table.foreign_key_constraints
        ):
            return False
        names = ((self._name(constraint), stored[key]) for key, constraint in modelled.items())
        return all(name is None or name == there for name, there in names)

    def _has_checks(self, place: Place, facts: TableFacts, table: Table) -> bool:
        """By name; what they say is left to be asked where the words differ."""
        found = {}
        for check in sqla_compat.all_table_check_constraints(table):
            if check._should_create_for_compiler(self._compiler):
                if check._type_bound:
                    return False
                found[self._name(check)] = as_sql(check.sqltext, self._context)
        if found.keys() != facts.checks.keys():
            return False
        for name, condition in found.items():
            stored = facts.checks[str(name)]
            if plain(stored) != plain(condition):
                self._conditions.append((place, stored, condition))
        return True

    def unlike_in_conditions(self) -> Iterator[Place]:
        """The tables among those found alike with a CHECK that the server has understood otherwise."""
        asked = [
            (TableName(place[1], place[0]), words)
            for place, stored, modelled in self._conditions
            for words in (stored, modelled)
        ]
        answers = self._database.canonical_conditions(self._context.connection, asked)
        for (place, _, _), stored, modelled in zip(self._conditions, answers[::2], answers[1::2], strict=True):
            if stored is None or stored != modelled:
                yield place

    def _has_indexes(self, facts: TableFacts, table: Table) -> bool:
        indexes = {self._name(index): self._parts(index) for index in table.indexes}
        if len(indexes) != len(table.indexes):
            return False
        uniques = [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
        if any(each.deferrable or each.initially or each.dialect_kwargs for each in uniques):
            return False
        named = [(self._name(each), tuple(column.name for column in each.columns)) for each in uniques]
        if facts.uniques is not None:
            return indexes == facts.indexes and _are_same_uniques(facts.uniques, named)
        indexes |= {name: (True, columns) for name, columns in named}
        stored = dict(facts.indexes)
        for name, key in facts.foreign_keys:
            index = stored.get(str(name))
            # made by the server for the key
            if name not in indexes and index is not None and not index[0] and not set(key.columns).isdisjoint(index[1]):
                del stored[str(name)]
        return indexes == stored

    def _parts(self, index: Index) -> tuple[bool, tuple[str, ...]] | None:
        """None, which is like nothing, for one that is more than columns."""
        if index.dialect_kwargs or not all(isinstance(each, Column) for each in index.expressions):
            return None
        return bool(index.unique), tuple(column.name for column in index.columns)

    def _name(self, constraint: Any) -> str | None:
        name = sqla_compat._get_constraint_final_name(constraint, self._dialect)
        return str(name) if name is not None else None

    def _is_filtered(self, place: Place, facts: TableFacts) -> bool:
        """Does the project leave out something that both sides have?"""
        schema, table = place
        named: list[tuple[str, str | None]] = [("column", name) for name in facts.columns]
        named += [("index", name) for name in facts.indexes]
        named += [("unique_constraint", name) for name, _ in facts.uniques or ()]
        named += [("foreign_key_constraint", name) for name, _ in facts.foreign_keys]
        named += [("check_constraint", name) for name in facts.checks]
        return not all(
            self._context.run_name_filters(name, type_, {"table_name": table, "schema_name": schema})
            for type_, name in named
        )


def _are_same_uniques(
    stored: Iterable[tuple[str | None, tuple[str, ...]]], modelled: Iterable[tuple[str | None, tuple[str, ...]]]
) -> bool:
    """By name; what the models leave unnamed, by its columns."""
    left = Counter(stored)
    unnamed: list[tuple[str, ...]] = []
    for name, columns in modelled:
        if name is None:
            unnamed.append(columns)
        elif left[name, columns]:
            left[name, columns] -= 1
        else:
            return False
    columns_left = Counter(columns for _, columns in left.elements())
    return columns_left == Counter(unnamed) and all(number == 1 for number in columns_left.values())


def _model_keys(table: Table, schema: str | None) -> Iterator[Reference]:
    """What is not said in the facts' words stands in the way of being the same as one of them."""
    for key in table.foreign_key_constraints:
        *there, referred = key.elements[0].target_fullname.split(".")[:-1]
        said = [_action(each) for each in (key.ondelete, key.onupdate)]
        if key.deferrable is not None or key.initially or key.match or key.dialect_kwargs:
            said = ["?", "?"]
        yield Reference(
            tuple(key.column_keys),
            ".".join(there) or None,
            referred,
            tuple(element.target_fullname.rpartition(".")[2] for element in key.elements),
            *said,
        )


def _action(words: str | None) -> str | None:
    said = words.upper() if words else None
    return None if said == "NO ACTION" else said if said is None or said in ACTIONS else "?"
