"""Alembic's environment: which models, and which database.

Written by `oppman migrate init`; yours to edit. The stock `alembic` command works with it, too.
"""

import models
from alembic import context
from oppmigrate.environment import name_constraints, run_migrations

# the tables that `create` and `check` compare with the database
target_metadata = name_constraints(models.SQLModel.metadata)

# The database: DATABASE_URL, else `sqlalchemy.url` in alembic.ini; sync and async drivers alike.
# Any option of Alembic's context.configure() can be added here: include_object=..., version_table=...
run_migrations(context, target_metadata)
