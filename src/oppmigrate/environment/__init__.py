"""What a project's `env.py` imports: names for every constraint, and the run itself, for any URL."""

from oppmigrate.environment.naming import name_constraints
from oppmigrate.environment.running import run_migrations

__all__ = ["name_constraints", "run_migrations"]
