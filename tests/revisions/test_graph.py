import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from oppmigrate.errors import (
    AmbiguousRevision,
    DuplicateRevision,
    MigrateError,
    MissingParent,
    MultipleHeads,
    RevisionCycle,
    RevisionError,
    RevisionFileBroken,
    RevisionFileMissing,
    UnknownRevision,
    WrongUsage,
)
from oppmigrate.revisions import Graph, load_graph
from revision_files import Versions, ids


def assert_told(error: MigrateError, *parts: str) -> None:
    """What, why and a command to paste are there, and `parts` are in them."""
    assert error.why
    assert "`" in (error.do or "")
    for part in parts:
        assert part in str(error)


@pytest.fixture
def branched(versions: Versions) -> Graph:
    """aaaa1 <- bbbb1 <- cccc1 (label: shop) and aaaa1 <- bbbb2; dddd1 is a base of its own."""
    versions.write("aaaa1", message="first tables")
    versions.write("bbbb1", "aaaa1", labels="shop")
    versions.write("cccc1", "bbbb1", message="add carts")
    versions.write("bbbb2", "aaaa1", message="add blog")
    versions.write("dddd1", depends_on="shop")
    return versions.graph()


@pytest.fixture
def line(versions: Versions) -> Graph:
    versions.write_line("aaaa", "bbbb", "cccc", "dddd", "eeee")
    return versions.graph()


# ---- loading


def test_absent_folder_is_an_empty_history(tmp_path: Path):
    graph = load_graph([tmp_path / "versions"])
    assert (graph.heads, graph.bases, graph.history(), graph.pending([])) == ((), (), (), ())


@pytest.mark.parametrize("name", ["head", "+1", "ab12", "base", "-1"])
def test_empty_history_says_that_there_is_no_file_yet(tmp_path: Path, name: str):
    with pytest.raises(UnknownRevision) as caught:
        load_graph([tmp_path]).get(name)
    assert_told(caught.value, "migrate create")


def test_same_files_are_chosen_as_by_alembic(versions: Versions):
    versions.write("ab12")
    for name in ("__init__.py", "__init__x.py", ".#ab12.py", "notes.txt", "ab12.py~", "ab12.pyc"):
        versions.write_text(name, "nothing (")
    (versions.folder / "folder.py").mkdir()
    (versions.folder / "__pycache__").mkdir()
    assert list(versions.graph().revisions) == ["ab12"]


def test_folders_below_are_read_only_when_asked(versions: Versions):
    versions.write("ab12")
    below = Versions(versions.folder / "2024" / "05")
    below.write("cd34", "ab12")
    Versions(versions.folder / "__pycache__").write("ef56")
    assert list(versions.graph().revisions) == ["ab12"]
    assert list(load_graph([versions.folder], recursive=True).revisions) == ["ab12", "cd34"]


def test_several_locations_make_one_history(tmp_path: Path):
    one, other = Versions(tmp_path / "one"), Versions(tmp_path / "other")
    one.write("ab12")
    other.write("cd34", "ab12")
    assert load_graph([one.folder, other.folder, tmp_path / "absent"]).heads == ("cd34",)


def test_file_reached_twice_is_read_once(versions: Versions, tmp_path: Path):
    path = versions.write("ab12")
    (versions.folder / "linked.py").symlink_to(path)
    (tmp_path / "link").symlink_to(versions.folder)
    graph = load_graph([versions.folder, tmp_path / "link", versions.folder / "."])
    assert graph.get("ab12").path == path


def test_symbolic_link_that_leads_nowhere_is_named(versions: Versions):
    (versions.folder / "ab12.py").symlink_to(versions.folder / "gone.py")
    with pytest.raises(RevisionFileBroken) as caught:
        versions.graph()
    assert_told(caught.value, "ab12.py", "gone.py", "no such file")


def test_location_that_is_a_file_is_named(tmp_path: Path):
    (tmp_path / "versions").write_text("")
    with pytest.raises(RevisionFileBroken) as caught:
        load_graph([tmp_path / "versions"])
    assert_told(caught.value, str(tmp_path / "versions"), "Not a directory")


def test_folder_that_cannot_be_listed_is_named(versions: Versions, monkeypatch: pytest.MonkeyPatch):
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    # root, as whom tests may run, is refused nothing
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(RevisionFileBroken) as caught:
        versions.graph()
    assert_told(caught.value, str(versions.folder), "Permission denied")


