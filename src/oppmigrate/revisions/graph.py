"""All revisions of a project, and the ways through them.

What needs no names resolved (heads, bases, what is applied) is worked out here. Alembic is imported only when the
first name is: it costs 0.35 s, and `current` or a check with nothing to do can answer without it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from oppmigrate.revisions.checking import by_id, by_label, check_cycles, resolve_dependencies
from oppmigrate.revisions.indexed import read_indexed
from oppmigrate.revisions.locations import list_revision_files
from oppmigrate.revisions.reading import RevisionFile, read_revision_file

if TYPE_CHECKING:
    from oppmigrate.revisions.resolving import Resolver


def load_graph(locations: Sequence[Path], *, recursive: bool = False, project: Path | None = None) -> Graph:
    """Read every revision file in `locations`; a folder that does not exist holds none.

    Args:
        project: beside whose files an index is kept, so that the next time only changed files are read.

    Raises:
        RevisionFileBroken, DuplicateRevision, MissingParent, RevisionCycle: see each; they name the file and line.
    """
    if project is None:
        return Graph(read_revision_files(locations, recursive=recursive))
    return Graph(read_indexed(list_revision_files(locations, recursive=recursive), project))


def read_revision_files(locations: Sequence[Path], *, recursive: bool = False) -> Iterator[RevisionFile]:
    """The files by themselves, which need not make a graph. Raises RevisionFileBroken."""
    return (read_revision_file(path) for path in list_revision_files(locations, recursive=recursive))


class Graph:
    """Revisions by id, with their parents, children and dependencies. It does not change once made.

    Names are resolved by Alembic's rules: an id, a unique prefix, a branch label, `head`, `heads`, `base`,
    `label@head`, `+N`, `-N`, `id+N`, `label@-N`. Beyond them, ids of under four characters may be cut short too, and
    an id with a dot may be counted from. `current` is always what the database records, in its order.

    The methods that take a name raise UnknownRevision, AmbiguousRevision, MultipleHeads or RevisionError; those that
    take `current`, and ask for a way from there, RevisionFileMissing when a recorded id has no file.
    """

    def __init__(self, files: Iterable[RevisionFile]) -> None:
        revisions = by_id(files)
        self.revisions: Mapping[str, RevisionFile] = MappingProxyType(revisions)
        self.labels: Mapping[str, str] = MappingProxyType(by_label(revisions))
        self._dependencies = resolve_dependencies(revisions, self.labels)
        self._before = {id_: (*file.down_revisions, *self._dependencies[id_]) for id_, file in revisions.items()}
        check_cycles(revisions, self._before)

    @cached_property
    def _resolver(self) -> Resolver:
        from oppmigrate.revisions.resolving import Resolver

        return Resolver(self.revisions, self.labels)

    # ---- the shape

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """Revisions that are no one's parent, in the order of their files."""
        return tuple(id_ for id_ in self.revisions if not self._children[id_])

    @cached_property
    def effective_heads(self) -> tuple[str, ...]:
        """What the database records after `upgrade heads`: heads that nothing depends on either."""
        return tuple(id_ for id_ in self.revisions if not self._after[id_])

    @cached_property
    def bases(self) -> tuple[str, ...]:
        """Revisions without a parent, in the order of their files."""
        return tuple(id_ for id_, file in self.revisions.items() if not file.down_revisions)

    @cached_property
    def _children(self) -> Mapping[str, tuple[str, ...]]:
        return _inverted({id_: file.down_revisions for id_, file in self.revisions.items()})

    @cached_property
    def _after(self) -> Mapping[str, tuple[str, ...]]:
        return _inverted(self._before)

    def children(self, revision: str) -> tuple[str, ...]:
        """The ids whose `down_revision` names `revision`, an id: more than one where the history branches."""
        return self._children[revision]

    def dependencies(self, revision: str) -> tuple[str, ...]:
        """The ids that the `depends_on` of `revision`, an id, means."""
        return self._dependencies[revision]

    # ---- names and ways

    def get(self, text: str, current: Collection[str] | None = None) -> RevisionFile:
        """The one revision that `text` names; a bare step counts from `current`, or else down from the head."""
        if text in self.revisions and text not in ("head", "heads", "base"):
            return self.revisions[text]
        revision = self._resolver.one(self.labels.get(text, text), current)
        if revision is None:
            raise self._resolver.refusals.no_file(text)
        return self.revisions[revision]

    def upgrade_path(self, target: str, current: Collection[str]) -> tuple[RevisionFile, ...]:
        """What runs to bring a database from `current` to `target`, first to run first; () if nothing does."""
        return self._files(self._resolver.upgrade(target, current))

    def downgrade_path(self, target: str, current: Collection[str]) -> tuple[RevisionFile, ...]:
        """What is taken back to bring a database from `current` to `target`, first to run first.

        A bare `-N` is refused when several revisions are recorded: `label@-N` or `id@-N` says from which.
        """
        return self._files(self._resolver.downgrade(target, current))

    def stamp_target(self, target: str, current: Collection[str]) -> tuple[str, ...]:
        """The ids that are recorded after `stamp target`, in the order of their files."""
        destinations, on_line = self._resolver.destinations(target, current)
        recorded = set(current)
        if not destinations:
            recorded.difference_update(on_line)
        for id_ in destinations:
            if id_ in on_line:
                continue
            is_above = not self._spread([id_], self._before).isdisjoint(on_line)
            is_below = not self._spread([id_], self._after).isdisjoint(on_line)
            if is_below and (is_above or not recorded.issuperset(on_line)):
                raise self._resolver.refusals.above_and_below(id_, on_line)
            if is_above or is_below:
                recorded.difference_update(on_line)
            recorded.add(id_)
        return tuple(id_ for id_ in self.revisions if id_ in recorded)

    def history(self, range_: str | None = None, current: Collection[str] = ()) -> tuple[RevisionFile, ...]:
        """All revisions, or those of START:END with both, newest first.

        Either side may be left out, be a name, or be `current`; `-N` as START counts down from END, and `+N` as END
        up from START; both stop where the history does. Ids in `current` that no file defines are left out.

        Raises:
            WrongUsage: `range_` has no colon, or several.
        """
        from oppmigrate.revisions.ranges import ids_in_range

        text = ":" if range_ is None else range_
        known = [id_ for id_ in current if id_ in self.revisions]
        return self._files(ids_in_range(text, known, self._resolver, self.revisions))

    # ---- against a database

    def applied(self, current: Collection[str]) -> frozenset[str]:
        """The recorded ids and all below them, by parents and dependencies; those without a file are left out."""
        return frozenset(self._spread((id_ for id_ in current if id_ in self.revisions), self._before))

    def pending(self, current: Collection[str]) -> tuple[RevisionFile, ...]:
        """What `upgrade heads` would run, first to run first."""
        return self.upgrade_path("heads", current)

    def missing(self, current: Collection[str]) -> tuple[str, ...]:
        """The recorded ids that no file defines."""
        return tuple(id_ for id_ in current if id_ not in self.revisions)

    # ---- inside

    def _spread(self, ids: Iterable[str], towards: Mapping[str, Iterable[str]]) -> set[str]:
        """`ids`, and all that is reached from them."""
        reached: set[str] = set()
        waiting = list(ids)
        while waiting:
            id_ = waiting.pop()
            if id_ not in reached:
                reached.add(id_)
                waiting.extend(towards[id_])
        return reached

    def _files(self, ids: Iterable[str]) -> tuple[RevisionFile, ...]:
        return tuple(self.revisions[id_] for id_ in ids)


def _inverted(before: Mapping[str, Iterable[str]]) -> Mapping[str, tuple[str, ...]]:
    after: dict[str, list[str]] = {id_: [] for id_ in before}
    for id_, others in before.items():
        for other in dict.fromkeys(others):
            after[other].append(id_)
    return {id_: tuple(others) for id_, others in after.items()}
