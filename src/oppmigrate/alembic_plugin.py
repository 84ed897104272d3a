"""Alembic's plugin: what the stock command gains in a project where oppmigrate is installed.

Alembic calls `setup` while it is being imported, so nothing of Alembic is imported before a comparison begins. The
plugin's name in pyproject.toml begins with `alembic.autogenerate.`, which Alembic's own default takes in.
"""

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.plugins import Plugin
    from sqlalchemy import URL

    from oppmigrate.databases import Database


class _PluginModule(ModuleType):
    """A module that is also the collection of modules that Alembic took a plugin for in its first releases, 1.18."""

    def __iter__(self) -> Iterator[ModuleType]:
        yield self


sys.modules[__name__].__class__ = _PluginModule


def setup(plugin: "Plugin") -> None:
    """Take part in every autogenerate run, before anything is compared."""
    from alembic.util import DispatchPriority

    plugin.add_autogenerate_comparator(prepare_writing, "autogenerate")
    plugin.add_autogenerate_comparator(hide_journals, "autogenerate", priority=DispatchPriority.FIRST)
    plugin.add_autogenerate_comparator(hide_unchanged, "schema", priority=DispatchPriority.FIRST)
    plugin.add_autogenerate_comparator(show_all, "schema", priority=DispatchPriority.LAST)
    plugin.add_autogenerate_comparator(compare_sequences, "schema", "sequences")
    plugin.add_autogenerate_comparator(compare_indexes, "table", "indexes", priority=DispatchPriority.LAST)
    plugin.add_autogenerate_comparator(compare_tables, "table", "computed", priority=DispatchPriority.LAST)
    # first, and the last word: Alembic's own plugin of that name, for who asks for it, compares names only
    plugin.add_autogenerate_comparator(compare_checks, "table", "checkconstraints", priority=DispatchPriority.FIRST)
    plugin.add_autogenerate_comparator(compare_types, "column", "types")
    plugin.add_autogenerate_comparator(arrange_operations, "autogenerate", priority=DispatchPriority.LAST)


def prepare_writing(autogen_context: Any, *_: Any) -> Any:
    """Make sure that what is found can be written.

    SQLModel's types, whose module a stock template does not import; and expressions, which Alembic writes otherwise
    than they are read. A generated column is kept from being compared as a default, by which Alembic fails.
    """
    from alembic.util import DispatchPriority, PriorityDispatchResult

    from oppmigrate.autogenerate.indexes import hide_untrue_warnings
    from oppmigrate.autogenerate.written import rendering_expressions
    from oppmigrate.environment.rendering import after_the_projects_own

    hide_untrue_warnings()
    opts = autogen_context.opts
    opts["render_item"] = rendering_expressions(after_the_projects_own(opts.get("render_item")))
    dialect = autogen_context.dialect.name
    # of functions that come first, Alembic asks those for one dialect before those for all, and before its own so
    autogen_context.comparators.dispatch_for(
        "column", subgroup="server_default", priority=DispatchPriority.FIRST, qualifier=dialect
    )(compare_default)
    return PriorityDispatchResult.CONTINUE


def compare_types(
    autogen_context: Any, operation: Any, schema: Any, table: Any, column: Any, inspected: Any, modelled: Any
) -> Any:
    """Find the differences between types that Alembic's own comparison passes over."""
    from alembic.util import PriorityDispatchResult

    from oppmigrate.autogenerate.collations import types_with_collations
    from oppmigrate.databases.rows import TableName
    from oppmigrate.environment.comparing import has_other_type

    database = _database(autogen_context)
    types = None
    if database is not None:
        place = TableName(table, schema)
        types = types_with_collations(autogen_context, database, place, column, inspected.type, modelled.type)
    if types is None and has_other_type(inspected.type, modelled.type, autogen_context.dialect):
        types = inspected.type, modelled.type
    if types is None:
        return PriorityDispatchResult.CONTINUE
    operation.existing_type, operation.modify_type = types
    return PriorityDispatchResult.STOP


