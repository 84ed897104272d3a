"""Random histories, random recorded revisions, random names: every answer is the one that Alembic gives to the files.

Left out, because they differ on purpose: prefixes of ids of under four characters and steps from ids with dots (which
Alembic does not know), steps in `stamp`, text after a step (which Alembic passes over), and `upgrade base-1` (which
Alembic takes for the heads). A bare `-N` from several
recorded revisions, which it warns of, counts as an error of its, since warnings are errors here.
"""

import re
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from alembic.runtime.migration import HeadMaintainer
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from oppmigrate.errors import RevisionError
from oppmigrate.revisions import Graph
from random_histories import Node, below_of, histories, make, recorded_revisions
from revision_files import ids

T = TypeVar("T")

STEPS = ["+0", "+1", "+2", "+3", "-0", "-1", "-2", "-3", "-9"]


@dataclass(frozen=True)
class Case:
    nodes: tuple[Node, ...]
    recorded: tuple[str, ...]
    targets: tuple[str, ...]


@st.composite
def targets(draw: st.DrawFn, nodes: tuple[Node, ...]) -> str:
    every = [node.revision for node in nodes]
    labels = [label for node in nodes for label in node.labels]
    symbol = draw(st.sampled_from([*every * 3, *labels, "head", "heads", "base", "nope", "v9.9", ""]))
    if len(symbol) > 4 and "." not in symbol and draw(st.booleans()):
        symbol = symbol[: draw(st.integers(2, len(symbol)))]
    steps = "" if "." in symbol or "-" in symbol or draw(st.booleans()) else draw(st.sampled_from(STEPS))
    label = draw(st.sampled_from([*labels * 4, *every, "nope"])) if not draw(st.integers(0, 2)) else ""
    text = f"{label}@{symbol}{steps}" if label else f"{symbol}{steps}"
    return text or draw(st.sampled_from(STEPS))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    nodes = draw(histories())
    recorded = draw(recorded_revisions(nodes))
    return Case(nodes, recorded, tuple(draw(st.lists(targets(nodes), min_size=4, max_size=8))))


class Recorded(HeadMaintainer):
    """Alembic's own keeper of the version table, on a set instead of a table."""

    def __init__(self, heads: Sequence[str]) -> None:
        self.heads = set(heads)

    def _insert_version(self, version: str) -> None:
        assert version not in self.heads
        self.heads.add(version)

    def _delete_version(self, version: str) -> None:
        self.heads.remove(version)

    def _update_version(self, from_: str, to_: str) -> None:
        assert to_ not in self.heads
        self.heads.remove(from_)
        self.heads.add(to_)


class Alembic:
    """What stock Alembic answers."""

    def __init__(self, folder: Path) -> None:
        self.scripts = ScriptDirectory(str(folder.parent), version_locations=[str(folder)])

    def upgrade(self, target: str, recorded: tuple[str, ...]) -> list[str]:
        return [step.revision.revision for step in self.scripts._upgrade_revs(target, recorded)]

    def downgrade(self, target: str, recorded: tuple[str, ...]) -> list[str]:
        return [step.revision.revision for step in self.scripts._downgrade_revs(target, recorded)]

    def stamp(self, target: str, recorded: tuple[str, ...]) -> set[str]:
        table = Recorded(recorded)
        for step in self.scripts._stamp_revs((target,), recorded):
            table.update_to_step(step)
        return table.heads

    def one(self, target: str) -> str:
        revision = self.scripts.get_revision(target)
        if revision is None:
            raise LookupError(target)
        return revision.revision


def answer(question: Callable[[], T], refusal: type[Exception]) -> T | str:
    """The answer, or "refused"; any exception but `refusal` is a fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return question()
        except refusal:
            return "refused"


@pytest.fixture(autouse=True)
def _no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", True)


LINE = (Node("ab12", (), name="a.py"), Node("cd34", ("ab12",), name="b.py"), Node("0001", ("cd34",), name="c.py"))
DEPENDENT = (
    Node("ab12", (), labels=("shop",), name="a.py"),
    Node("cd34", ("ab12",), name="b.py"),
    Node("0001", (), depends_on=("cd34",), labels=("blog",), name="c.py"),
)


@example(Case(DEPENDENT, ("0001",), ("heads", "shop@heads", "blog@-1", "shop@-1", "shop@base", "blog@head")))
@example(Case(DEPENDENT, ("cd34",), ("heads", "shop@heads", "blog@+1", "+1", "base")))
@example(Case(LINE, ("0001", "ab12"), ("cd34", "heads", "base", "-1")))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_every_answer_is_alembics(case: Case):
    with tempfile.TemporaryDirectory() as folder:
        versions = make(case.nodes, Path(folder))
        alembic, graph = Alembic(versions.folder), versions.graph()
        assert list(graph.heads) == alembic.scripts.get_heads()
        assert list(graph.effective_heads) == alembic.scripts.get_heads(consider_depends_on=True)
        assert list(graph.bases) == alembic.scripts.get_bases()
        assert ids(graph.history()) == [each.revision for each in alembic.scripts.walk_revisions()]
        compare(("pending",), alembic.upgrade, lambda _, now: ids(graph.pending(now)), ("heads", case.recorded))
        for target in case.targets:
            compare_target(graph, alembic, target, case.recorded)


def compare_target(graph: Graph, alembic: Alembic, target: str, recorded: tuple[str, ...]) -> None:
    asked = (target, recorded)
    if not re.fullmatch(r"base-\d+", target):
        compare(("upgrade", target), alembic.upgrade, lambda *both: ids(graph.upgrade_path(*both)), asked)
    compare(("downgrade", target), alembic.downgrade, lambda *both: ids(graph.downgrade_path(*both)), asked)
    if not target.endswith(tuple(STEPS)):
        compare(("stamp", target), alembic.stamp, lambda *both: set(graph.stamp_target(*both)), asked)
        compare(("get", target), alembic.one, lambda text: graph.get(text).revision, (target,))


def compare(
    label: tuple[str, ...], theirs: Callable[..., T], ours: Callable[..., T], asked: tuple[object, ...]
) -> None:
    # Alembic leaves some wrong names to an assertion, or to a look-up that fails
    expected = answer(lambda: theirs(*asked), Exception)
    assert (label, answer(lambda: ours(*asked), RevisionError)) == (label, expected)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(nodes=histories(), data=st.data())
def test_what_is_applied_and_what_is_pending_make_the_whole(nodes: tuple[Node, ...], data: st.DataObject):
    with tempfile.TemporaryDirectory() as folder:
        graph = make(nodes, Path(folder)).graph()
        picked = data.draw(st.sampled_from([node.revision for node in nodes]))
        applied = graph.applied([picked])
        assert applied == below_of(picked, nodes)
        assert sorted([*applied, *ids(graph.pending([picked]))]) == sorted(graph.revisions)
