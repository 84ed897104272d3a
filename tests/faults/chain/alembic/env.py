"""Alembic's environment, as `oppman migrate init` writes it."""

import models
from alembic import context
from oppmigrate.environment import run_migrations

run_migrations(context, models.metadata)
