"""The database URL as alembic.ini may hold it: relative to the project, and without a password."""

import re
from pathlib import Path

from oppmigrate.config import DEFAULT_DATABASE_URL, Settings
from oppmigrate.errors import ConfigurationError

SECRET_PARAMETER = re.compile(r"pass|secret|token|key$", re.IGNORECASE)
PASSWORD_NOTE = "the password is not written to alembic.ini: set DATABASE_URL to the whole URL"


def url_for_ini(settings: Settings) -> tuple[str, str | None]:
    """What `sqlalchemy.url` is to be, and a note when a password was left out of it.

    Only a URL given on the command line is written: one from the environment belongs to this machine.

    Raises:
        ConfigurationError: the URL cannot be read.
    """
    if settings.database_url_source != "--database-url":
        return DEFAULT_DATABASE_URL, None
    given = settings.database_url.strip()
    bare = _without_password(given)
    return _relative(bare, settings.project), None if bare == given else PASSWORD_NOTE


def _without_password(text: str) -> str:
    """Cut out of the text, not built anew: SQLAlchemy's versions differ in what they quote."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        if not text.isprintable():
            raise ValueError("it has a line break or another control character")
        make_url(text)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "the text given by --database-url is no database URL",
            why="it does not read as dialect+driver://user@host:port/name, on one line",  # it may hold a password
            do="write it as sqlite:///./test.db or postgresql://user@host:5432/name",
        ) from error
    address, mark, query = re.sub(r"(://[^:/]*):[^@]*@", r"\1@", text).partition("?")
    kept = [part for part in query.split("&") if not SECRET_PARAMETER.search(part.partition("=")[0])]
    return address + (mark if kept else "") + "&".join(kept)


def _relative(url: str, project: Path) -> str:
    """A file below the project by its place in it, so that the file can be committed and the project moved."""
    for folder in (project, project.resolve()):
        url = url.replace(f":///{folder.as_posix()}/", ":///./")
    return url