def test_five_thousand_files_are_read_in_linear_time(versions: Versions):
    names = [f"{number:012x}" for number in range(5000)]
    versions.write_line(*names)
    start = time.perf_counter()
    graph = versions.graph()
    assert graph.heads == (names[-1],)
    assert len(graph.applied([names[-1]])) == 5000
    assert len(graph.pending([names[2500]])) == 2499
    # takes 2 s; the room is for slow machines, and what is quadratic takes minutes
    assert time.perf_counter() - start < 30


# ---- files that do not fit together


def test_duplicate_id_names_both_files(versions: Versions):
    versions.write("ab12", name="one.py")
    versions.write("ab12", name="two.py")
    with pytest.raises(DuplicateRevision) as caught:
        versions.graph()
    assert_told(caught.value, "ab12", "one.py", "two.py")


def test_label_used_twice_names_both_files(versions: Versions):
    versions.write("ab12", labels="shop", name="one.py")
    versions.write("cd34", "ab12", labels=("blog", "shop"), name="two.py")
    with pytest.raises(DuplicateRevision) as caught:
        versions.graph()
    assert_told(caught.value, "`shop`", "one.py", "two.py")


def test_label_that_is_an_id_is_refused(versions: Versions):
    versions.write("ab12", name="one.py")
    versions.write("cd34", "ab12", labels="ab12", name="two.py")
    with pytest.raises(DuplicateRevision):
        versions.graph()


def test_missing_parent_names_the_file_and_what_is_near(versions: Versions):
    versions.write("1975ea83b712", name="one.py")
    versions.write("ab12", "1975ea83b721", name="two.py")
    with pytest.raises(MissingParent) as caught:
        versions.graph()
    assert_told(caught.value, "two.py", "`ab12`", "`1975ea83b721`", "`1975ea83b712` in", "one.py")
    assert caught.value.facts["near"] == ["1975ea83b712"]


def test_parent_cut_short_is_missing_and_the_whole_is_near(versions: Versions):
    versions.write("1975ea83b712")
    versions.write("ab12", "1975")
    with pytest.raises(MissingParent) as caught:
        versions.graph()
    assert caught.value.facts["near"] == ["1975ea83b712"]


def test_missing_dependency_names_the_file(versions: Versions):
    versions.write("ab12", depends_on=("shop",), name="one.py")
    with pytest.raises(MissingParent) as caught:
        versions.graph()
    assert_told(caught.value, "one.py", "`shop`", "`depends_on`")


def test_label_as_a_parent_is_refused_with_the_id_behind_it(versions: Versions):
    versions.write("ab12", labels="shop")
    versions.write("cd34", "shop")
    with pytest.raises(MissingParent) as caught:
        versions.graph()
    assert_told(caught.value, "branch label", "`ab12`")


@pytest.mark.parametrize(
    ("parents", "cycle"),
    [
        ({"aaaa": "aaaa"}, ["aaaa"]),
        ({"aaaa": "cccc", "bbbb": "aaaa", "cccc": "bbbb"}, ["aaaa", "cccc", "bbbb"]),
        # with a base below and a head above, where Alembic sees no cycle
        ({"base": None, "bbbb": ("base", "cccc"), "cccc": "bbbb", "head": "cccc"}, ["bbbb", "cccc"]),
    ],
)
def test_cycle_names_the_ids_in_their_order(versions: Versions, parents: dict[str, str], cycle: list[str]):
    for revision, parent in parents.items():
        versions.write(revision, parent, name=f"file_of_{revision}.py")
    with pytest.raises(RevisionCycle) as caught:
        versions.graph()
    assert caught.value.facts["revisions"] == cycle
    assert_told(caught.value, *(f"file_of_{revision}.py" for revision in cycle))


def test_cycle_through_a_dependency_is_found(versions: Versions):
    versions.write("aaaa", depends_on="shop")
    versions.write("bbbb", "aaaa", labels="shop")
    with pytest.raises(RevisionCycle):
        versions.graph()


# ---- the shape


def test_shape_of_a_branched_history(branched: Graph):
    assert branched.heads == ("bbbb2", "cccc1", "dddd1")
    assert branched.effective_heads == ("bbbb2", "cccc1", "dddd1")
    assert branched.bases == ("aaaa1", "dddd1")
    assert branched.children("aaaa1") == ("bbbb1", "bbbb2")
    assert branched.dependencies("dddd1") == ("bbbb1",)
    assert branched.labels == {"shop": "bbbb1"}


