from sqlalchemy import create_engine

from alembic import context

import models

print("env.py is run")

# the recipe "Sharing a Connection across one or more programmatic migration commands"
connectable = context.config.attributes.get("connection", None)

if connectable is None:
    connectable = create_engine(context.config.get_main_option("sqlalchemy.url"))
    with connectable.begin() as connection:
        context.configure(connection=connection, target_metadata=models.Base.metadata)
        context.run_migrations()
else:
    context.configure(connection=connectable, target_metadata=models.Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
