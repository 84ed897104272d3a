"""The revisions of a range, START:END, as `history -r` takes it."""

import re
from collections.abc import Collection, Iterable, Mapping

from oppmigrate.revisions.reading import RevisionFile
from oppmigrate.revisions.resolving import Resolver

_BARE_STEP = re.compile(r"[+-][0-9]+")


def ids_in_range(
    text: str, current: Collection[str], resolver: Resolver, revisions: Mapping[str, RevisionFile]
) -> list[str]:
    """The ids from END down to START, with both, newest first.

    Alembic counts `-N` down from the heads whatever END is, and fails when the history is shorter; here it counts
    from END, along every parent of a merge, and stops at the base. `+N` likewise stops at the head.
    """
    older, colon, newer = text.strip().partition(":")
    if not colon or ":" in newer:
        raise resolver.refusals.no_range(text)
    end = _end(newer, older, current, resolver)
    if re.fullmatch("-[0-9]+", older):
        near = _within(int(older[1:]), resolver.several(end), revisions)
        return [id_ for id_ in resolver.between("base", "heads", ":") if id_ in near]
    # an empty tuple would stand for every head
    return resolver.between(_start(older, current, resolver), end, text) if end else []


def _end(newer: str, older: str, current: Collection[str], resolver: Resolver) -> str | tuple[str, ...]:
    if newer == "current":
        return tuple(current)
    if _BARE_STEP.fullmatch(newer):
        start = _start(older, current, resolver)
        counted_from = start if isinstance(start, tuple) else tuple(resolver.several(start))
        return resolver.one(newer, counted_from, clip=True) or ()
    return _plain(newer or "heads", current, resolver)


def _start(older: str, current: Collection[str], resolver: Resolver) -> str | tuple[str, ...]:
    if older == "current":
        return tuple(current) or "base"
    return _plain(older or "base", current, resolver)


def _plain(text: str, current: Collection[str], resolver: Resolver) -> str:
    """`text` with its steps taken."""
    return (resolver.one(text, current) or "base") if resolver.has_steps(text) else text


def _within(steps: int, ids: Iterable[str], revisions: Mapping[str, RevisionFile]) -> set[str]:
    reached = set(ids)
    edge = reached
    for _ in range(steps):
        edge = {parent for id_ in edge for parent in revisions[id_].down_revisions} - reached
        if not edge:
            break
        reached = reached | edge
    return reached