def arrange_operations(autogen_context: Any, upgrade_ops: Any) -> Any:
    """Put what was found into an order in which the server can do it, with the types and casts that it takes.

    A kind of server that is not known here gets Alembic's own.
    """
    from alembic.util import PriorityDispatchResult

    from oppmigrate.autogenerate.arranging import arrange

    database = _database(autogen_context)
    if database is not None:
        arrange(upgrade_ops, autogen_context, database)
    return PriorityDispatchResult.CONTINUE


def hide_journals(autogen_context: Any, *_: Any) -> Any:
    """Keep the journal out of the comparison, which would drop a table that no model has."""
    from alembic.util import PriorityDispatchResult

    from oppmigrate.environment.hiding import HiddenTable

    migration_context = autogen_context.migration_context
    default_schema = autogen_context.dialect.default_schema_name
    for name in _journal_tables(migration_context.environment_context):
        hidden = HiddenTable(name, migration_context.version_table_schema, default_schema)
        autogen_context.run_name_filters = hidden.name_filter(autogen_context.run_name_filters)
        autogen_context.run_object_filters = hidden.object_filter(autogen_context.run_object_filters)
    return PriorityDispatchResult.CONTINUE


def hide_unchanged(autogen_context: Any, _operations: Any, schemas: set[str | None]) -> Any:
    """Keep from Alembic the tables that are certainly as their models: of a thousand it would read, and build, each."""
    from alembic.util import PriorityDispatchResult

    from oppmigrate.autogenerate.unchanged import unchanged_tables
    from oppmigrate.environment.comparing import compare_server_default
    from oppmigrate.environment.hiding import HiddenTables, is_the_projects

    database = _database(autogen_context)
    if database is not None:
        filters_names = is_the_projects(autogen_context.opts.get("include_name"))
        unchanged = unchanged_tables(
            autogen_context,
            database,
            schemas,
            filters_names=filters_names,
            compares_defaults=compare_server_default,
        )
        filters = autogen_context.run_name_filters, autogen_context.run_object_filters
        hidden = HiddenTables(unchanged, autogen_context.dialect.default_schema_name, *filters)
        autogen_context.run_name_filters, autogen_context.run_object_filters = (
            hidden.include_name,
            hidden.include_object,
        )
    return PriorityDispatchResult.CONTINUE


def compare_sequences(autogen_context: Any, operations: Any, schemas: set[str | None]) -> Any:
    """Find the sequences that the models declare, and the database does not have, or has otherwise."""
    from alembic.util import PriorityDispatchResult

    from oppmigrate.autogenerate.sequences import compare_sequences

    database = _database(autogen_context)
    if database is not None:
        compare_sequences(autogen_context, database, operations, schemas)
    return PriorityDispatchResult.CONTINUE


def show_all(autogen_context: Any, *_: Any) -> Any:
    """Let what comes behind the comparison see all tables again."""
    from alembic.util import PriorityDispatchResult

    from oppmigrate.environment.hiding import HiddenTables

    hidden = getattr(autogen_context.run_name_filters, "__self__", None)
    if isinstance(hidden, HiddenTables):
        autogen_context.run_name_filters, autogen_context.run_object_filters = hidden.names, hidden.objects
    return PriorityDispatchResult.CONTINUE


def compare_checks(
    autogen_context: Any, operations: Any, schema: str | None, name: str, conn_table: Any, metadata_table: Any
) -> Any:
    """Find the CHECKs that only the models have, or only the database; those of a new table are made with it."""
    from alembic.autogenerate.compare.util import _InspectorConv
    from alembic.util import PriorityDispatchResult

    from oppmigrate.autogenerate.checks import compare_checks
    from oppmigrate.autogenerate.computed import columns_made_anew
    from oppmigrate.environment.naming import name_constraints

    database = _database(autogen_context)
    if database is None or conn_table is None or metadata_table is None:
        return PriorityDispatchResult.CONTINUE
    try:
        reflected = _InspectorConv(autogen_context.inspector).get_check_constraints(name, schema)
    except NotImplementedError:
        return PriorityDispatchResult.CONTINUE
    tables = (autogen_context, database, operations, conn_table, metadata_table)
    compare_checks(*tables, reflected, name_constraints, columns_made_anew(*tables))
    return PriorityDispatchResult.STOP


