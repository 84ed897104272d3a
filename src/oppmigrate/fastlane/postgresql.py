"""What a PostgreSQL database records, asked of the address's own driver in one statement."""

from __future__ import annotations

from oppmigrate.fastlane.addresses import Address, is_installed, parse_address
from oppmigrate.fastlane.recorded import HEADS, Recorded, Uncertain, done_query, unfinished_query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

CONNECT_S = 2  # the full command tries for longer; libpq takes less than 2 for 2
NAME = "oppmigrate"


def read(url: str, journal: str, *, with_done: bool) -> Recorded:
    """What the database records. Raises Uncertain, also for what a driver raises."""
    address = parse_address(url)
    statement = _statement(journal, with_done)
    if address.driver in ("", "psycopg") and is_installed("psycopg"):
        rows = _ask_psycopg(address, statement)
    elif address.driver == "asyncpg" and is_installed("asyncpg", "greenlet"):
        rows = _ask_asyncpg(address, statement)
    else:
        raise Uncertain("a driver that is not used here")
    recorded = Recorded()
    recorded.take_heads([row[2:] for row in rows if row[0] == "head"])
    recorded.take_unfinished([row for row in rows if row[0] == "half"])
    done = sorted((row for row in rows if row[0] == "done"), key=lambda row: row[1], reverse=True)
    recorded.done = [row[2:] for row in done]
    return recorded


def _statement(journal: str, with_done: bool) -> str:
    """All that is asked, in one round trip; it fails where there is no journal yet."""
    quoted = f'"{journal}"'
    parts = [
        f"SELECT 'head' AS kind, 0 AS id, version_num, NULL, NULL, NULL FROM ({HEADS}) AS heads",
        f"SELECT 'half', id, NULL, NULL, NULL, NULL FROM ({unfinished_query(quoted)}) AS half",
    ]
    if with_done:
        parts.append(
            "SELECT 'done', id, revision, direction, body_digest, checksum "
            f"FROM ({done_query(quoted, 'id, revision')}) AS done"
        )
    return " UNION ALL ".join(parts)


def _ask_psycopg(address: Address, statement: str) -> Sequence[Sequence[Any]]:
    import psycopg

    given = {
        "user": address.user,
        "password": address.password,
        "host": address.host,
        "port": address.port,
        "dbname": address.database,
    }
    try:
        connection = psycopg.connect(
            **{name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
            autocommit=True,
            connect_timeout=CONNECT_S,
            fallback_application_name=NAME,
            prepare_threshold=None,
        )
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()
    except psycopg.Error as error:
        raise Uncertain(str(error)) from error


def _ask_asyncpg(address: Address, statement: str) -> Sequence[Sequence[Any]]:
    import asyncio

    import asyncpg  # type: ignore[import-untyped]  # it has no stubs

    if asyncio._get_running_loop() is not None:
        raise Uncertain("an event loop is running")

    async def ask() -> Sequence[Sequence[Any]]:
        connection = await asyncpg.connect(
            user=address.user,
            password=address.password,
            host=address.host,
            port=address.port,
            database=address.database,
            timeout=CONNECT_S,
            statement_cache_size=0,
        )
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    try:
        return asyncio.run(ask())
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Uncertain(str(error)) from error
