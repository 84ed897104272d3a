"""What the methods of `MigrationManager` return: frozen facts, which the command line prints and `--json` writes.

Every result serialises by `as_json`: paths as text, times as ISO 8601, tuples as lists. docs/json.md has the shapes.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

Status = Literal["applied", "current", "pending", "unknown"]
Direction = Literal["upgrade", "downgrade"]


@dataclass(frozen=True, slots=True)
class Change:
    """One operation in words. `table` is None for what belongs to no table (raw SQL, a type).

    Args:
        rows_at_stake: of what loses data, how many rows, or values of the column, there are now; None where that was
            not asked. `is_at_least`: there are more; nobody waits for the counting of all.
    """

    table: str | None
    text: str
    loses_data: bool = False
    rows_at_stake: int | None = None
    is_at_least: bool = False


@dataclass(frozen=True, slots=True)
class RevisionInfo:
    """A revision as `history` lists it. `created` is as the file says it, with an offset only where it has one."""

    revision: str
    message: str
    created: datetime | None
    status: Status
    is_head: bool
    down_revisions: tuple[str, ...]
    branch_labels: tuple[str, ...]
    depends_on: tuple[str, ...]
    path: Path
    docstring: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one revision, as the journal tells it; times are UTC.

    `duration_ms` is None while it runs, and where an edited file was accepted without being run. `by` is user@host,
    `version` that of oppmigrate.
    """

    revision: str
    direction: Direction
    outcome: Literal["running", "done", "failed"]
    started: datetime
    finished: datetime | None
    duration_ms: float | None
    rows_moved: int | None
    by: str
    version: str
    backup: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class EditedRevision:
    """An applied revision whose file means something else now. `diff` leads from what was applied to the file."""

    revision: str
    message: str
    path: Path
    applied: datetime
    by: str
    diff: str = ""


@dataclass(frozen=True, slots=True)
class InitResult:
    """What `init` found and wrote.

    `adopted`: the project has Alembic already and nothing was written; its `env.py` decides which database it is.
    """

    project: Path
    adopted: bool
    models: tuple[str, ...]
    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    database_url: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file that `setup` changes, or would change. `backup` is the copy of what stood there before."""

    path: Path
    diff: str
    backup: Path | None = None


@dataclass(frozen=True, slots=True)
class SetupResult:
    """What `setup` changed; with `dry_run`, what it would change."""

    changed: tuple[FileDiff, ...]
    notes: tuple[str, ...]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of running a new revision up, down and up again on a throw-away database; all empty: it holds.

    `differences`: what differs from the models after the upgrade. `left_behind`: what would have to be done after the
    downgrade for everything to be as before. `unproved`: why it was not run.
    """

    differences: tuple[str, ...] = ()
    left_behind: tuple[str, ...] = ()
    unproved: str | None = None


