from sqlalchemy import engine_from_config

from alembic import context

from shop.models import Base

print("env.py is run")

config = context.config
options = {"target_metadata": Base.metadata, "version_table": config.get_main_option("version_table")}


def include_object(item, name, type_, reflected, compare_to):
    """The other section's tables are none of ours."""
    return not (type_ == "table" and reflected and compare_to is None)


if context.is_offline_mode():
    context.configure(url=config.get_main_option("sqlalchemy.url"), literal_binds=True, **options)
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = engine_from_config(config.get_section(config.config_ini_section), prefix="sqlalchemy.")
    with engine.connect() as connection:
        context.configure(connection=connection, include_object=include_object, **options)
        with context.begin_transaction():
            context.run_migrations()
