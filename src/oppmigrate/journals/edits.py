"""Files that were edited after they were applied, which the database knows nothing of."""

import difflib
from collections.abc import Collection

from alembic.runtime.migration import MigrationContext

from oppmigrate.environment.session import Environment
from oppmigrate.journals.reading import ask_journals, connection_of
from oppmigrate.journals.sources import decoded
from oppmigrate.recorder import Journal, JournalEntry
from oppmigrate.results import EditedRevision
from oppmigrate.revisions import Graph, RevisionFile, checksum_of, remember_checksums


def edited_revisions(environment: Environment, graph: Graph, applied: Collection[str]) -> tuple[EditedRevision, ...]:
    """Those of the applied revisions whose files mean something else than what was applied, the last applied first.

    Layout and comments are no edit. Nothing where there is no journal, or where it does not tell of a revision. One
    query for each database; a body is read only where the bytes of the file are others.
    """
    if not applied:
        return ()

    def edited_here(journal: Journal, context: MigrationContext) -> list[EditedRevision]:
        found = []
        worked_out = {}
        for revision, entry in journal.applied(connection_of(context), applied).items():
            file = graph.revisions[revision]
            if entry.body_digest == file.digest:
                continue
            checksum = file.checksum
            if file.known_checksum is None:
                worked_out[file.digest] = checksum
            if entry.checksum != checksum:
                found += _compared(file, entry, _body(journal, context, entry), environment)
        if worked_out:
            remember_checksums(environment.settings.project, worked_out)
        return found

    answers = ask_journals(environment, edited_here)
    return tuple({each.revision: each for answer in reversed(answers) for each in answer}.values())


def _body(journal: Journal, context: MigrationContext, entry: JournalEntry) -> bytes:
    named = journal.entries(connection_of(context), entry.revision)
    return next((each.body for each in named if each.id == entry.id and each.body is not None), b"")


def _compared(file: RevisionFile, entry: JournalEntry, body: bytes, environment: Environment) -> list[EditedRevision]:
    if _means_the_same(body, file):
        return []
    shown = environment.settings.shown(file.path)
    diff = difflib.unified_diff(
        decoded(body)[0].splitlines(),
        decoded(file.source)[0].splitlines(),
        f"{shown} (as it was applied)",
        shown,
        lineterm="",
    )
    return [
        EditedRevision(file.revision, file.message, file.path, entry.started, entry.by, "\n".join(diff) if body else "")
    ]


def _means_the_same(body: bytes, file: RevisionFile) -> bool:
    """Compare what this Python makes of both: another one may have worked out the stored checksum otherwise."""
    try:
        return checksum_of(body) == file.checksum
    except (SyntaxError, ValueError):
        return False
