"""Django-like migrations for SQLModel and SQLAlchemy models, on Alembic."""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` would take longer than all that follows
if TYPE_CHECKING:
    from typing import Any

    from oppmigrate.config import Settings, load_settings
    from oppmigrate.errors import MigrateError
    from oppmigrate.manager import MigrationManager

__all__ = ["MigrateError", "MigrationManager", "Settings", "__version__", "load_settings"]
__version__ = "0.1.0"

_HOMES = {"Settings": "config", "load_settings": "config", "MigrateError": "errors", "MigrationManager": "manager"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: importing the package itself costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
