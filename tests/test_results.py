"""Results: every one of them survives the way through JSON, as the shape that its fields have."""

import dataclasses
import datetime
import inspect
import json
from pathlib import Path

import pytest

from oppmigrate import results
from oppmigrate.results import (
    ApplyResult,
    BackupInfo,
    BackupNeed,
    Change,
    CheckResult,
    CreateResult,
    CurrentResult,
    DeleteResult,
    EditedRevision,
    FileDiff,
    HalfDone,
    HistoryResult,
    InitResult,
    MergeResult,
    Plan,
    Proof,
    RestoreResult,
    RevisionInfo,
    Run,
    Script,
    SetupResult,
    ShowResult,
    StampResult,
    Step,
    StoredRevision,
    as_json,
)

HERE = Path("/project/alembic/versions/a1.py")
CHANGE = Change("users", "drop table users", loses_data=True)
CREATED = datetime.datetime(2026, 1, 31, 12, 30, tzinfo=datetime.UTC)
INFO = RevisionInfo("a1", "Ärger “x”", CREATED, "pending", True, ("b1", "b2"), ("main",), (), HERE, "Ärger\n\nmore")
STEP = Step("a1", "upgrade", "first", HERE, "c0ffee", (), (CHANGE,), ("DROP TABLE users;",), None)
PLAN = Plan("upgrade", "heads", (), ("a1",), (STEP,))
HALF_DONE = HalfDone("a2", "upgrade", CREATED, "ada@tower", ("CREATE TABLE t (a INTEGER)",), "no such table")
RUN = Run("a1", "upgrade", "failed", CREATED, None, 12.5, 3, "ada@tower", "0.1.0", "/backups/x.db", "no such table")
EDITED = EditedRevision("a1", "first", HERE, CREATED, "ada@tower", "--- a\n+++ b")

EXAMPLES = [
    CHANGE,
    INFO,
    InitResult(Path("/project"), False, ("models",), (HERE,), (), "sqlite:///x.db", ("a note",)),
    FileDiff(HERE, "--- a\n+++ b", HERE.with_suffix(".bak")),
    SetupResult((FileDiff(HERE, "--- a"),), (), True),
    Proof(("create table x (1 column)",), (), None),
    CreateResult("a1", "first", HERE, (CHANGE,), "source", False, "scratch", Proof()),
    CreateResult(None, "first", None),
    STEP,
    BackupNeed(False, "the database has 14,000 MB", True),
    PLAN,
    Script(PLAN, "sqlite", "BEGIN;", ("revision a1 asks",)),
    ApplyResult(PLAN, ("a1",), 12.5, HERE),
    StampResult((), ("a1",)),
    StampResult(("a1",), ("a1",), ("a1",)),
    HALF_DONE,
    CurrentResult("sqlite:///x.db", True, (INFO,), ("gone",), ("a2",), HALF_DONE),
    RUN,
    HistoryResult((INFO,), None, (RUN,)),
    EDITED,
    ShowResult(INFO, STEP, STEP, EDITED),
    StoredRevision("a1", "first", CREATED, (), (), (), 'revision = "a1"', "utf-8", (RUN,)),
    CheckResult((INFO,), ("gone",), (CHANGE,), True, HALF_DONE, (EDITED,), ("gone",)),
    BackupInfo(HERE, 4096, CREATED, "a1"),
    RestoreResult(HERE, None),
    DeleteResult(("test.db",), HERE),
    MergeResult("a1", HERE, ("b1", "b2")),
]


def test_there_is_an_example_of_every_result():
    defined = {each for _, each in inspect.getmembers(results, inspect.isclass) if dataclasses.is_dataclass(each)}
    assert {type(example) for example in EXAMPLES} == defined


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_result_survives_json(example):
    value = as_json(example)
    assert json.loads(json.dumps(value)) == value
    assert {field.name for field in dataclasses.fields(example)} <= set(value)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_result_is_frozen(example):
    name = dataclasses.fields(example)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(example, name, None)


def test_paths_times_and_tuples_as_json():
    value = as_json(INFO)
    assert value["path"] == str(HERE)
    assert value["created"] == "2026-01-31T12:30:00+00:00"
    assert value["down_revisions"] == ["b1", "b2"]


def test_naive_time_stays_naive():
    assert as_json(datetime.datetime(2026, 1, 31, 12, 30)) == "2026-01-31T12:30:00"


def test_derived_properties_are_part_of_the_json():
    behind = CurrentResult("sqlite:///x.db", True, (), (), ("a2",))
    assert as_json(behind)["is_head"] is False
    assert as_json(dataclasses.replace(behind, pending=()))["is_head"] is True
    assert as_json(dataclasses.replace(behind, pending=(), missing=("gone",)))["is_head"] is False


@pytest.mark.parametrize(
    ("result", "clean"),
    [
        (CheckResult((), (), (), True), True),
        (CheckResult((INFO,), (), (), True), False),
        (CheckResult((), ("gone",), (), True), False),
        (CheckResult((), (), (CHANGE,), True), False),
        (CheckResult((), (), (), True, (EDITED,)), False),
    ],
)
def test_check_is_clean_only_where_nothing_is_to_do(result, clean):
    assert result.is_clean is clean
    assert as_json(result)["is_clean"] is clean


def test_mappings_and_sets_as_json():
    assert as_json({HERE: {"a"}, 1: frozenset()}) == {str(HERE): ["a"], "1": []}
