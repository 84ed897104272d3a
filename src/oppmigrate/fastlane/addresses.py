"""The plain addresses of servers, understood as SQLAlchemy does."""

from __future__ import annotations

import re
from urllib.parse import unquote

from oppmigrate.fastlane.recorded import Uncertain

# No query, no IPv6, no character that two programs may read in two ways; in a password, what stands for itself or is
# escaped. An empty user, password or host is left to the driver.
PLAIN = re.compile(
    r"(?P<backend>[a-z]+)(?:\+(?P<driver>\w+))?://"
    r"(?:(?P<user>[\w.-]+)(?::(?P<password>(?:[\w.!*~$&()=,;^|{}<>-]|%[0-9A-Fa-f]{2})+))?@)?"
    r"(?P<host>[\w.-]+)?(?::(?P<port>\d{1,5}))?/(?P<database>[\w.-]+)",
    re.ASCII,
)


class Address:
    """A server's database.

    Attributes:
        driver: the one that the address names; empty where it names none.
    """

    def __init__(self, match: re.Match[str]) -> None:
        self.backend: str = match["backend"]
        self.driver: str = match["driver"] or ""
        self.user: str | None = match["user"]
        self.password: str | None = match["password"] and unquote(match["password"])
        self.host: str | None = match["host"]
        self.port: int | None = int(match["port"]) if match["port"] else None
        self.database: str = match["database"]


def parse_address(url: str) -> Address:
    """Take an address apart. Raises Uncertain where it says more than where the database is, and who asks."""
    match = PLAIN.fullmatch(url)
    if match is None:
        raise Uncertain("an address with more in it")
    return Address(match)


def is_installed(*modules: str) -> bool:
    """Can all of the modules be imported?"""
    from importlib.util import find_spec

    return all(find_spec(module) is not None for module in modules)
