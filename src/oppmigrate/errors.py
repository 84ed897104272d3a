"""Every exception that oppmigrate raises on purpose: what happened, why, and what to do about it.

The command line prints the three parts and exits with `exit_code`; a caller of the Python API catches the
subclass it cares about and reads the facts from its attributes (`error.facts["revision"]`).
"""

from typing import Any


class MigrateError(Exception):
    """Base of all deliberate errors.

    Args:
        what: what happened, naming the table, column, revision or file.
        why: the reason, in a sentence; None where `what` says it all.
        do: a command or a line to paste; None where there is nothing to be done.
        facts: the same facts as data, for `--json` and for callers.
    """

    exit_code = 1

    def __init__(self, what: str, *, why: str | None = None, do: str | None = None, **facts: Any) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.do = do
        self.facts = facts

    @property
    def kind(self) -> str:
        """The subclass as a slug, `unknown-revision`: what `--json` calls the error."""
        name = type(self).__name__
        return "".join("-" + c.lower() if c.isupper() else c for c in name).lstrip("-")

    def __str__(self) -> str:
        parts = [f"error: {self.what}"]
        parts += [f"{label} {text}" for label, text in (("why:  ", self.why), ("do:   ", self.do)) if text]
        return "\n".join(parts)


class WrongUsage(MigrateError):
    """The command was called in a way that it does not take."""

    exit_code = 2


class UnexpectedError(MigrateError):
    """An exception that nobody foresaw."""


class Refused(MigrateError):
    """A person, or a policy, said no; nothing was changed."""


# ---- the project and its settings


class NoProject(MigrateError):
    """There is no project in this folder or in one above it."""


class NotInitialised(MigrateError):
    """The project has no migration environment yet."""


class ConfigurationError(MigrateError):
    """A setting has a value that cannot be used."""


class AlembicTooOld(MigrateError):
    """The installed Alembic lacks what the engine stands on."""


class AlembicShadowed(MigrateError):
    """`alembic/__init__.py`, or `alembic.py`, in the project hides the alembic package."""


class EnvironmentFailed(MigrateError):
    """`env.py` raised, or did not do what was asked of it."""


class FileNotWritten(MigrateError):
    """A file of the project cannot be written, or changed under our hands."""


# ---- models


class ModelsNotFound(MigrateError):
    """No module with models, or one that cannot be found."""


class ModelsBroken(MigrateError):
    """The models' module raises when it is imported."""


class ModelsEmpty(MigrateError):
    """The models' modules define no table."""


# ---- revisions


class RevisionError(MigrateError):
    """Base of what can be wrong with revision files and with the names of revisions."""


class UnknownRevision(RevisionError):
    """No revision has this id, prefix, label or position."""


class AmbiguousRevision(RevisionError):
    """More than one revision starts with this prefix."""


class MultipleHeads(RevisionError):
    """One head is needed and there are several."""


class RevisionFileBroken(RevisionError):
    """A revision file cannot be read: syntax error, no id, not UTF-8."""


class DuplicateRevision(RevisionError):
    """Two files carry the same revision id."""


class MissingParent(RevisionError):
    """A file names a parent, or a dependency, that no file defines."""


class RevisionCycle(RevisionError):
    """Revisions that are, through their parents, their own ancestors."""


class RevisionFileMissing(RevisionError):
    """The database stands at a revision that no file defines."""


class NotScriptable(RevisionError):
    """What a revision runs depends on the rows that it finds, so that it cannot be written as SQL."""


class DatabaseBehind(MigrateError):
    """The database is not at the heads."""


# ---- the database


class DatabaseError(MigrateError):
    """Base of what a database or its server can answer."""


class DatabaseMissing(DatabaseError):
    """There is no database of that name, or no such file."""


class DatabaseUnreachable(DatabaseError):
    """Nothing answers at the address of the URL."""


class AccessDenied(DatabaseError):
    """The server does not accept the user or the password, or the user lacks a right."""


class DriverMissing(DatabaseError):
    """The URL's driver is not installed."""


class UnsupportedDatabase(DatabaseError):
    """The URL names a kind of database that cannot do what was asked."""


class DatabaseLocked(DatabaseError):
    """Another process holds the database or the migration lock."""


class LockLost(DatabaseError):
    """The migration lock went in the middle of a run; the step was not committed."""


class DatabaseReadOnly(DatabaseError):
    """The database, its file or its folder cannot be written."""


class NotADatabase(DatabaseError):
    """The file at the URL's path is not a database."""


class MigrationFailed(DatabaseError):
    """A revision raised while it ran; the message says where the database stands now."""


class RevisionDiverged(MigrationFailed):
    """A revision that stands half done cannot be gone on with: it does something else now, or nobody can tell."""


class DataStepRefused(MigrationFailed):
    """A data step asks for a table, a column or rows in a way in which they cannot be had."""


class RowsDoNotFit(MigrationFailed):
    """Rows that the new schema does not take, or values that it would change; found before anything was changed."""


# ---- backups


class BackupError(MigrateError):
    """Base of what can go wrong with backups."""


class BackupNotFound(BackupError):
    """No backup has this name, or there is none yet."""


class AmbiguousBackup(BackupError):
    """More than one backup fits the text that was given."""


class BackupUnreadable(BackupError):
    """The backup does not prove whole; nothing was restored from it."""


class ProgramMissing(BackupError):
    """A program that the server's backup needs is not on the PATH."""
