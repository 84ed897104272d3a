"""Where a project and its database stand, without SQLAlchemy and Alembic, which take longer to import than to ask.

It is certain or it says nothing, and the full path is taken: for an `env.py` that decides the address or the tables by
itself, for settings that are more than usual, for any server but SQLite, for whatever is half done, edited, missing or
locked. Nothing here changes a file or a database.
"""

import hashlib
import re
import sqlite3
from collections.abc import Collection, Mapping
from configparser import Error as IniError
from configparser import RawConfigParser
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from oppmigrate.config import Settings
from oppmigrate.errors import MigrateError
from oppmigrate.revisions import Graph, load_graph

# options of Alembic's section that neither name other folders, nor can be wrong in a way that matters
PLAIN_OPTIONS = frozenset({"here", "script_location", "prepend_sys_path", "path_separator", "sqlalchemy.url"})
# a path in which no character has a meaning to SQLAlchemy, or to SQLite in an address
PLAIN_URL = re.compile(r"sqlite:///(/[\w./ -]+)")
VERSIONS = "SELECT version_num FROM alembic_version"
TABLES = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
WAIT_S = 0.2  # where others write, the full path waits


@dataclass(frozen=True, slots=True)
class Named:
    """A database by its address, which has no password in it."""

    safe_url: str


@dataclass(frozen=True, slots=True)
class Glance:
    """What `planner.State` holds of a project whose database is there, at revisions that files define."""

    graph: Graph
    database: Named
    heads: tuple[str, ...]
    is_edited: bool  # may a file mean something else than what was applied?
    exists: bool = True
    half_done: None = None
    databases: tuple[Named, ...] = ()
    stored: tuple[str, ...] = ()

    @property
    def has_nothing_to_do(self) -> bool:
        """Is all applied that files define, as it stands in them?"""
        return not self.graph.pending(self.heads) and not self.is_edited


def glance(settings: Settings) -> Glance | None:
    """Where things stand; None where only the full path can tell, or would refuse."""
    folder = _plain_folder(settings)
    path = PLAIN_URL.fullmatch(settings.database_url)
    if folder is None or path is None or not Path(path[1]).is_file():
        return None
    try:
        graph = load_graph([folder / "versions"])
        with closing(_connect(path[1])) as connection:
            heads, digests = _read(connection, settings.policy.journal_table)
    except (MigrateError, sqlite3.Error, _Unusual):
        return None
    if graph.missing(heads) or any(head in graph.applied(set(heads) - {head}) for head in heads):
        return None
    return Glance(graph, Named(settings.database_url), heads, _is_edited(graph, heads, digests))


class _Unusual(Exception):
    """Something that the full path has to look at."""


# ---- the files


def _plain_folder(settings: Settings) -> Path | None:
    """Where the revisions lie, for a project whose `env.py` takes the connection and the tables that it is given."""
    folder, ini_file = settings.script_location, settings.config_file
    if folder is None or ini_file is None or settings.toml_file is not None or not _is_plain(ini_file, settings):
        return None
    try:
        source = (folder / "env.py").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    is_ours = "oppmigrate.environment" in source
    is_usual = "version_table" not in source and "version_locations" not in source
    return folder if is_ours and is_usual else None


def _is_plain(ini_file: Path, settings: Settings) -> bool:
    parser = RawConfigParser()
    try:
        parser.read_string(ini_file.read_text(encoding="utf-8-sig"))
        if not parser.has_section(settings.section):
            return False
        names = set(parser.options(settings.section))
    except (OSError, UnicodeDecodeError, IniError):
        return False
    return names <= PLAIN_OPTIONS and "script_location" in names


def _is_edited(graph: Graph, heads: Collection[str], digests: Mapping[str, str | None]) -> bool:
    """Compared byte by byte: what a formatter changed, the full path knows to be no edit."""
    applied = graph.applied(heads)
    return any(
        digest != hashlib.sha256(graph.revisions[revision].source).hexdigest()
        for revision, digest in digests.items()
        if revision in applied
    )


# ---- the database


def _connect(path: str) -> sqlite3.Connection:
    """Only to read: a missing file is not made, and a journal that a crash has left is not rolled back here."""
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=WAIT_S, isolation_level=None)


def _read(connection: sqlite3.Connection, journal: str) -> tuple[tuple[str, ...], Mapping[str, str | None]]:
    """The recorded heads; and for each revision that the journal tells to be applied, the digest of its file."""
    connection.execute("BEGIN")
    tables = {name.lower() for (name,) in connection.execute(TABLES)}
    if "alembic_version" not in tables:
        raise _Unusual
    heads = tuple(sorted(str(row[0]) for row in connection.execute(VERSIONS)))
    if journal.lower() not in tables:
        return heads, {}
    newest: dict[str, tuple[str, str | None]] = {}
    table = '"' + journal.replace('"', '""') + '"'
    columns = "revision, direction, outcome, progress IS NOT NULL, body_digest"
    for revision, direction, outcome, has_progress, digest in connection.execute(
        f"SELECT {columns} FROM {table} ORDER BY id DESC"
    ):
        if outcome in ("running", "failed") and has_progress:
            raise _Unusual
        if outcome == "done":
            newest.setdefault(revision, (direction, digest))
    return heads, {revision: digest for revision, (direction, digest) in newest.items() if direction == "upgrade"}
