"""What PostgreSQL's errors mean, by SQLSTATE, and by its words where a driver drops the SQLSTATE: while connecting."""

import re
import socket
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from oppmigrate.databases.base import first_line, original
from oppmigrate.databases.server_errors import Server
from oppmigrate.errors import AccessDenied, DatabaseMissing, DatabaseUnreachable, MigrateError

DENIED = (
    r"authentication failed|no password supplied|no pg_hba\.conf entry|role \".*\" does not exist"
    r"|is not permitted to log in|permission denied for database|does not have CONNECT privilege"
)
UNREACHABLE = (
    r"connection refused|could not translate host name|failed to resolve host|name or service not known"
    r"|getaddrinfo|temporary failure in name resolution|timeout expired|timed out|timeout|no route to host"
    r"|network is unreachable|server closed the connection|connection reset|is the server running"
    r"|does not support ssl|certificate verify failed|ssl error|ssl connection|rejected ssl upgrade"
)
NOT_READY = r"the database system is (starting up|shutting down|in recovery|not yet accepting)"
FULL_UP = r"too many (clients|connections)|remaining connection slots|no more connections allowed"


def explain(url: URL, error: BaseException) -> MigrateError | None:
    """PostgreSQL's error in our words; None for an error of the SQL itself."""
    cause = original(error)
    state = sqlstate(cause)
    if state is not None:
        return _by_state(url, state, first_line(cause))
    several = isinstance(cause, OSError) and "Connect call failed" in str(cause)  # a host with several addresses
    if isinstance(cause, (socket.gaierror, ConnectionError)) or several:
        return unreachable(url, str(cause))
    if isinstance(error, DBAPIError) or type(cause).__module__.partition(".")[0] in ("psycopg", "psycopg2", "asyncpg"):
        return explain_words(url, str(cause))
    return None


def explain_words(url: URL, text: str) -> MigrateError | None:
    """The same from words alone: of a failed connection, or of a program such as pg_dump."""
    line = _telling_line(text)
    if re.search(r"database \".*\" does not exist", text):
        return missing(url)
    if re.search(DENIED, text, re.IGNORECASE):
        return denied(url, line)
    if re.search(f"{NOT_READY}|{FULL_UP}", text):
        return _server(url).busy(line)
    if re.search(UNREACHABLE, text, re.IGNORECASE):
        return unreachable(url, line)
    return None


def is_full(error: BaseException) -> bool:
    """Has the server, the proxy, the database or the role as many connections as it may have?"""
    cause = original(error)
    return sqlstate(cause) == "53300" or re.search(FULL_UP, str(cause)) is not None


def sqlstate(error: BaseException) -> str | None:
    """The five characters of an error's SQLSTATE, from whichever driver."""
    state: Any = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state is None and error.args and isinstance(error.args[0], dict):  # pg8000
        state = error.args[0].get("C")
    return state if isinstance(state, str) else None


def _by_state(url: URL, state: str, line: str) -> MigrateError | None:
    line = re.sub(r"^<class '[\w.]*'>: ", "", line)  # SQLAlchemy's words before asyncpg's
    server = _server(url)
    if state == "3D000":
        return missing(url)
    if state in ("28P01", "28000"):
        return denied(url, line)
    if state == "42501":
        return lacking(url, line)
    if state in ("55P03", "40P01"):
        return server.locked(line, sessions="SELECT pid, state, query FROM pg_stat_activity WHERE state <> 'idle'")
    if state == "25006":
        return server.read_only(server.database, f"{line} (a standby, or default_transaction_read_only)")
    if state == "53100":
        return server.full(line)
    if state in ("53300", "57P03"):
        return server.busy(line)
    if state.startswith("08") or state in ("57P01", "57P02"):
        return server.lost(line)
    return None


def missing(url: URL) -> DatabaseMissing:
    return _server(url).missing(do=f"createdb{_options(url)} {url.database}")


def denied(url: URL, line: str) -> AccessDenied:
    server = _server(url)
    return server.denied(line, into=f"into {server.database}")


def lacking(url: URL, line: str) -> AccessDenied:
    user = url.username or "the user"
    found = re.search(r"permission denied (?:for|to) (.*)", line)
    wanted = found.group(1) if found else "what the statement touches"
    owner = re.search(r"must be owner of (.*)", line)
    if wanted.startswith("create database"):
        do = f'ALTER ROLE "{user}" CREATEDB'
    elif wanted.startswith("schema "):
        do = f'GRANT USAGE, CREATE ON SCHEMA "{wanted.removeprefix("schema ").strip()}" TO "{user}"'
    elif wanted.startswith("database "):
        do = f'GRANT CREATE ON DATABASE "{wanted.removeprefix("database ").strip()}" TO "{user}"'
    elif owner:
        do = f'migrate as the owner, or as the owner give {owner.group(1)} to "{user}" (ALTER … OWNER TO)'
    else:
        do = f'as the owner or a superuser, grant "{user}" the right to {wanted}'
    return AccessDenied(f"`{user}` lacks a right in {_server(url).database}", why=line, do=do, user=url.username)


def unreachable(url: URL, line: str) -> DatabaseUnreachable:
    return _server(url).unreachable(line, program=f"pg_isready{_options(url)}")


def address(url: URL) -> str:
    """Host and port, as a person writes them."""
    host = url.host or url.query.get("host") or "the local socket"
    shown = host if isinstance(host, str) else ", ".join(host)
    return f"{shown}:{url.port or 5432}" if url.host else shown


def _server(url: URL) -> Server:
    return Server(url, "PostgreSQL", "PostgreSQL", address(url))


def _options(url: URL) -> str:
    parts = [f" -h {url.host}" if url.host else "", f" -p {url.port}" if url.port else ""]
    return "".join([*parts, f" -U {url.username}" if url.username else ""])


def _telling_line(text: str) -> str:
    """The line that says it: libpq adds hints after it, and asks several addresses in turn."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL:" in line or "failed:" in line or "error:" in line.lower()]
    return (fatal or lines or [""])[0]
