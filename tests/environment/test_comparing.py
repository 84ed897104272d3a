"""Defaults that say the same in other words."""

from typing import Any, cast

import pytest
from sqlalchemy import Column, DateTime, text

from oppmigrate.environment.comparing import compare_server_default


@pytest.mark.parametrize(
    ("stored", "model", "expected"),
    [
        ("current_timestamp()", "now()", False),
        ("current_timestamp(3)", "NOW(3)", False),
        ("(now())", "CURRENT_TIMESTAMP", False),
        ("current_timestamp() ON UPDATE current_timestamp()", "now() on update now()", False),
        ("current_timestamp(3)", "now()", None),
        ("current_timestamp() ON UPDATE current_timestamp()", "now()", None),
        ("current_date()", "now()", None),
        (None, "now()", None),
    ],
)
def test_two_words_for_the_time_of_day(stored: str | None, model: str, expected: bool | None) -> None:
    """None leaves the comparison to Alembic."""
    inspected = Column("x", DateTime, server_default=text(stored) if stored else None)
    modelled = Column("x", DateTime, server_default=text(model))
    context = cast(Any, None)
    assert compare_server_default(context, inspected, modelled, stored, modelled.server_default, model) is expected
