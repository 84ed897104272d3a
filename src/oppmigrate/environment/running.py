"""`run_migrations`: what the `env.py` that `migrate init` writes ends with."""

from collections.abc import Sequence
from logging.config import fileConfig
from pathlib import Path
from types import ModuleType
from typing import Any

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from sqlalchemy import Connection, MetaData

from oppmigrate.config import Settings, load_settings
from oppmigrate.databases import Database
from oppmigrate.environment.batching import rebuilding
from oppmigrate.environment.comparing import compare_server_default
from oppmigrate.environment.opening import open_by_policy
from oppmigrate.environment.rendering import render_item

# the engine hands its own connection to env.py under this key of `config.attributes`: Alembic's recipe
# "Sharing a Connection across one or more programmatic migration commands"
CONNECTION = "connection"
DATABASE = "oppmigrate.database"


def run_migrations(
    context: EnvironmentContext | ModuleType,
    target_metadata: MetaData | Sequence[MetaData],
    **options: Any,
) -> None:
    """Run Alembic's migrations on the project's database, whatever its driver, sync or async, online or as SQL.

    The address comes from DATABASE_URL, else from `[tool.oppman]`, else from alembic.ini.

    Args:
        context: `alembic.context`.
        options: any option of Alembic's `context.configure()`; they win over the defaults set here.
    """
    config: Config = context.config
    given: Connection | None = config.attributes.get(CONNECTION)
    ours: Database | None = config.attributes.get(DATABASE)
    if given is None and ours is None and config.config_file_name is not None:
        fileConfig(config.config_file_name, disable_existing_loggers=False)
    settings = {
        "target_metadata": target_metadata,
        "compare_server_default": compare_server_default,
        "render_item": render_item,
        **options,
    }
    if given is not None:
        _run(context, ours or database_of(given, config), given, settings)
        return
    chosen = _settings(config)
    database = ours or open_by_policy(chosen.database_url, chosen.policy)
    if context.is_offline_mode():
        _run_offline(context, database, settings)
    else:
        database.run(lambda connection: _run_alone(context, database, connection, settings))


def database_of(connection: Connection, config: Config) -> Database:
    """The `Database` at the other end of a connection that somebody else opened."""
    return open_by_policy(connection.engine.url.render_as_string(hide_password=False), _settings(config).policy)


def _run(
    context: EnvironmentContext | ModuleType,
    database: Database,
    connection: Connection,
    options: dict[str, Any],
    *,
    checks_integrity: bool = False,
) -> None:
    # where a server alters by way of a new table; `batch_alter_table` runs as plain ALTERs on every other server
    context.configure(connection=connection, **{"render_as_batch": database.rebuilds_tables, **options})
    with context.begin_transaction():
        if DATABASE in context.config.attributes:  # the engine's own run_migrations() sees to the rebuilds
            context.run_migrations()
            return
        with Operations.context(context.get_context()) as operations, rebuilding(operations, database):
            context.get_context().run_migrations()
        if checks_integrity:
            database.check_integrity(connection)


def _run_alone(
    context: EnvironmentContext | ModuleType, database: Database, connection: Connection, options: dict[str, Any]
) -> None:
    """The stock `alembic` command: nobody has made the connection fit for migrating yet."""
    database.prepare(connection)
    _run(
        context,
        database,
        connection,
        {
            "transactional_ddl": database.rolls_back_ddl,
            "transaction_per_migration": not database.one_transaction,
            **options,
        },
        checks_integrity=True,
    )


def _run_offline(context: EnvironmentContext | ModuleType, database: Database, options: dict[str, Any]) -> None:
    options = {"render_as_batch": database.rebuilds_tables, **options}
    context.configure(url=database.url, literal_binds=True, dialect_opts={"paramstyle": "named"}, **options)
    with context.begin_transaction():
        context.run_migrations()


def _settings(config: Config) -> Settings:
    file = Path(config.config_file_name) if config.config_file_name else None
    project = file.parent if file else Path.cwd()
    return load_settings(project, config_file=file, section=config.config_ini_section)
