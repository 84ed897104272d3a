"""Errors: three parts for a person, facts for a program."""

import inspect

import pytest

from oppmigrate import errors
from oppmigrate.errors import MigrateError, NotADatabase, UnknownRevision, WrongUsage

EVERY_ERROR = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, MigrateError)]


def test_text_has_the_three_parts():
    error = MigrateError("the cat is gone", why="the door was open", do="close it")
    assert str(error) == "error: the cat is gone\nwhy:   the door was open\ndo:    close it"


def test_parts_that_are_not_given_are_left_out():
    assert str(MigrateError("the cat is gone")) == "error: the cat is gone"
    assert str(MigrateError("the cat is gone", do="look")) == "error: the cat is gone\ndo:    look"


def test_facts_are_kept_as_data():
    error = UnknownRevision("no revision 3f", revision="3f", near=["3fa"])
    assert error.facts == {"revision": "3f", "near": ["3fa"]}


@pytest.mark.parametrize(
    ("error", "kind"),
    [(UnknownRevision, "unknown-revision"), (NotADatabase, "not-a-database"), (WrongUsage, "wrong-usage")],
)
def test_kind_is_the_class_as_a_slug(error, kind):
    assert error("what").kind == kind


def test_only_wrong_usage_exits_with_2():
    assert {each.__name__ for each in EVERY_ERROR if each.exit_code != 1} == {"WrongUsage"}
    assert WrongUsage.exit_code == 2


@pytest.mark.parametrize("error", EVERY_ERROR)
def test_every_error_says_what_it_stands_for(error):
    assert error.__doc__
    assert error.__doc__ != MigrateError.__doc__ or error is MigrateError