def test_head_that_another_depends_on_is_not_recorded_in_the_end(versions: Versions):
    versions.write("aaaa")
    versions.write("bbbb", depends_on="aaaa")
    graph = versions.graph()
    assert (graph.heads, graph.effective_heads) == (("aaaa", "bbbb"), ("bbbb",))


def test_applied_follows_parents_and_dependencies(branched: Graph):
    assert branched.applied(["dddd1", "gone"]) == {"dddd1", "bbbb1", "aaaa1"}
    assert branched.missing(["dddd1", "gone"]) == ("gone",)


# ---- names


@pytest.mark.parametrize(
    ("name", "revision"),
    [
        ("aaaa1", "aaaa1"),
        ("aa", "aaaa1"),
        ("c", "cccc1"),
        ("shop", "bbbb1"),
        ("shop@head", "cccc1"),
        ("aaaa1+1", None),
        ("aaaa1+0", "aaaa1"),
        ("shop@aaaa1+1", "bbbb1"),
        ("cccc1-2", "aaaa1"),
        ("cccc1-1", "bbbb1"),
        ("shop@-1", "bbbb1"),
        ("shop@head-2", "aaaa1"),
    ],
)
def test_names_of_one_revision(branched: Graph, name: str, revision: str | None):
    if revision is None:
        with pytest.raises(AmbiguousRevision) as caught:
            branched.get(name)
        assert_told(caught.value, "bbbb1", "bbbb2", "history --graph")
    else:
        assert branched.get(name).revision == revision


def test_bare_step_counts_from_the_head_or_from_the_database(line: Graph):
    assert line.get("-1").revision == "dddd"
    assert line.get("-1", ["cccc"]).revision == "bbbb"
    assert line.get("+1", ["cccc"]).revision == "dddd"
    assert line.get("+2", []).revision == "bbbb"


@pytest.mark.parametrize(
    "name", ["nope", "bbbb3", "shop@dddd1", "nope@head", "cccc1-9", "aaaa1x", "@", "aaaa1@", "shop@"]
)
def test_unknown_names_say_what_there_is(branched: Graph, name: str):
    with pytest.raises(RevisionError) as caught:
        branched.get(name)
    assert_told(caught.value, name, "migrate history")


def test_unknown_name_names_near_ones(branched: Graph):
    with pytest.raises(UnknownRevision) as caught:
        branched.get("bbbx1")
    assert caught.value.facts["near"] == ["bbbb1", "bbbb2"] or "bbbb1" in caught.value.facts["near"]
    assert_told(caught.value, "bbbb1")


@pytest.mark.parametrize("name", ["", "  "])
def test_empty_name_is_unknown(branched: Graph, name: str):
    for ask in (
        branched.get,
        lambda text: branched.upgrade_path(text, []),
        lambda text: branched.stamp_target(text, []),
    ):
        with pytest.raises(UnknownRevision, match="empty"):
            ask(name)


def test_ambiguous_prefix_lists_the_candidates(branched: Graph):
    with pytest.raises(AmbiguousRevision) as caught:
        branched.upgrade_path("bbb", [])
    assert caught.value.facts["candidates"] == ["bbbb1", "bbbb2"]
    assert_told(caught.value, "add blog")


def test_head_of_several_lists_them_with_messages(branched: Graph):
    with pytest.raises(MultipleHeads) as caught:
        branched.upgrade_path("head", [])
    assert caught.value.facts["heads"] == ["bbbb2", "cccc1", "dddd1"]
    assert_told(caught.value, "`cccc1` (add carts)", "`bbbb2` (add blog)", "upgrade heads", "upgrade bbbb2")


def test_base_is_no_file(branched: Graph):
    with pytest.raises(UnknownRevision, match="before the first one"):
        branched.get("base")


def test_short_ids_may_be_cut_short(versions: Versions):
    versions.write_line("1", "v1", "va", "abc")
    graph = versions.graph()
    assert graph.get("ab").revision == "abc"
    assert graph.get("1").revision == "1"
    assert graph.get("va").revision == "va"
    assert ids(graph.history("v1:va")) == ["va", "v1"]
    assert ids(graph.upgrade_path("ab-1", [])) == ["1", "v1", "va"]
    with pytest.raises(AmbiguousRevision):
        graph.get("v")


