"""What must hold of the files together before they make a graph: each id once, each parent there, no cycle."""

import difflib
from collections.abc import Iterable, Iterator, Mapping

from oppmigrate.errors import DuplicateRevision, MissingParent, RevisionCycle
from oppmigrate.revisions.places import LOOK_AGAIN, shown
from oppmigrate.revisions.reading import RevisionFile


def by_id(files: Iterable[RevisionFile]) -> dict[str, RevisionFile]:
    """The files by their ids.

    Raises:
        DuplicateRevision: two files carry one id.
    """
    revisions: dict[str, RevisionFile] = {}
    for file in files:
        first = revisions.setdefault(file.revision, file)
        if first is not file:
            raise DuplicateRevision(
                f"two files carry the revision id `{file.revision}`: `{shown(first.path)}` and `{shown(file.path)}`",
                why="the database records an id, so it could not tell which of the two it has",
                do="remove one of them if it is a copy; else give the one that no database has applied yet another "
                f"`revision`, and its children the new id as `down_revision`; then run `{LOOK_AGAIN}`",
                revision=file.revision,
                paths=[str(first.path), str(file.path)],
            )
    return revisions


def by_label(revisions: Mapping[str, RevisionFile]) -> dict[str, str]:
    """The id of the revision that carries each branch label.

    Raises:
        DuplicateRevision: a label stands in two files, or is also a revision's id.
    """
    labels: dict[str, str] = {}
    for file in revisions.values():
        for label in file.branch_labels:
            other = revisions.get(label) or revisions.get(labels.get(label, ""))
            if other is not None:
                raise DuplicateRevision(
                    f"the branch label `{label}` of `{shown(file.path)}` is taken by `{shown(other.path)}`",
                    why="a label stands for one branch, and must differ from every revision id",
                    do=f"give one of the two another name in its `branch_labels`, then run `{LOOK_AGAIN}`",
                    label=label,
                    paths=[str(other.path), str(file.path)],
                )
            labels[label] = file.revision
    return labels


def resolve_dependencies(
    revisions: Mapping[str, RevisionFile], labels: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """The ids that each revision's `depends_on` means; a label there stands for the revision that carries it.

    Raises:
        MissingParent: a `down_revision` or `depends_on` names what no file defines.
    """
    dependencies: dict[str, tuple[str, ...]] = {}
    for file in revisions.values():
        for parent in file.down_revisions:
            if parent not in revisions:
                raise _missing(file, "down_revision", parent, revisions, labels)
        for name in file.depends_on:
            if name not in revisions and name not in labels:
                raise _missing(file, "depends_on", name, revisions, labels)
        dependencies[file.revision] = tuple(dict.fromkeys(labels.get(name, name) for name in file.depends_on))
    return dependencies


def _missing(
    file: RevisionFile, field: str, name: str, revisions: Mapping[str, RevisionFile], labels: Mapping[str, str]
) -> MissingParent:
    known = list(revisions) if field == "down_revision" else [*revisions, *labels]
    # an id cut short is the usual slip, and is too unlike the whole for difflib
    near = [each for each in known if name and each.startswith(name)][:3] or difflib.get_close_matches(name, known)
    near = [each for each in near if each != file.revision]
    why = "no file defines it; it may be on another branch in version control, or have been deleted"
    if name in labels:
        why = f"that is a branch label; `down_revision` takes an id, here perhaps `{labels[name]}`"
        near = [labels[name]]
    elif near:
        close = ", ".join(f"`{each}` in `{shown(revisions[labels.get(each, each)].path)}`" for each in near)
        why = f"no file defines it; near to it: {close}"
    return MissingParent(
        f"`{shown(file.path)}` (revision `{file.revision}`) names `{name}` as its `{field}`, and there is none",
        why=why,
        do=f"bring the file that defines `{name}` back, or correct the `{field}` line; then run `{LOOK_AGAIN}`",
        revision=file.revision,
        missing=name,
        path=str(file.path),
        near=near,
    )


def check_cycles(revisions: Mapping[str, RevisionFile], before: Mapping[str, tuple[str, ...]]) -> None:
    """Walk every way down through `before`, the parents and dependencies of each id.

    Raises:
        RevisionCycle: a way comes back to where it was; names the ids in their order.
    """
    done: set[str] = set()
    for start in revisions:
        if start in done:
            continue
        # an explicit stack: a history is deeper than Python's recursion limit
        way: dict[str, Iterator[str]] = {start: iter(before[start])}
        while way:
            here = next(reversed(way))
            step = next(way[here], None)
            if step is None:
                done.add(here)
                del way[here]
            elif step in way:
                raise _cycle(list(way)[list(way).index(step) :], revisions)
            elif step not in done:
                way[step] = iter(before[step])


def _cycle(ids: list[str], revisions: Mapping[str, RevisionFile]) -> RevisionCycle:
    shift = ids.index(min(ids))
    ids = [*ids[shift:], *ids[:shift]]
    files = ", ".join(f"`{shown(revisions[each].path)}`" for each in ids)
    what = f"revision `{ids[0]}` names itself as its parent or dependency"
    if len(ids) > 1:
        ring = " -> ".join(f"`{each}`" for each in [*ids, ids[0]])
        what = f"the revisions {ring} come round to themselves"
    return RevisionCycle(
        what,
        why=f"each has to run after the one that it names, so none can be the first: {files}",
        do=f"correct a `down_revision` or `depends_on` line there, then run `{LOOK_AGAIN}`",
        revisions=ids,
        paths=[str(revisions[each].path) for each in ids],
    )
