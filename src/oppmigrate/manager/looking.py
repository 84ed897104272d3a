"""Where things stand. Nothing here changes a file or a database."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from oppmigrate import results
from oppmigrate.errors import RevisionError, UnknownRevision
from oppmigrate.manager.project import ProjectManager

if TYPE_CHECKING:
    from oppmigrate.planner import State
    from oppmigrate.revisions import Graph, RevisionFile


class Looking(ProjectManager):
    """`current`, `history`, `heads`, `show` and `check`."""

    def current(self) -> results.CurrentResult:
        """Where the database stands, and what is pending."""
        state = self._state(self._environment())
        graph = state.graph
        here = tuple(graph.revisions[head] for head in state.heads if head in graph.revisions)
        pending = tuple(file.revision for file in graph.pending(_known(state)))
        return results.CurrentResult(
            ", ".join(each.safe_url for each in state.databases or (state.database,)),
            state.exists,
            self._infos(graph, here, state.heads),
            graph.missing(state.heads),
            pending,
            _half_done(state),
            state.stored,
        )

    def history(self, range_: str | None = None, *, runs: bool = False) -> results.HistoryResult:
        """Every revision, or those in a range `a:b`, newest first; works without a database too.

        Args:
            runs: ask the journal as well when each was run, how long, by whom, and what came of it.
        """
        from oppmigrate.journals import list_runs

        environment = self._environment()
        state, note = self._state_if_reachable(environment)
        files = state.graph.history(range_, current=state.heads)
        infos = self._infos(state.graph, files, None if note else state.heads)
        told = list_runs(environment) if runs and state.reachable else ()
        if range_ is not None:
            shown = {info.revision for info in infos}
            told = tuple(run for run in told if run.revision in shown)
        return results.HistoryResult(infos, note, told)

    def drawing(self) -> tuple[tuple[str, str | None], ...]:
        """The graph drawn for a terminal, newest first: (columns, the revision on this line or None)."""
        from oppmigrate.planner import read_graph
        from oppmigrate.revisions import draw_graph

        drawn = draw_graph(read_graph(self._environment()))
        return tuple((columns, file.revision if file else None) for columns, file in drawn)

    def heads(self) -> results.HistoryResult:
        """The newest revision of each branch."""
        state, note = self._state_if_reachable(self._environment())
        files = tuple(state.graph.revisions[head] for head in state.graph.heads)
        return results.HistoryResult(self._infos(state.graph, files, None if note else state.heads), note)

    def show(self, revision: str = "head") -> results.ShowResult:
        """One revision in full: what it does, both ways, in words and as SQL for this database."""
        from oppmigrate.planner import details_of

        environment = self._environment()
        state, note = self._state_if_reachable(environment)
        try:
            file = state.graph.get(revision, state.heads)
        except UnknownRevision as error:
            self._offer_stored(environment, revision, error)
            raise
        upgrade, downgrade = details_of(environment, state, file)
        (info,) = self._infos(state.graph, (file,), None if note else state.heads)
        edited = self._edited(environment, state, file.revision) if state.reachable else ()
        return results.ShowResult(info, upgrade, downgrade, next(iter(edited), None))

    def show_stored(self, revision: str) -> results.StoredRevision:
        """A revision as the journal holds it, by its id or the beginning of that; its file may be gone, or broken."""
        from oppmigrate.journals import find_stored

        environment = self._environment()
        try:
            stored: results.StoredRevision = find_stored(environment, revision)
        except UnknownRevision as unknown:
            try:  # `head`, a step: only the files say which one that is
                state = self._state(environment)
                stored = find_stored(environment, state.graph.get(revision, state.heads).revision)
            except RevisionError:
                raise unknown from None
        return stored

    def check(self, *, pending_only: bool = False) -> results.CheckResult:
        """Is the database at the heads, and do the models agree with the migrations?

        Args:
            pending_only: look at files and database only; neither models, schema nor journal are read.
        """
        from oppmigrate.difference import draft_revision

        environment = self._environment()
        state = self._state(environment)
        graph, missing = state.graph, state.graph.missing(state.heads)
        pending = self._infos(graph, graph.pending(_known(state)), state.heads)
        half_done = _half_done(state)
        edited = () if pending_only else self._edited(environment, state)
        if pending_only or missing or half_done:
            return results.CheckResult(pending, missing, (), False, half_done, edited, state.stored)
        draft, _compared_with = draft_revision(environment, state, "check")
        return results.CheckResult(pending, missing, draft.changes, True, None, edited)

    def _infos(
        self, graph: Graph, files: Iterable[RevisionFile], heads: Collection[str] | None
    ) -> tuple[results.RevisionInfo, ...]:
        applied = graph.applied(heads or ())
        tips = set(graph.heads)

        def status(revision: str) -> results.Status:
            if heads is None:
                return "unknown"
            return "current" if revision in heads else "applied" if revision in applied else "pending"

        return tuple(
            results.RevisionInfo(
                file.revision,
                file.message,
                file.created,
                status(file.revision),
                file.revision in tips,
                file.down_revisions,
                file.branch_labels,
                file.depends_on,
                file.path,
                file.docstring,
            )
            for file in files
        )


def _known(state: State) -> tuple[str, ...]:
    """The recorded heads that files define."""
    return tuple(head for head in state.heads if head in state.graph.revisions)


def _half_done(state: State) -> results.HalfDone | None:
    """The revision that an interrupted run has left between two."""
    entry = state.half_done
    if entry is None:
        return None
    from oppmigrate.executor import steps_done

    statements = steps_done(entry.progress)
    return results.HalfDone(entry.revision, entry.direction, entry.started, entry.by, statements, entry.error)
