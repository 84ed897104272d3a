"""Random histories of revisions, and what databases may record of them: strategies for hypothesis."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from revision_files import Versions

IDS = ["ab12", "ab123", "ab2345", "cd34", "cd35f", "1975ea83b712", "0001", "1", "v3", "v3.2.0.a", "v3.2.0.b", "head1"]
LABELS = ["shop", "blog", "my-branch", "abc"]


@dataclass(frozen=True)
class Node:
    revision: str
    parents: tuple[str, ...]
    depends_on: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    name: str = ""


@st.composite
def histories(draw: st.DrawFn) -> tuple[Node, ...]:
    chosen = draw(st.lists(st.sampled_from(IDS), unique=True, min_size=1, max_size=9))
    # the order of the files is not that of the revisions
    names = draw(st.permutations([f"{number}.py" for number in range(len(chosen))]))
    nodes: list[Node] = []
    free = list(LABELS)
    for number, revision in enumerate(chosen):
        before = chosen[:number]
        parents: list[str] = []
        depends_on: list[str] = []
        if before and draw(st.integers(0, 6)):
            # mostly on the newest, so that lines come out longer than one
            parents = [before[-1]] if draw(st.booleans()) else draw(some_of(before, 3))
        if before and not draw(st.integers(0, 3)):
            depends_on = draw(some_of(before + [label for node in nodes for label in node.labels], 2))
        labels = [free.pop(0)] if free and not draw(st.integers(0, 3)) else []
        nodes.append(Node(revision, tuple(parents), tuple(depends_on), tuple(labels), names[number]))
    return tuple(nodes)


def some_of(names: Sequence[str], most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(list(names)), unique=True, min_size=1, max_size=most)


@st.composite
def recorded_revisions(draw: st.DrawFn, nodes: tuple[Node, ...]) -> tuple[str, ...]:
    """What a database may record: mostly the tips of what some upgrades applied, now and then anything."""
    every = [node.revision for node in nodes]
    picked = draw(st.lists(st.sampled_from(every), unique=True, max_size=3))
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return (*picked, "gone")
    if kind == 1:
        return tuple(picked)
    below = {id_: below_of(id_, nodes) for id_ in picked}
    return tuple(id_ for id_ in picked if not any(id_ in below[other] for other in picked if other != id_))


def below_of(revision: str, nodes: tuple[Node, ...]) -> set[str]:
    by_name = {name: node for node in nodes for name in (node.revision, *node.labels)}
    reached: set[str] = set()
    waiting = [revision]
    while waiting:
        node = by_name[waiting.pop()]
        if node.revision not in reached:
            reached.add(node.revision)
            waiting.extend((*node.parents, *node.depends_on))
    return reached


def make(nodes: tuple[Node, ...], folder: Path) -> Versions:
    versions = Versions(folder / "versions")
    for node in nodes:
        # Alembic's template writes one name as a text and several as a tuple
        down = node.parents[0] if len(node.parents) == 1 else node.parents or None
        versions.write(
            node.revision, down, labels=node.labels or None, depends_on=node.depends_on or None, name=node.name
        )
    return versions
