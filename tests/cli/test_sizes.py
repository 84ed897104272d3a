"""Sizes and ages in words."""

import datetime

import pytest

from oppmigrate.cli.sizes import age_in_words, size_in_words

NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_345, "12.3 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_000_000, "1.0 MB"),
        (5_000_000_000, "5.0 GB"),
        (7_200_000_000_000, "7.2 TB"),
        (7_200_000_000_000_000, "7200.0 TB"),
    ],
)
def test_size(size, words):
    assert size_in_words(size) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        ({"seconds": 0}, "just now"),
        ({"seconds": 59}, "just now"),
        ({"seconds": 60}, "1 minute ago"),
        ({"minutes": 59}, "59 minutes ago"),
        ({"hours": 1}, "1 hour ago"),
        ({"hours": 23, "minutes": 59}, "23 hours ago"),
        ({"days": 1}, "1 day ago"),
        ({"days": 400}, "400 days ago"),
        ({"seconds": -30}, "just now"),
        ({"days": -2}, "just now"),
    ],
)
def test_age(ago, words):
    """A clock that was set back makes no negative ages."""
    assert age_in_words(NOW - datetime.timedelta(**ago), NOW) == words


def test_age_of_another_time_zone():
    moment = NOW.astimezone(datetime.timezone(datetime.timedelta(hours=-8))) - datetime.timedelta(hours=3)
    assert age_in_words(moment, NOW) == "3 hours ago"


def test_age_of_this_moment():
    assert age_in_words(datetime.datetime.now(datetime.UTC)) == "just now"
