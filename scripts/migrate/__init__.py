"""This application's side of its migrations; the engine is the package `oppmigrate`."""

from scripts.migrate.core import MigrationManager

__all__ = ["MigrationManager"]
