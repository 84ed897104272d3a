"""The application's settings, from the environment and `.env`: DATABASE_URL, SECRET_KEY, OPPMAN_ENV."""

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from oppmigrate.config import load_settings, read_environment
from oppmigrate.errors import ConfigurationError

ENVIRONMENTS = ("development", "production")
MINIMUM_KEY_LENGTH = 32
MAKE_A_KEY = "python -c 'import secrets; print(secrets.token_urlsafe(48))'"

logger = logging.getLogger("application")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the application runs with."""

    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    is_production: bool = False


def load_configuration(project: Path) -> Configuration:
    """Read the settings; the database is the one that the migrations of the project run on.

    Raises:
        ConfigurationError: OPPMAN_ENV has an unknown value, or a production without a usable SECRET_KEY.
    """
    environment = read_environment(project)
    is_production = _is_production(environment)
    return Configuration(
        database_url=load_settings(project).database_url,
        secret_key=_secret_key(environment, is_production),
        is_production=is_production,
    )


def _is_production(environment: Mapping[str, str]) -> bool:
    name = environment.get("OPPMAN_ENV") or "development"
    if name not in ENVIRONMENTS:
        raise ConfigurationError(
            f"OPPMAN_ENV is {name!r}, and only {' or '.join(ENVIRONMENTS)} is known",
            why="production asks for a SECRET_KEY and keeps the session cookie to https; guessing would be unsafe",
            do="set OPPMAN_ENV=production on a server, and leave it away on your own machine",
        )
    return name == "production"


def _secret_key(environment: Mapping[str, str], is_production: bool) -> str:
    key = environment.get("SECRET_KEY", "")
    if not is_production:
        return key or _passing_key()
    if len(key) < MINIMUM_KEY_LENGTH:
        raise ConfigurationError(
            f"SECRET_KEY is {'too short' if key else 'not set'}, and OPPMAN_ENV is production",
            why=f"it signs the session cookies: {MINIMUM_KEY_LENGTH} characters or more, that nobody can guess",
            do=f"set SECRET_KEY to what this prints, and keep it: {MAKE_A_KEY}",
        )
    return key


def _passing_key() -> str:
    logger.warning(
        "SECRET_KEY is not set: a random one serves until this process ends, and everybody has to log in again then. "
        "To keep sessions, set SECRET_KEY to what this prints: %s",
        MAKE_A_KEY,
    )
    return secrets.token_urlsafe(48)
