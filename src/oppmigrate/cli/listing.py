"""Revisions in lines: what `history`, `heads` and `check` print."""

from collections import defaultdict
from collections.abc import Sequence

from oppmigrate.cli.runs import run_in_words, time_of
from oppmigrate.cli.sizes import counted
from oppmigrate.cli.terminal import Terminal
from oppmigrate.config import Settings
from oppmigrate.lines import dated, is_plain, marks_of, revision_line, widths_of
from oppmigrate.results import EditedRevision, HalfDone, RevisionInfo, Run


def print_revisions(
    terminal: Terminal, revisions: Sequence[RevisionInfo], *, verbose: bool = False, runs: Sequence[Run] = ()
) -> None:
    """One line a revision: id, message, date, status; with `verbose`, parents, labels, file, docstring and runs too."""
    widths = widths_of([info.revision for info in revisions], [info.message for info in revisions])
    plain = is_plain(terminal.out)
    runs_of: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        runs_of[run.revision].append(run)
    for info in revisions:
        marks = marks_of(info.is_head, len(info.down_revisions), info.branch_labels)
        created = dated(info.created)
        terminal.data(revision_line(info.revision, info.status, created, info.message, marks, widths, plain=plain))
        if verbose:
            _print_details(terminal, info)
            for run in runs_of[info.revision]:
                terminal.data(f"    {run_in_words(run)}")


def print_half_done(terminal: Terminal, half_done: HalfDone) -> None:
    """A revision that an interrupted run has left between two, and how far it had come."""
    done = counted(len(half_done.statements), "statement")
    terminal.data(
        f"half way in the {half_done.direction} of {half_done.revision}, since {half_done.started:%Y-%m-%d %H:%M} UTC "
        f"({half_done.by}): {done} committed"
    )
    for statement in half_done.statements:
        terminal.data(f"    {statement}")
    if half_done.error:
        terminal.data(f"    it ended with: {half_done.error}")


def offer_missing(terminal: Terminal, missing: Sequence[str], stored: Sequence[str]) -> None:
    """What to do about recorded revisions that no file defines; the journal has the files of those in `stored`."""
    way = "stamp --purge REVISION"
    if set(missing) == set(stored):
        way = f"downgrade {missing[0]}-1 --from-journal"
    terminal.story(f"next      bring the file back, or: python oppman.py migrate {way}")


def warn_of_edits(terminal: Terminal, edited: Sequence[EditedRevision], settings: Settings) -> None:
    """A note for each applied revision whose file was edited: no reason not to go on, and one to look."""
    for each in edited:
        terminal.warn(
            f"{settings.shown(each.path)} was edited after it was applied ({time_of(each.applied)} by {each.by}); "
            "the database knows nothing of the edit: python oppman.py migrate check --verbose"
        )


def _print_details(terminal: Terminal, info: RevisionInfo) -> None:
    terminal.data(f"    parent   {', '.join(info.down_revisions) or 'base'}")
    if info.depends_on:
        terminal.data(f"    depends  {', '.join(info.depends_on)}")
    terminal.data(f"    file     {info.path}")
    for line in info.docstring.splitlines()[1:]:
        if line.strip() and not line.startswith(("Revision ID:", "Revises:", "Create Date:")):
            terminal.data(f"    {line.strip()}")
