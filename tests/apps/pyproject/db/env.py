import os

from sqlalchemy import create_engine

from alembic import context

import models

print("env.py is run")

url = os.environ.get("SHOP_DATABASE", "sqlite:///app.db")

if context.is_offline_mode():
    context.configure(url=url, target_metadata=models.Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url).connect() as connection:
        context.configure(connection=connection, target_metadata=models.Base.metadata)
        with context.begin_transaction():
            context.run_migrations()
