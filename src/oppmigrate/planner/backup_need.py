"""Whether a backup is due before a plan is carried out."""

from collections.abc import Callable

from oppmigrate.config.policy import Policy
from oppmigrate.databases import Database
from oppmigrate.errors import BackupError, UnsupportedDatabase
from oppmigrate.planner.state import State
from oppmigrate.planner.survey import Assessment
from oppmigrate.results import BackupNeed, Plan

MEGABYTE = 1_000_000
SHOWN_REASONS = 1


def backup_need(
    state: State, plan: Plan, policy: Policy, wanted: bool | None, assess: Callable[[], Assessment]
) -> BackupNeed:
    """Whether a backup is to be taken, and why. Looks at the database only where the policy decides.

    A file is saved before anything in it is changed or goes; what has to be dumped by a server's program only before
    something is lost for good, and where that is quick and possible.

    Args:
        wanted: the command line's --backup or --no-backup; None for neither.
        assess: gives the plan's assessment, where that is asked for.
    """
    if wanted is False:
        return BackupNeed(False, "--no-backup")
    if wanted is None and policy.backup == "never":
        return BackupNeed(False, 'the policy says backup = "never"')
    if not plan.steps:
        return BackupNeed(False, "nothing is done")
    if not state.exists:
        return BackupNeed(False, "there is no database yet")
    if wanted or policy.backup == "always":
        return BackupNeed(True, "--backup" if wanted else 'the policy says backup = "always"')
    if len(state.databases) <= 1 and not state.database.holds_rows(besides=("alembic_version", policy.journal_table)):
        return BackupNeed(False, "the database holds no rows")
    return _need_by_itself(state, assess(), policy)


def _need_by_itself(state: State, assessment: Assessment, policy: Policy) -> BackupNeed:
    database = state.database
    reasons = assessment.changes if database.copies_itself else assessment.losses
    if not reasons:
        what = "no row is changed and nothing is dropped" if database.copies_itself else "nothing is lost for good"
        return BackupNeed(False, what)
    why = "; ".join(reasons[:SHOWN_REASONS])
    if len(reasons) > SHOWN_REASONS:
        why += f"; and {len(reasons) - SHOWN_REASONS} more"
    if len(state.databases) > 1:
        return BackupNeed(False, f"env.py migrates {len(state.databases)} databases, and a backup is of one", True)
    obstacle = _obstacle(database, policy)
    return BackupNeed(False, obstacle, True) if obstacle else BackupNeed(True, why)


def _obstacle(database: Database, policy: Policy) -> str | None:
    """Why a backup that is due by itself is left out; a person who asks for one gets it, or an error."""
    if database.copies_itself:
        return None
    try:
        database.check_backup()
        size_mb = database.size_bytes() / MEGABYTE
    except (BackupError, UnsupportedDatabase) as error:
        return error.what
    if size_mb > policy.backup_limit_mb:
        limit = f"the limit of {policy.backup_limit_mb:,g} MB (backup_limit_mb)"
        return f"the database has {size_mb:,.0f} MB, over {limit}"
    return None
