"""What is to be known of a project, read anew by the readers that the full command has; none imports SQLAlchemy."""

from __future__ import annotations

import marshal
import os
from configparser import ConfigParser
from configparser import Error as IniError
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oppmigrate.config import find_project, hide_password, is_ours, load_settings, sets_version_table
from oppmigrate.errors import MigrateError
from oppmigrate.fastlane.knowledge import Files, Settings, settle
from oppmigrate.fastlane.recorded import Uncertain
from oppmigrate.index import list_folder, now_ns, packed, watch
from oppmigrate.installation import check_installation
from oppmigrate.lines import dated, marks_of
from oppmigrate.revisions import Graph, load_graph

if TYPE_CHECKING:
    from oppmigrate.fastlane.knowledge import Row

# where Alembic's own options say that revision files lie elsewhere, or are other files
ELSEWHERE = ("version_locations", "version_path_separator", "recursive_version_locations", "sourceless")
READ_BY_ALEMBIC = (
    "script_location",
    "prepend_sys_path",
    "path_separator",
    "file_template",
    "timezone",
    "output_encoding",
    "sqlalchemy.url",
)
SEPARATORS = ("os", "space", "newline", ":", ";")
INTERPOLATES = b"${"  # a `.env` that takes values from the environment


def project_around(folder: str) -> str:
    """The project that the folder lies in. Raises Uncertain where there is none."""
    try:
        return str(find_project(Path(folder)))
    except MigrateError as error:
        raise Uncertain(error.what) from error


def learn_settings(project: str, looked_at: str, database_url: str | None, key: tuple[Any, ...]) -> Settings:
    """The settings of a project; `keep` among the values says whether they may be kept in a file.

    Args:
        database_url: `--database-url`.
        key: see `key_of`.

    Raises:
        Uncertain: they cannot be read, or Alembic might understand them otherwise.
    """
    begun_ns = now_ns()
    try:
        check_installation(Path(looked_at))
        found = load_settings(Path(project), database_url=database_url)
    except MigrateError as error:
        raise Uncertain(error.what) from error
    if found.config_file is None or found.toml_file is not None or found.env_file is None:
        raise Uncertain("Alembic's settings do not lie in an ini file")
    _check_ini(found.config_file, found.section)
    try:
        source = found.env_file.read_text(encoding="utf-8", errors="replace")
        files = _read_files(Path(project), Path(looked_at), found.config_file, found.env_file)
        watched = [watch(path, begun_ns) for path in files]
        dotenv = (Path(project) / ".env").read_bytes() if (Path(project) / ".env").is_file() else b""
    except OSError as error:
        raise Uncertain(str(error)) from error
    if not is_ours(source) or sets_version_table(source):
        raise Uncertain("env.py decides by itself")
    has_secret = key[2] is False and hide_password(found.database_url) != found.database_url
    return Settings(
        {
            "key": key,
            "watched": watched,
            "folder": str(found.env_file.parent / "versions"),
            "url": None if key[2] else found.database_url,
            "journal": found.policy.journal_table,
            "keep": not has_secret and INTERPOLATES not in dotenv,
        }
    )


def learn_files(project: str, folder: str) -> tuple[Files, tuple[Row, ...]]:
    """What the revision files come to, and each of them in the order of the files.

    Raises:
        Uncertain: they make no graph, or one that the files do not tell by themselves.
        OSError, Oddity: see `list_folder`.
    """
    begun_ns = now_ns()
    listing = list_folder(folder)
    try:
        graph = load_graph([Path(folder)], project=Path(project))
    except MigrateError as error:
        raise Uncertain(error.what) from error
    files = list(graph.revisions.values())
    if not files or any(file.is_computed for file in files):
        raise Uncertain("no files, or files that compute their ids")
    unsettled = settle(listing, [(file.path.name, bytes.fromhex(file.digest)) for file in files], begun_ns)
    heads, is_line = frozenset(graph.heads), _is_line(graph)
    values = {
        "folder": folder,
        "listing": packed(listing),
        "unsettled": unsettled,
        "heads": graph.heads,
        "tips": graph.effective_heads,
        "is_line": is_line,
        "digests": marshal.dumps({file.revision: file.digest for file in files}),
        "messages": {head: graph.revisions[head].message for head in graph.heads},
        "token": os.urandom(8),
    }
    rows = tuple(
        (
            file.revision,
            file.message,
            dated(file.created),
            marks_of(file.revision in heads, len(file.down_revisions), file.branch_labels),
            (*file.down_revisions, *graph.dependencies(file.revision)),
        )
        for file in files
    )
    return Files(values), rows


def _is_line(graph: Graph) -> bool:
    """Is there but one order? Where there are several, Alembic chooses."""
    files = graph.revisions.values()
    return len(graph.heads) == 1 and all(len(file.down_revisions) < 2 and not file.depends_on for file in files)


def _read_files(project: Path, looked_at: Path, config_file: Path, env_file: Path) -> list[str]:
    """The files that `load_settings` and `check_installation` read, or find missing."""
    usual = (project / "alembic.ini", project / "migrations" / "alembic.ini")
    shadows = (looked_at / "alembic.py", looked_at / "alembic" / "__init__.py")
    files = (project / ".env", project / "pyproject.toml", *usual, config_file, env_file, *shadows, _alembic())
    return list(dict.fromkeys(map(str, files)))


def _alembic() -> Path:
    """The folder that says which Alembic is installed, and goes with it. Raises Uncertain."""
    found = metadata.distribution("alembic")
    folder = Path(str(found.locate_file(f"alembic-{found.version}.dist-info")))
    if not folder.is_dir():
        raise Uncertain("Alembic is installed in an unusual way")
    return folder


def _check_ini(path: Path, section: str) -> None:
    """Raise Uncertain where Alembic would stumble over the file, or find the revisions elsewhere."""
    parser = ConfigParser({"here": path.parent.absolute().as_posix()})
    try:
        # Alembic reads it in the encoding of the locale
        parser.read_string(path.read_text(encoding="ascii"))
        values = {name: parser.get(section, name) for name in READ_BY_ALEMBIC if parser.has_option(section, name)}
        is_elsewhere = any(parser.has_option(section, name) for name in ELSEWHERE)
        length = parser.get(section, "truncate_slug_length", fallback="40")
        if parser.has_section("post_write_hooks"):
            parser.items("post_write_hooks")
    except (OSError, UnicodeDecodeError, IniError) as error:
        raise Uncertain(str(error)) from error
    separator = values.get("path_separator")
    if is_elsewhere or not values.get("script_location") or not (length.isascii() and length.isdecimal()):
        raise Uncertain("the revisions may lie elsewhere")
    if separator not in SEPARATORS and (separator is not None or "prepend_sys_path" in values):
        raise Uncertain("Alembic has something to say of the separator")
