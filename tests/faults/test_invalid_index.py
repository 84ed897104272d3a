"""An index that PostgreSQL makes concurrently, cut off half way: it is left there invalid, and never used."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from fault_counts import FaultCounts
from faults.expectations import Expectations
from faults.places import PostgreSQLPlace
from faults.shop import UP, Shop

WAITING = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND query ILIKE '%INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'
AND pid <> pg_backend_pid()
"""
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
UNTIL_S = 30


@contextmanager
def writing(place: PostgreSQLPlace, deed: Callable[[Any, int], None]) -> Iterator[None]:
    """A transaction that has written to `lines`; when the making of an index waits for it, the deed is done.

    Args:
        deed: gets a connection, and the process that waits.
    """

    def watch(writer: Any, other: Any) -> None:
        until = time.monotonic() + UNTIL_S
        while not (waiting := other.execute(WAITING).fetchall()) and time.monotonic() < until:
            time.sleep(0.01)
        if waiting:
            deed(other, waiting[0][0])
        writer.rollback()

    with psycopg.connect(place.dsn) as writer, psycopg.connect(place.dsn, autocommit=True) as other:
        writer.execute("UPDATE lines SET quantity = quantity")
        thread = threading.Thread(target=watch, args=(writer, other))
        thread.start()
        yield
        thread.join()


def cut(other: Any, process: int) -> None:
    other.execute("SELECT pg_terminate_backend(%s, 5000)", (process,))


def wait_for_timeout(_other: Any, _process: int) -> None:
    time.sleep(1)


@pytest.fixture
def expectations(shops: Callable[[str], Expectations]) -> Expectations:
    """The shop, right before the indexes are made."""
    found = shops("postgresql")
    found.shop.place.restore("filled")
    found.shop.ok(["migrate", "upgrade", "r07"])
    return found


def place_of(shop: Shop) -> PostgreSQLPlace:
    assert isinstance(shop.place, PostgreSQLPlace)
    return shop.place


def test_index_that_was_cut_off_is_made_anew(expectations: Expectations, fault_counts: FaultCounts) -> None:
    shop = expectations.shop
    with writing(place_of(shop), cut):
        done = shop.run(["migrate", "upgrade"])
    assert done.code == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "stands at r07" in done.stderr
    with psycopg.connect(place_of(shop).dsn) as connection:
        assert connection.execute(INVALID).fetchall() == [("ix_lines_product",)]

    shop.ok(["migrate", "upgrade"])

    assert shop.place.read() == expectations.leg(UP).states["r15"]
    assert list(shop.place.complaints()) == []
    fault_counts.add("postgresql", "cut")


def test_index_that_waited_for_too_long_is_tried_again(expectations: Expectations, fault_counts: FaultCounts) -> None:
    shop = expectations.shop
    with writing(place_of(shop), wait_for_timeout):
        shop.ok(["migrate", "upgrade"], environment={"OPPMAN_TABLE_LOCK_TIMEOUT": "0.3"})
    assert shop.place.read() == expectations.leg(UP).states["r15"]
    fault_counts.add("postgresql", "busy")
