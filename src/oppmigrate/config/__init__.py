"""What a run works with: where things are, and how a database is changed."""

from oppmigrate.config.env_file import is_ours, sets_version_locations, sets_version_table
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
    "is_ours",
    "load_settings",
    "read_environment",
    "sets_version_locations",
    "sets_version_table",
]
