"""The migration manager bound to this application: its folder, its models, its database."""

from pathlib import Path

import oppmigrate
from oppmigrate.config import load_settings

ROOT = Path(__file__).resolve().parents[2]


class MigrationManager(oppmigrate.MigrationManager):
    """`oppmigrate.MigrationManager` for this application, wherever the process was started.

    Args:
        database_url: another database than the one of DATABASE_URL or alembic.ini.
    """

    def __init__(self, database_url: str | None = None, *, verbose: bool = False) -> None:
        super().__init__(load_settings(ROOT, database_url=database_url), verbose=verbose)

    def is_up_to_date(self) -> bool:
        """Is everything in `alembic/versions/` applied? Reads files and database only; the models are not compared."""
        return self.check(pending_only=True).is_clean
