from alembic import context

from app.database import engine
from app.models import Base

print("env.py is run")

with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
