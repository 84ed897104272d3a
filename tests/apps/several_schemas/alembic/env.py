import os

from sqlalchemy import create_engine, text

from alembic import context

import models

print("env.py is run")


def include_name(name, type_, parent_names):
    return type_ != "schema" or name in ("shop", "billing")


def include_object(item, name, type_, reflected, compare_to):
    return not name.startswith("legacy_")


options = {
    "target_metadata": models.Base.metadata,
    "include_schemas": True,
    "include_name": include_name,
    "include_object": include_object,
    "version_table": "revisions",
    "version_table_schema": "shop",
}
url = os.environ["SHOP_DATABASE"]

if context.is_offline_mode():
    context.configure(url=url, literal_binds=True, **options)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url).connect() as connection:
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS shop"))
        connection.commit()
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
