"""SQL on its way into a revision file, where `sa.text()` reads it."""

import pytest
import sqlalchemy as sa

from oppmigrate.autogenerate.written import as_text


@pytest.mark.parametrize(
    "sql",
    [
        "total > 0",
        "x::int > 1",
        "kind <> ':a'",
        "kind <> ' :a:b'",
        "kind <> ' :a::text'",
        "kind = 'a:b' AND kind <> ' :c'",
        r"kind ~ '\:a'",
        "at < '12:30'",
        "x = ' :b'::text",
    ],
)
def test_every_colon_is_read_as_it_was(sql: str) -> None:
    assert str(sa.text(as_text(sql))) == sql


def test_what_is_read_as_it_stands_is_left_as_it_stands() -> None:
    assert as_text("x::int > 1 AND at < '12:30'") == "x::int > 1 AND at < '12:30'"