def test_steps_from_ids_with_dots(versions: Versions):
    versions.write_line("v3.1", "v3.2.0.a", "v3.2.0.b", "v3.3")
    graph = versions.graph()
    assert graph.get("v3.2.0.a+1").revision == "v3.2.0.b"
    assert ids(graph.upgrade_path("v3.2.0.a+1", ["v3.1"])) == ["v3.2.0.a", "v3.2.0.b"]
    assert ids(graph.downgrade_path("v3.2.0.b-1", ["v3.3"])) == ["v3.3", "v3.2.0.b"]
    assert ids(graph.downgrade_path("v3.1-1", ["v3.2.0.a"])) == ["v3.2.0.a", "v3.1"]
    with pytest.raises(UnknownRevision):
        graph.upgrade_path("v3.3+1", [])


def test_label_with_a_dash_is_no_step(versions: Versions):
    versions.write("aaaa", labels="my-shop")
    versions.write("bbbb", "aaaa", labels="shop-2-go")
    graph = versions.graph()
    assert ids(graph.upgrade_path("my-shop", [])) == ["aaaa"]
    assert ids(graph.upgrade_path("my-shop@head", [])) == ["aaaa", "bbbb"]
    assert graph.get("shop-2-go").revision == "bbbb"


def test_text_after_a_step_is_refused(line: Graph):
    # Alembic would go down to bbbb
    with pytest.raises(UnknownRevision):
        line.downgrade_path("cccc-1x", ["eeee"])


# ---- ways


def test_ways_of_a_line(line: Graph):
    assert ids(line.upgrade_path("heads", ["cccc"])) == ["dddd", "eeee"]
    assert ids(line.upgrade_path("+1", ["cccc"])) == ["dddd"]
    assert ids(line.upgrade_path("bbbb+1", ["bbbb"])) == ["cccc"]
    assert ids(line.upgrade_path("aaaa", ["cccc"])) == []
    assert ids(line.downgrade_path("-1", ["cccc"])) == ["cccc"]
    assert ids(line.downgrade_path("base", ["bbbb"])) == ["bbbb", "aaaa"]
    assert ids(line.pending([])) == ["aaaa", "bbbb", "cccc", "dddd", "eeee"]


@pytest.mark.parametrize("target", ["+3", "heads+1", "-1", "eeee+1"])
def test_upgrade_out_of_the_history_is_refused(line: Graph, target: str):
    with pytest.raises(RevisionError) as caught:
        line.upgrade_path(target, ["cccc"])
    assert_told(caught.value, target)


@pytest.mark.parametrize("target", ["-4", "+1", "dddd", "head", "cccc-9"])
def test_downgrade_to_what_is_not_below_is_refused(line: Graph, target: str):
    with pytest.raises(RevisionError) as caught:
        line.downgrade_path(target, ["cccc"])
    assert_told(caught.value, target)


def test_bare_downgrade_from_several_branches_is_refused_with_what_to_type(branched: Graph):
    with pytest.raises(AmbiguousRevision) as caught:
        branched.downgrade_path("-1", ["bbbb2", "cccc1"])
    assert_told(caught.value, "bbbb2@-1", "cccc1@-1")
    assert ids(branched.downgrade_path("bbbb2@-1", ["bbbb2", "cccc1"])) == ["bbbb2"]
    assert ids(branched.downgrade_path("shop@-1", ["bbbb2", "cccc1"])) == ["cccc1"]


@pytest.mark.parametrize(
    ("command", "target", "current", "told"),
    [
        ("upgrade", "+9", ["cccc"], "from `cccc` there are 2 steps that way"),
        ("upgrade", "-1", ["cccc"], "`python oppman.py migrate downgrade -1`"),
        ("downgrade", "+1", ["cccc"], "`python oppman.py migrate downgrade -1`"),
        ("downgrade", "-9", ["bbbb"], "from `bbbb` there are 2 steps that way"),
        ("downgrade", "-1", [], "from the base there are 0 steps that way"),
    ],
)
def test_step_too_far_says_how_far_it_goes(line: Graph, command: str, target: str, current: list[str], told: str):
    with pytest.raises(UnknownRevision) as caught:
        getattr(line, f"{command}_path")(target, current)
    assert_told(caught.value, told)


def test_upgrade_step_from_several_branches_says_what_to_type(branched: Graph):
    with pytest.raises(AmbiguousRevision) as caught:
        branched.upgrade_path("+1", ["bbbb1", "bbbb2"])
    assert_told(caught.value, "bbbb1@+1")
    assert ids(branched.upgrade_path("bbbb1@+1", ["bbbb1", "bbbb2"])) == ["cccc1"]


