from pathlib import Path

from sqlalchemy import create_engine

from alembic import context

import models

print("env.py is run")

# each application of the project keeps its own revisions
root = Path(__file__).parent.parent
context.script.version_locations = [str(path) for path in sorted(root.glob("applications/*/migrations"))]

url = context.config.get_main_option("sqlalchemy.url")

if context.is_offline_mode():
    context.configure(url=url, target_metadata=models.Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url).connect() as connection:
        context.configure(connection=connection, target_metadata=models.Base.metadata)
        with context.begin_transaction():
            context.run_migrations()
