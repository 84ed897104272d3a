"""What a MariaDB or MySQL database records, asked by PyMySQL; aiomysql is made of it and reads the same."""

from __future__ import annotations

from oppmigrate.fastlane.addresses import is_installed, parse_address
from oppmigrate.fastlane.recorded import HEADS, Recorded, Uncertain, done_query, unfinished_query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

CONNECT_S = 2  # the full command tries for longer
DONE_BY_HUNDREDS = (
    "SELECT id DIV 100 AS part, COUNT(*), GROUP_CONCAT(CONCAT_WS('\t', revision, direction, COALESCE(body_digest, ''), "
    "checksum) ORDER BY id DESC SEPARATOR '\n') FROM ({done}) AS done GROUP BY part ORDER BY part DESC"
)
# what has to be installed for the full command to use the driver
DRIVERS = {"": ("pymysql",), "pymysql": ("pymysql",), "aiomysql": ("pymysql", "aiomysql", "greenlet")}


def read(url: str, journal: str, *, with_done: bool) -> Recorded:
    """What the database records. Raises Uncertain, also for what the driver raises."""
    address = parse_address(url)
    if not is_installed(*DRIVERS.get(address.driver, ("no such driver",))):
        raise Uncertain("a driver that is not used here")
    import pymysql

    quoted = f"`{journal}`"
    recorded = Recorded()
    try:
        connection = pymysql.connect(
            user=address.user,
            password=address.password or "",
            host=address.host,
            port=address.port or 0,
            database=address.database,
            connect_timeout=CONNECT_S,
            read_timeout=CONNECT_S,
            autocommit=None,
        )
        try:
            recorded.take_heads(_ask(connection, HEADS))
            recorded.take_unfinished(_ask(connection, unfinished_query(quoted)))
            if with_done:
                recorded.done = _ask_done(connection, quoted)
        finally:
            connection.close()
    except pymysql.Error as error:
        raise Uncertain(str(error)) from error
    return recorded


def _ask_done(connection: Any, journal: str) -> Sequence[Sequence[Any]]:
    """What was done, newest first; a hundred entries in a row of the answer, since PyMySQL reads rows in Python."""
    parts = _ask(connection, DONE_BY_HUNDREDS.format(done=done_query(journal, "id, revision")))
    done = [line.split("\t") for _part, _count, lines in parts for line in lines.split("\n")]
    if len(done) == sum(count for _part, count, _lines in parts) and all(len(entry) == 4 for entry in done):
        return done
    return _ask(connection, done_query(journal))  # the server cuts long values off (MySQL: after 1024 bytes)


def _ask(connection: Any, query: str) -> Sequence[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        rows: Sequence[Sequence[Any]] = cursor.fetchall()
        return rows
