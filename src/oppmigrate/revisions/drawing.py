"""The history as `git log --graph` would draw it: a column for each line of revisions, newest at the top."""

from collections.abc import Iterable

from oppmigrate.revisions.graph import Graph
from oppmigrate.revisions.reading import RevisionFile

Row = tuple[str, RevisionFile | None]


def draw_graph(graph: Graph, revisions: Iterable[RevisionFile] | None = None) -> list[Row]:
    """Draw `revisions`, as `Graph.history` orders them, or the whole history.

    Returns:
        rows from the top: the columns, of `* | / \\` and spaces, and the revision at the `*`, to whose row the caller
        appends text; None in the rows that only lead lines to other columns. Parents that are not among `revisions`
        are not drawn, and neither is `depends_on`.
    """
    drawn = graph.history() if revisions is None else tuple(revisions)
    among = {file.revision for file in drawn}
    drawing = _Drawing()
    for file in drawn:
        drawing.add(file, [parent for parent in dict.fromkeys(file.down_revisions) if parent in among])
    return drawing.rows


class _Drawing:
    """The rows so far, and for each column the revision that it leads down to, each in one column at most."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._columns: list[str] = []
        self._just_ended: int | None = None

    def add(self, file: RevisionFile, parents: list[str]) -> None:
        if file.revision not in self._columns:
            self._begin(file.revision)
        here = self._columns.index(file.revision)
        self._row(self._lines() | {2 * here: "*"}, file)
        self._just_ended = None
        if not parents:
            self._end(here)
            return
        first, *others = parents
        for parent in others:
            if parent in self._columns:
                self._lead(here, self._columns.index(parent))
        # the last is opened first, so that each later one comes to lie beside the `*`
        for parent in reversed(others):
            if parent not in self._columns:
                self._open(here, parent)
        there = self._columns.index(first) if first in self._columns else here
        self._columns[here] = first
        if there != here:
            self._join(max(here, there), min(here, there))

    def _begin(self, revision: str) -> None:
        """A head, in a column to the right; not straight below a first revision, as if it were its parent."""
        if self._just_ended == len(self._columns):
            self._row(self._lines())
        self._columns.append(revision)

    def _end(self, here: int) -> None:
        """A first revision: its column closes, and those to the right of it move up."""
        if here == len(self._columns) - 1:
            self._just_ended = here
        else:
            self._row(self._lines(end=here) | self._slanted("/", range(here + 1, len(self._columns))))
        del self._columns[here]

    def _open(self, here: int, revision: str) -> None:
        self._row(self._lines(end=here + 1) | self._slanted("\\", range(here, len(self._columns))))
        self._columns.insert(here + 1, revision)

    def _join(self, source: int, target: int) -> None:
        """Lead the column `source` into `target`, to the left of it, and close it."""
        self._row(self._lines(end=source) | self._slanted("/", range(source, len(self._columns))))
        del self._columns[source]
        self._lead(source - 1, target)

    def _lead(self, source: int, target: int) -> None:
        """Draw a line from one column across those between to another; both go on."""
        for at in range(source, target, -1):
            self._row(self._lines() | self._slanted("/", [at]))
        for at in range(source, target):
            self._row(self._lines() | self._slanted("\\", [at]))

    def _lines(self, end: int | None = None) -> dict[int, str]:
        return dict.fromkeys(range(0, 2 * (len(self._columns) if end is None else end), 2), "|")

    def _slanted(self, mark: str, columns: Iterable[int]) -> dict[int, str]:
        return {2 * column + (1 if mark == "\\" else -1): mark for column in columns}

    def _row(self, marks: dict[int, str], file: RevisionFile | None = None) -> None:
        width = max(marks, default=-1) + 1
        self.rows.append(("".join(marks.get(at, " ") for at in range(width)), file))