def test_recorded_revision_without_a_file_is_refused(line: Graph):
    for ask in (line.upgrade_path, line.downgrade_path, line.stamp_target):
        with pytest.raises(RevisionFileMissing) as caught:
            ask("aaaa", ["bbb"])
        assert_told(caught.value, "`bbb`", "git log")


def test_recorded_revision_above_another_recorded_one_is_refused(line: Graph):
    with pytest.raises(RevisionError) as caught:
        line.pending(["bbbb", "dddd"])
    assert_told(caught.value, "bbbb", "dddd")


@pytest.mark.parametrize(
    ("target", "current", "recorded"),
    [
        ("heads", [], ("bbbb2", "cccc1", "dddd1")),
        ("cccc1", [], ("cccc1",)),
        ("base", ["cccc1", "bbbb2"], ()),
        ("shop@base", ["cccc1", "bbbb2"], ("bbbb2",)),
        ("aaaa1", ["cccc1", "bbbb2"], ("aaaa1",)),
        ("bbbb1", ["cccc1", "bbbb2"], ("bbbb1", "bbbb2")),
        ("cccc1", ["aaaa1"], ("cccc1",)),
    ],
)
def test_stamp(branched: Graph, target: str, current: list[str], recorded: tuple[str, ...]):
    assert branched.stamp_target(target, current) == recorded


def test_stamp_takes_no_steps(line: Graph):
    with pytest.raises(UnknownRevision, match="cannot be stamped"):
        line.stamp_target("-1", ["cccc"])


# ---- history


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        (None, "eeee dddd cccc bbbb aaaa"),
        (":", "eeee dddd cccc bbbb aaaa"),
        ("bbbb:dddd", "dddd cccc bbbb"),
        ("b:d", "dddd cccc bbbb"),
        ("dddd:", "eeee dddd"),
        (":bbbb", "bbbb aaaa"),
        ("-2:", "eeee dddd cccc"),
        ("-99:", "eeee dddd cccc bbbb aaaa"),
        ("-1:current", "cccc bbbb"),
        ("current:", "eeee dddd cccc"),
        (":current", "cccc bbbb aaaa"),
        ("current:+1", "dddd cccc"),
        ("current:+99", "eeee dddd cccc"),
        (":+2", "bbbb aaaa"),
        ("bbbb+1:head-1", "dddd cccc"),
        ("base:head", "eeee dddd cccc bbbb aaaa"),
    ],
)
def test_history_ranges(line: Graph, range_: str | None, expected: str):
    assert ids(line.history(range_, current=["cccc"])) == expected.split()


def test_history_takes_short_prefixes_and_dotted_steps(versions: Versions):
    versions.write_line("b7", "v3.1", "v3.2.0.a")
    graph = versions.graph()
    assert ids(graph.history("b:v3.1+0")) == ["v3.1", "b7"]
    assert ids(graph.history("v3.2.0.a-1:")) == ["v3.2.0.a", "v3.1"]


def test_history_up_to_nothing_applied_is_empty(line: Graph):
    assert line.history(":current") == ()
    assert line.history("-1:current") == ()
    assert ids(line.history("current:+1")) == ["aaaa"]


def test_history_of_branches_counts_down_from_each_head(branched: Graph):
    assert ids(branched.history("-1:")) == ["bbbb2", "cccc1", "dddd1", "bbbb1", "aaaa1"]


@pytest.mark.parametrize("range_", ["aaaa", "a:b:c", ""])
def test_range_without_its_colon_is_wrong_usage(line: Graph, range_: str):
    with pytest.raises(WrongUsage) as caught:
        line.history(range_)
    assert_told(caught.value, "START:END")


def test_range_the_wrong_way_round_says_so(line: Graph):
    with pytest.raises(RevisionError) as caught:
        line.history("dddd:bbbb")
    assert_told(caught.value, "history -r bbbb:dddd")


def test_nothing_that_needs_no_names_imports_alembic(versions: Versions):
    versions.write_line("aaaa", "bbbb")
    code = (
        "import sys, pathlib; from oppmigrate.revisions import load_graph\n"
        f"graph = load_graph([pathlib.Path({str(versions.folder)!r})])\n"
        "graph.get('aaaa'), graph.heads, graph.applied(['aaaa']), graph.missing(['x']), graph.get('bbbb').checksum\n"
        "assert 'alembic' not in sys.modules\n"
        "graph.get('a')\n"
        "assert 'alembic' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