def compare_indexes(
    autogen_context: Any, operations: Any, schema: str | None, name: str, conn_table: Any, metadata_table: Any
) -> Any:
    """Compare what Alembic's own comparison of indexes, which comes before, passes over."""
    from alembic.autogenerate.compare.util import _InspectorConv
    from alembic.util import PriorityDispatchResult

    from oppmigrate.autogenerate.indexes import compare_indexes

    database = _database(autogen_context)
    if database is not None:
        found = _InspectorConv(autogen_context.inspector).get_indexes(name, schema) if conn_table is not None else ()
        reflected = {each["name"] for each in found}
        compare_indexes(autogen_context, database, operations, conn_table, metadata_table, reflected)
    return PriorityDispatchResult.CONTINUE


def compare_tables(
    autogen_context: Any, operations: Any, _schema: str | None, _name: str, conn_table: Any, metadata_table: Any
) -> Any:
    """Find what Alembic leaves: generated columns that the models compute otherwise, primary keys that are to be of
    other columns, names of foreign keys, EXCLUDE constraints, when a UNIQUE is checked, what counts up, and options
    of tables.
    """
    from alembic.util import PriorityDispatchResult

    from oppmigrate.autogenerate.computed import compare_computed
    from oppmigrate.autogenerate.counting import compare_counting
    from oppmigrate.autogenerate.key_names import compare_key_names
    from oppmigrate.autogenerate.primary_keys import compare_primary_keys
    from oppmigrate.autogenerate.table_options import compare_options
    from oppmigrate.autogenerate.waiting import compare_constraints

    database = _database(autogen_context)
    if database is not None and conn_table is not None and metadata_table is not None:
        compare_key_names(operations, conn_table, metadata_table)
        compare_counting(autogen_context, database, operations, conn_table, metadata_table)
        compare_options(autogen_context, database, operations, metadata_table)
        compare_constraints(autogen_context, database, operations, conn_table, metadata_table)
        compare_computed(autogen_context, database, operations, conn_table, metadata_table)
        compare_primary_keys(autogen_context, database, operations, conn_table, metadata_table)
    return PriorityDispatchResult.CONTINUE


def compare_default(
    autogen_context: Any, operation: Any, _schema: str | None, _table: str, _name: str, conn_column: Any, column: Any
) -> Any:
    """Keep a generated column, and one with an identity, from being compared as a default, by which Alembic fails."""
    from alembic.util import PriorityDispatchResult

    from oppmigrate.autogenerate.computed import is_computed
    from oppmigrate.autogenerate.identities import compare_identity, is_identity

    if is_computed(conn_column, column):
        return PriorityDispatchResult.STOP
    if is_identity(conn_column, column):
        compare_identity(autogen_context, operation, conn_column, column)
        return PriorityDispatchResult.STOP
    return PriorityDispatchResult.CONTINUE


def _database(autogen_context: Any) -> "Database | None":
    """What stands behind the connection; None for a kind of server that nothing here serves."""
    return _database_at(autogen_context.connection.engine.url)


@functools.lru_cache(maxsize=8)
def _database_at(url: "URL") -> "Database | None":
    from oppmigrate.databases.opening import find_server
    from oppmigrate.errors import MigrateError

    try:
        return find_server(url)(url)
    except MigrateError:
        return None


def _journal_tables(environment_context: "EnvironmentContext | None") -> "set[str]":
    """What the settings of the working directory, and of the folder of the configuration file, call the journal.

    Settings that cannot be read are no reason for the stock command to fail: the usual name stands in for theirs.
    """
    from oppmigrate.config import Policy, load_settings
    from oppmigrate.errors import MigrateError

    config = environment_context.config if environment_context is not None else None
    folders = {Path.cwd()}
    if config is not None and config.config_file_name is not None:
        folders.add(Path(config.config_file_name).absolute().parent)
    names = set()
    for folder in folders:
        try:
            names.add(load_settings(folder).policy.journal_table)
        except MigrateError:
            names.add(Policy().journal_table)
    return names
