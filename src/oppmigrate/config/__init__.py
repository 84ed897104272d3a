"""What a run works with: where things are, and how a database is changed."""

from oppmigrate.config.policy import Policy
from oppmigrate.config.settings import (
    DEFAULT_DATABASE_URL,
    MODEL_FILES,
    PLACEHOLDER_URL,
    Settings,
    absolute_url,
    find_project,
    has_models,
    hide_password,
    load_settings,
    read_environment,
)

__all__ = [
    "DEFAULT_DATABASE_URL",
    "MODEL_FILES",
    "PLACEHOLDER_URL",
    "Policy",
    "Settings",
    "absolute_url",
    "find_project",
    "has_models",
    "hide_password",
    "load_settings",
    "read_environment",
]