@dataclass(frozen=True, slots=True)
class CreateResult:
    """A new revision; `revision` is None when models and migrations agree already, and nothing was written.

    `proof` is None where nobody asked for one.
    """

    revision: str | None
    message: str
    path: Path | None
    changes: tuple[Change, ...] = ()
    source: str | None = None
    dry_run: bool = False
    compared_with: Literal["database", "scratch", "nothing"] = "database"
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One revision of a plan, in one direction.

    What follows `down_revisions` is empty until somebody asks for it. `transactional`: its changes can be rolled back
    together. `data_steps`: it writes rows, or may: what it asks the database in Python cannot be known beforehand.
    `sql`: what a script would say; carried out, a SQLite table may be edited in place of the rebuild that stands there.
    """

    revision: str
    direction: Direction
    message: str
    path: Path
    checksum: str
    down_revisions: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    sql: tuple[str, ...] = ()
    sql_note: str | None = None
    transactional: bool | None = None
    tables: tuple[str, ...] = ()
    data_steps: bool | None = None

    @property
    def loses_data(self) -> bool:
        """Does a change of it lose data?"""
        return any(change.loses_data for change in self.changes)


@dataclass(frozen=True, slots=True)
class BackupNeed:
    """Whether a backup is taken before a plan is carried out, and why.

    `is_missing`: one is due, and cannot be taken.
    """

    is_taken: bool
    why: str
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Which revisions would be run, in order, and where the database stands before and after."""

    direction: Direction
    target: str
    start: tuple[str, ...]
    end: tuple[str, ...]
    steps: tuple[Step, ...]
    backup: BackupNeed | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """A plan as one SQL script.

    `warnings`: what the script cannot hold, or holds only as it was in an empty database.
    """

    plan: Plan
    dialect: str
    text: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What `upgrade` or `downgrade` did. `steps` is empty when there was nothing to do.

    `edited`: applied revisions whose files mean something else now than what was applied.
    """

    plan: Plan
    heads: tuple[str, ...]
    duration_ms: float
    backup: Path | None = None
    edited: tuple[EditedRevision, ...] = ()


@dataclass(frozen=True, slots=True)
class StampResult:
    """The recorded heads before and after `stamp`, and the revisions whose edited files were accepted."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HalfDone:
    """A revision that commits in pieces and was interrupted: the next run goes on from there.

    `statements` are those that are committed, `error` what ended the run where it was no kill; times are UTC.
    """

    revision: str
    direction: Direction
    started: datetime
    by: str
    statements: tuple[str, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class CurrentResult:
    """Where the database stands. `exists` is False when there is no database yet.

    `missing`: recorded, and no file defines it; `stored`: those of them whose file the journal holds.
    """

    database_url: str
    exists: bool
    revisions: tuple[RevisionInfo, ...]
    missing: tuple[str, ...]
    pending: tuple[str, ...]
    half_done: HalfDone | None = None
    stored: tuple[str, ...] = ()

    @property
    def is_head(self) -> bool:
        """Is everything that the files hold applied?"""
        return not self.pending and not self.missing and self.half_done is None


@dataclass(frozen=True, slots=True)
class HistoryResult:
    """Revisions, newest first. `database_note` says why their status is unknown, where it is.

    `runs`: what the journal tells of them, newest first; where all revisions are asked for, also of those with no file.
    """

    revisions: tuple[RevisionInfo, ...]
    database_note: str | None = None
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True)
class ShowResult:
    """One revision in full: its upgrade and its downgrade, in words and as SQL for this database.

    `edited` is None unless the file means something else than what was applied.
    """

    revision: RevisionInfo
    upgrade: Step
    downgrade: Step
    edited: EditedRevision | None = None


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """A revision as the journal holds it: its file as it was run last, and every run, newest first."""

    revision: str
    message: str
    created: datetime | None
    down_revisions: tuple[str, ...]
    branch_labels: tuple[str, ...]
    depends_on: tuple[str, ...]
    source: str
    encoding: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Four questions: pending (files and database)? unmade (models and files)? missing (recorded, no file)? edited?

    `stored`: those of `missing` whose file the journal holds.
    """

    pending: tuple[RevisionInfo, ...]
    missing: tuple[str, ...]
    unmade: tuple[Change, ...]
    models_compared: bool
    half_done: HalfDone | None = None
    edited: tuple[EditedRevision, ...] = ()
    stored: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Is there nothing to do?"""
        return not (self.pending or self.missing or self.unmade or self.half_done or self.edited)


@dataclass(frozen=True, slots=True)
class BackupInfo:
    """A backup on disk. `revision` is None where its name does not tell it.

    `is_automatic`: it was taken by itself, before an upgrade, and is removed in time; a person's own are kept.
    """

    path: Path
    size_bytes: int
    created: datetime
    revision: str | None
    is_automatic: bool = False


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What was put back, and where the database as it stood before was saved.

    `saved` is None where there was no database, or a damaged one: `note` then says what became of it.
    """

    restored: Path
    saved: Path | None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """What was removed, in words, and the backup taken before."""

    removed: tuple[str, ...]
    backup: Path | None


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The revision that joins several heads."""

    revision: str
    path: Path
    merged: tuple[str, ...] = field(default=())


def as_json(value: Any) -> Any:
    """A result, or any part of one, as what `json.dumps` takes; derived properties are included."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [each.name for each in dataclasses.fields(value)]
        names += [name for name, each in vars(type(value)).items() if isinstance(each, property)]
        return {name: as_json(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): as_json(each) for key, each in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [as_json(each) for each in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value
