"""What holds on every server, PostgreSQL or MySQL: checks that the tests of each make."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from held_locks import held
from oppmigrate.databases import Database, Holder, open_database
from oppmigrate.errors import DatabaseLocked, DatabaseUnreachable


def assert_lock_is_held_by_one(database: Database, do: str) -> None:
    """The second to ask is refused, and told `do`, until the first is done; another key is another lock."""

    def first(connection: Connection) -> None:
        with database.lock(connection, "key", 0):
            assert not connection.in_transaction()
            with pytest.raises(DatabaseLocked, match="another migration") as caught:
                database.run(second)
            assert isinstance(caught.value.facts["pid"], int)
            assert do in str(caught.value.do)
            database.run(elsewhere)
        database.run(second)

    def second(connection: Connection) -> None:
        with database.lock(connection, "key", 0.2):
            pass

    def elsewhere(connection: Connection) -> None:
        with database.lock(connection, "another key", 0):
            pass

    database.run(first)


def assert_lock_waits(database: Database) -> None:
    """The second to ask gets the lock when the first is done."""
    held = threading.Event()

    def first(connection: Connection) -> None:
        with database.lock(connection, "key", 0):
            held.set()
            time.sleep(0.4)

    def second(connection: Connection) -> None:
        with database.lock(connection, "key", 5):
            pass

    thread = threading.Thread(target=database.run, args=(first,))
    thread.start()
    held.wait()
    database.run(second)
    thread.join()


def why_unreachable(url: str, words: str) -> str:
    """The reason that the error gives, once it names the place and not the password, `secretly`."""
    database = open_database(url)
    with pytest.raises(DatabaseUnreachable, match=words) as caught:
        database.probe()
    assert caught.value.why
    assert "secretly" not in f"{caught.value}{database!r}"
    return caught.value.why


@contextlib.contextmanager
def writing_pairs(execute: Callable[..., Any]) -> Iterator[None]:
    """Meanwhile, rows come into `pairs (number, side)`, two to a statement."""
    over = threading.Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            execute("INSERT INTO pairs VALUES (%s, 'left'), (%s, 'right')", (number, number))
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def assert_waiting_tells_of_the_holder(database: Database) -> Holder:
    """Who waits is told at once who holds the lock, and once only while nothing changes; the error says the same."""
    told: list[tuple[float, Holder]] = []
    began = 0.0

    def first(connection: Connection) -> None:
        with database.lock(connection, "key", 0):
            database.run(second)

    def second(connection: Connection) -> None:
        nonlocal began
        began = time.monotonic()
        with pytest.raises(DatabaseLocked) as caught:
            database.lock(connection, "key", 1, lambda holder: told.append((time.monotonic(), holder))).__enter__()
        assert told[0][1].description in str(caught.value.why)
        assert "waited 1 s" in str(caught.value.why)

    database.run(first)
    ((at, holder),) = told
    assert at - began < 0.8
    assert isinstance(holder.pid, int)
    return holder


def assert_dead_holder_blocks_nobody(database: Database, statement: str) -> None:
    """A process that has run the statement under the lock is killed, and the next has the lock at once."""
    with held(database, statement) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.kill()
        process.wait()
        database.run(lambda connection: database.lock(connection, "key", 5).__enter__())
