"""What the errors of MariaDB and MySQL mean, by their number, which every driver keeps."""

import re
import socket
from typing import Any

from sqlalchemy import URL

from oppmigrate.databases.base import original
from oppmigrate.databases.server_errors import Server
from oppmigrate.errors import AccessDenied, DatabaseUnreachable, DriverMissing, MigrateError

# Source: MariaDB, "Error Codes"; MySQL, "Server Error Message Reference" and "Client Error Message Reference".
DENIED = frozenset({1045, 1698, 1130, 1820, 1862, 3118, 4151})
LACKING = frozenset({1044, 1142, 1143, 1227, 1370, 1410, 1419})
UNREACHABLE = frozenset({2002, 2003, 2005, 2009, 2012, 2026, 2054, 2061})
LOST = frozenset({2006, 2013, 2055, 1053, 1077, 1079, 1080, 1927})
BUSY = frozenset({1040, 1129, 1203, 1226})
LOCKED = frozenset({1205, 1213})
READ_ONLY = frozenset({1290, 1792, 1836, 1874})
FULL = frozenset({1021, 1114})


def explain(url: URL, error: BaseException) -> MigrateError | None:
    """The server's error in our words; None for an error of the SQL itself."""
    cause = original(error)
    if isinstance(cause, (socket.gaierror, ConnectionError)):  # of an async driver, as they are
        return unreachable(url, str(cause))
    if isinstance(cause, RuntimeError) and "cryptography" in str(cause):
        return DriverMissing(
            "the server's way of checking passwords needs one more package",
            why=str(cause),
            do="pip install cryptography",
            driver=url.get_driver_name(),
        )
    number, words = number_of(cause)
    if isinstance(cause.__cause__, OSError) and str(cause.__cause__) not in words:
        words = f"{words}: {cause.__cause__}"  # aiomysql says why only there
    return explain_number(url, number, words) if number is not None else None


def explain_number(url: URL, number: int, words: str) -> MigrateError | None:
    """The same from an error's number and words, as the server's programs print them."""
    why, server = f"{words} ({number})", _server(url)
    if number == 1049:
        return server.missing(do=f"in the server's client: CREATE DATABASE `{url.database}` CHARACTER SET utf8mb4")
    if number in DENIED:
        return server.denied(why)
    if number in LACKING:
        return lacking(url, why)
    if number in UNREACHABLE:
        return server.unreachable(why)
    if number in LOCKED:
        return server.locked(why, sessions="SHOW FULL PROCESSLIST")
    if number in READ_ONLY:
        return server.read_only("the server", f"{why} (a replica, or read_only is on)")
    if number in BUSY:
        return server.busy(why)
    if number in LOST:
        return server.lost(why)
    if number in FULL or "(28 " in words or "Errcode: 28" in words:
        return server.full(why)
    return None


def number_of(error: BaseException) -> tuple[int | None, str]:
    """The number and the words of a driver's error."""
    first: Any = error.args[0] if error.args else None
    number = getattr(error, "errno", None) if not isinstance(error, OSError) else None
    if isinstance(first, int) and not isinstance(error, OSError):
        number = first
    words = str(error.args[1]) if len(error.args) > 1 else str(error)
    return (number if isinstance(number, int) and number > 0 else None), words


def lacking(url: URL, why: str) -> AccessDenied:
    found = re.search(r"user '([^']*)'@'([^']*)'", why)
    account = f"'{found.group(1)}'@'{found.group(2)}'" if found else f"'{url.username}'"
    right = re.search(r"the (.*) privilege", why)
    return AccessDenied(
        f"{account} lacks a right on `{url.database}` at {address(url)}",
        why=why,
        do=f"as an administrator: GRANT {right.group(1) if right else 'ALL'} ON "
        + ("*.*" if right else f"`{url.database}`.*")
        + f" TO {account}",
        user=url.username,
    )


def unreachable(url: URL, why: str) -> DatabaseUnreachable:
    return _server(url).unreachable(why)


def address(url: URL) -> str:
    """Host and port, or the socket."""
    socket_path = url.query.get("unix_socket")
    return str(socket_path) if socket_path else f"{url.host or 'localhost'}:{url.port or 3306}"


def _server(url: URL) -> Server:
    return Server(url, "MariaDB or MySQL", "the server", address(url))
