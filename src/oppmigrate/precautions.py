"""What is done before a plan is carried out, so that nothing can be lost by it: the backup."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from oppmigrate.backups import backup_path, prune
from oppmigrate.config import Settings
from oppmigrate.config.policy import Policy
from oppmigrate.databases import Database
from oppmigrate.environment.session import Environment
from oppmigrate.errors import BackupError, DatabaseError, UnsupportedDatabase
from oppmigrate.planner import State, assess, backup_need
from oppmigrate.results import BackupNeed, Plan


@dataclass(frozen=True, slots=True)
class BackupDecision:
    """What became of the backup: where it lies, and what a person should know of it."""

    path: Path | None = None
    note: str | None = None


def backup_if_due(
    environment: Environment, state: State, plan: Plan, policy: Policy, wanted: bool | None = None
) -> BackupDecision:
    """Decide on a backup, and take it; raises as `take_backup`."""
    need = decide_backup(environment, state, plan, policy, wanted)
    return take_backup(environment.settings, state, need)


def decide_backup(
    environment: Environment, state: State, plan: Plan, policy: Policy, wanted: bool | None = None
) -> BackupNeed:
    """Decide on a backup: reads the revisions' functions, and where one is due by itself looks at the database.

    To be called outside of a run of `env.py`, for it may run that itself.

    Args:
        wanted: the command line's --backup or --no-backup; None for neither.
    """
    return backup_need(state, plan, policy, wanted, lambda: assess(environment, state, plan))


def take_backup(
    settings: Settings, state: State, need: BackupNeed, heads: tuple[str, ...] | None = None
) -> BackupDecision:
    """Take the backup that is needed, and remove old ones. Best called under the migration lock, before any change.

    It is of one moment, and runs beside a lock that the caller holds, on a connection of its own.

    Args:
        heads: where the database stands now, for the file's name; by default as the state was read.

    Raises:
        BackupError: it was needed and could not be taken; nothing was changed, and no part of it is left.
    """
    if not need.is_taken:
        return BackupDecision(note=f"no backup was taken: {need.why}" if need.is_missing else None)
    if len(state.databases) > 1:
        raise _refused(UnsupportedDatabase(f"env.py migrates {len(state.databases)} databases, and a backup is of one"))
    database = state.database
    now = datetime.now(UTC)
    heads = state.heads if heads is None else heads
    path = backup_path(settings.backup_directory, database.label, heads, database.backup_suffix, now, automatic=True)
    try:
        database.backup(path)
    except (BackupError, DatabaseError) as error:
        raise _refused(error) from error
    return BackupDecision(path, _prune(settings, database, now))


def _refused(error: BackupError | DatabaseError) -> BackupError:
    return BackupError(
        f"there is no backup, and so nothing was changed: {error.what}",
        why=error.why,
        do=f"{error.do or 'see to what it says'}; to go on without a backup: --no-backup",
        **error.facts,
    )


def _prune(settings: Settings, database: Database, now: datetime) -> str | None:
    """Remove what is surplus; what cannot be removed is no reason to stop."""
    policy = settings.policy
    folder = settings.backup_directory
    try:
        prune(folder, database.label, keep=policy.backup_keep, keep_days=policy.backup_keep_days, now=now)
    except OSError as error:
        return f"old backups in {settings.shown(folder)} could not be removed: {error.strerror}"
    return None
