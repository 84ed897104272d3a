import textwrap
from pathlib import Path

import pytest

from oppmigrate.revisions import Graph, RevisionFile, draw_graph


def revision(id_: str, *parents: str) -> RevisionFile:
    return RevisionFile(id_, parents, (), (), id_, id_, None, Path(f"{id_}.py"), "")


DRAWINGS = {
    "empty": ([], ""),
    "line": (
        [revision("a"), revision("b", "a"), revision("c", "b")],
        """
        * c
        * b
        * a
        """,
    ),
    "branch": (
        [revision("a"), revision("b", "a"), revision("c", "a")],
        """
        * b
        | * c
        |/
        * a
        """,
    ),
    "merge": (
        [revision("a"), revision("b", "a"), revision("c", "a"), revision("m", "b", "c"), revision("n", "m")],
        r"""
        * n
        * m
        |\
        * | b
        | * c
        |/
        * a
        """,
    ),
    "two bases: a gap, so that neither seems to stand on the other": (
        [revision("a"), revision("a2", "a"), revision("b"), revision("b2", "b")],
        """
        * a2
        * a

        * b2
        * b
        """,
    ),
    "merge of two bases": (
        [revision("a"), revision("b"), revision("m", "a", "b")],
        r"""
        * m
        |\
        * | a
         /
        * b
        """,
    ),
    "criss-cross: m merges b and c, n merges c and b": (
        [revision("a"), revision("b", "a"), revision("c", "a"), revision("m", "b", "c"), revision("n", "c", "b")],
        r"""
        * m
        |\
        | | * n
        | |/|
        |/| |
        | |/
        * | b
        | * c
        |/
        * a
        """,
    ),
    "merge of three": (
        [
            revision("a"),
            revision("b", "a"),
            revision("c", "a"),
            revision("d", "a"),
            revision("m", "b", "c", "d"),
        ],
        r"""
        * m
        |\
        |\ \
        * | | b
        | * | c
        |/ /
        | * d
        |/
        * a
        """,
    ),
    "branches of a branch": (
        [
            revision("a"),
            revision("b", "a"),
            revision("c", "a"),
            revision("d", "a"),
            revision("e", "b"),
            revision("f", "c"),
        ],
        """
        * d
        | * e
        | * b
        |/
        | * f
        | * c
        |/
        * a
        """,
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawing(name: str):
    files, expected = DRAWINGS[name]
    rows = draw_graph(Graph(files))
    drawn = "\n".join(f"{columns} {file.revision}" if file else columns for columns, file in rows)
    assert drawn == textwrap.dedent(expected).strip("\n")


def test_range_draws_only_its_revisions():
    graph = Graph([revision("a"), revision("b", "a"), revision("c", "b")])
    assert draw_graph(graph, graph.history("b:")) == [("*", graph.revisions["c"]), ("*", graph.revisions["b"])]


def test_every_revision_is_drawn_once_and_in_ascii():
    files = [revision("r0")]
    for number in range(1, 60):
        parents = {f"r{(number * 7) % number}", f"r{number // 2}", f"r{(number * number) % number}"}
        files.append(revision(f"r{number}", *sorted(parents)))
    rows = draw_graph(Graph(files))
    assert sorted(file.revision for _, file in rows if file) == sorted(file.revision for file in files)
    assert all(set(columns) <= set("*|/\\ ") for columns, _ in rows)
    assert all(columns.count("*") == (file is not None) for columns, file in rows)
