"""Files that were deleted after they were applied, as the journal holds them."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from oppmigrate.environment.session import Environment
from oppmigrate.errors import AmbiguousRevision, RevisionFileBroken, RevisionFileMissing, UnknownRevision
from oppmigrate.journals.reading import ask_journals, connection_of, run_of
from oppmigrate.journals.sources import decoded
from oppmigrate.recorder import Journal, JournalEntry
from oppmigrate.results import StoredRevision
from oppmigrate.revisions import RevisionFile, read_revision_file, read_revision_files


def stored_among(environment: Environment, revisions: Collection[str]) -> tuple[str, ...]:
    """Those of the revisions whose file a journal holds."""

    def held(journal: Journal, context: MigrationContext) -> set[str]:
        return {entry.revision for entry in journal.entries(connection_of(context)) if entry.revision in revisions}

    found = set().union(*ask_journals(environment, held))
    return tuple(revision for revision in revisions if revision in found)


def find_stored(environment: Environment, text: str) -> StoredRevision:
    """A revision of the journal's by its id or the beginning of that; no file of the project is read.

    Raises:
        UnknownRevision: the journal tells of no such revision.
        AmbiguousRevision: of several.
    """

    def find(journal: Journal, context: MigrationContext) -> tuple[JournalEntry, ...] | set[str]:
        connection = connection_of(context)
        known = {entry.revision for entry in journal.entries(connection)}
        fitting = {text} & known or {revision for revision in known if text and revision.startswith(text)}
        return journal.entries(connection, *fitting) if len(fitting) == 1 else fitting

    answers = ask_journals(environment, find)
    entries = next((answer for answer in answers if isinstance(answer, tuple)), ())
    if not entries:
        raise _not_found(text, sorted(each for answer in answers for each in answer if isinstance(each, str)))
    return _stored_revision(entries)


@contextmanager
def restored_files(environment: Environment) -> Iterator[Path]:
    """A folder with the files that the project lacks, for `Environment.restored`; gone afterwards.

    It lacks what the database records, or another file builds on, and no file defines.

    Raises:
        RevisionFileMissing: the journal does not hold one of them either.
    """
    with TemporaryDirectory(prefix="oppman-") as folder:
        here = Path(folder).resolve()
        ask_journals(environment, lambda journal, context: _restore(environment, journal, context, here))
        yield here


def _restore(environment: Environment, journal: Journal, context: MigrationContext, folder: Path) -> None:
    """Write what is missing here to the folder, with all that this builds on in turn."""
    files = [*_files(context.script or environment.script(), environment), *read_revision_files([folder])]
    defined = {name for file in files for name in (file.revision, *file.branch_labels)}
    needed = {*context.get_current_heads(), *_parents(files)}
    while missing := needed - defined:
        revision, body = _first_held(journal, context, missing)
        file = read_revision_file(_write(folder, revision, body))
        defined |= {revision, file.revision, *file.branch_labels}
        needed |= _parents([file])


def _first_held(journal: Journal, context: MigrationContext, names: Collection[str]) -> tuple[str, bytes]:
    """A revision with its file, by one of the names, of which some may be branch labels that others depend on."""
    connection = connection_of(context)
    known = dict.fromkeys(entry.revision for entry in journal.entries(connection))
    for revision in known:
        if revision in names and (body := _newest_body(journal.entries(connection, revision))) is not None:
            return revision, body
    for revision in known:
        body = _newest_body(journal.entries(connection, revision)) or b""
        file = _read(revision, body)
        if file is not None and not set(file.branch_labels).isdisjoint(names):
            return revision, body
    raise RevisionFileMissing(
        f"the journal does not hold the file of revision {min(names)} either",
        why="the revision was applied by another tool, or before there was a journal",
        do="bring the file back (git log --diff-filter=D -- '*versions*')",
        revision=min(names),
    )


def _files(script: ScriptDirectory, environment: Environment) -> Iterator[RevisionFile]:
    """The project's own, which env.py may look for where no configuration says."""
    with environment.at_home():
        locations, recursive = script._version_locations, script.recursive_version_locations
    return read_revision_files(locations, recursive=recursive)


def _parents(files: Iterable[RevisionFile]) -> set[str]:
    return {name for file in files for name in (*file.down_revisions, *file.depends_on)}


def _newest_body(entries: Iterable[JournalEntry]) -> bytes | None:
    """The file as it was applied last; of a revision that no upgrade came to its end with, as it was run last."""
    with_body = [entry for entry in entries if entry.body is not None]
    applied = [entry for entry in with_body if entry.direction == "upgrade" and entry.outcome == "done"]
    return next((entry.body for entry in (*applied, *with_body)), None)


def _write(folder: Path, revision: str, body: bytes) -> Path:
    # the name of an old file is its id: see `read_revision_file`
    path = folder / (re.sub(r"[^\w.]", "_", revision) + ".py")
    path.write_bytes(body)
    return path


def _stored_revision(entries: Sequence[JournalEntry]) -> StoredRevision:
    revision, body = entries[0].revision, _newest_body(entries) or b""
    file = _read(revision, body)
    source, encoding = decoded(body)
    return StoredRevision(
        revision,
        file.message if file else "",
        file.created if file else None,
        file.down_revisions if file else (),
        file.branch_labels if file else (),
        file.depends_on if file else (),
        source,
        encoding,
        tuple(run_of(entry) for entry in entries),
    )


def _read(revision: str, body: bytes) -> RevisionFile | None:
    """What the file says of itself; None where only running it would tell: who looks at it wants to know it first."""
    with TemporaryDirectory(prefix="oppman-") as folder:
        try:
            return read_revision_file(_write(Path(folder).resolve(), revision, body), may_run=False)
        except RevisionFileBroken:
            return None


def _not_found(text: str, fitting: Sequence[str]) -> UnknownRevision | AmbiguousRevision:
    if fitting:
        return AmbiguousRevision(
            f"`{text}` is the beginning of {len(fitting)} revisions of the journal: {', '.join(fitting)}",
            do="give more of the id",
            candidates=list(fitting),
        )
    return UnknownRevision(
        f"the journal tells of no revision `{text}`",
        why="it tells of what oppmigrate has run on this database, by id",
        do="python oppman.py migrate history --verbose",
        revision=text,
    )
