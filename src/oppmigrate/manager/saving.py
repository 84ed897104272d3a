"""Backups, and what is safe only with one."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from oppmigrate import results
from oppmigrate.errors import BackupUnreadable, MigrateError, NotADatabase
from oppmigrate.manager.project import ProjectManager

if TYPE_CHECKING:
    from oppmigrate.backups import Backup
    from oppmigrate.databases import Database


class Saving(ProjectManager):
    """`backup`, `restore` and `delete`."""

    def backup(self, output: Path | None = None) -> results.BackupInfo:
        """Save the database to `output`, by default to `backups/`, named after time and revision; verified."""
        from oppmigrate.backups import backup_path

        database = self._database()
        database.probe()  # says what is to be done where there is none
        now = datetime.datetime.now(datetime.UTC)
        revision = "+".join(self._heads(database)) or "base"
        folder = self.settings.backup_directory
        target = output or backup_path(folder, database.label, revision, database.backup_suffix, now)
        database.backup(target)
        return results.BackupInfo(target, target.stat().st_size, now, revision)

    def backups(self) -> tuple[results.BackupInfo, ...]:
        """The backups of this database, newest first."""
        from oppmigrate.backups import list_backups

        label = self._database().label
        return tuple(_backup_info(each) for each in list_backups(self.settings.backup_directory, label))

    def find_backup(self, text: str | None = None) -> results.BackupInfo:
        """A backup by its path, its name or the beginning of that; the newest by default."""
        from oppmigrate.backups import find_backup

        return _backup_info(find_backup(self.settings.backup_directory, self._database().label, text))

    def restore(self, backup: str | None = None) -> results.RestoreResult:
        """Put a backup (by default the newest) in the place of the database, which is backed up first.

        A damaged database, which cannot be, is no reason to be left with it: it is kept aside as it is. Waits for a
        migration that is running, and keeps others from beginning.
        """
        from oppmigrate import executor

        found = self.find_backup(backup)
        database = self._database()
        database.verify_backup(found.path)

        def work() -> results.RestoreResult:
            saved, damage = self._saved(database)
            note = executor.restore(database, found.path)
            return results.RestoreResult(found.path, saved, damage or note)

        return database.alone(self._lock_key(), self.settings.policy.lock_timeout_s, work)

    def delete(self, *, backup: bool = True) -> results.DeleteResult:
        """Remove the database's contents (SQLite: its file), backed up first unless `backup` is False."""
        from oppmigrate import executor

        database = self._database()
        if not database.exists():
            return results.DeleteResult((), None)

        def work() -> results.DeleteResult:
            saved = self.backup().path if backup else None
            return results.DeleteResult(executor.delete(database), saved)

        return database.alone(self._lock_key(), self.settings.policy.lock_timeout_s, work)

    def _saved(self, database: Database) -> tuple[Path | None, str | None]:
        """The backup of what stands there, or what becomes of a database too damaged for one."""
        try:
            if not database.exists():
                return None, None
            database.check_backup()  # before it is opened: SQLite throws a -wal away that it cannot make sense of
            return self.backup().path, None
        except (NotADatabase, BackupUnreadable) as error:
            if not database.keeps_damaged:
                raise
            return None, f"the database could not be backed up ({error.what}); it is kept beside the new one, renamed"

    def _lock_key(self) -> str:
        """What the migration lock is for; where nobody can say, as a project of `migrate init` has it."""
        try:
            environment = self._environment()
            if environment.is_ours and not environment.sets_version_table:
                return ""
            return self._state(environment).lock_key
        except MigrateError:
            return ""

    def database_name(self) -> str:
        """The database's address, fit to be shown."""
        return self._database().safe_url


def _backup_info(backup: Backup) -> results.BackupInfo:
    return results.BackupInfo(backup.path, backup.size_bytes, backup.created, backup.revision, backup.is_automatic)
