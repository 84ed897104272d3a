"""Settings: flags > environment (and `.env`) > `[tool.oppman]` in pyproject.toml > alembic.ini > defaults.

Nothing here imports SQLAlchemy or Alembic, so that reading the settings costs next to nothing.
"""

import os
import re
from collections.abc import Mapping, Sequence
from configparser import ConfigParser, InterpolationMissingOptionError, InterpolationSyntaxError
from configparser import Error as IniError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oppmigrate.config.policy import Policy, read_policy
from oppmigrate.errors import ConfigurationError, NoProject
from oppmigrate.landmarks import PROJECT_MARKERS

DEFAULT_DATABASE_URL = "sqlite:///./test.db"
# where an environment lies when no configuration file says so: Alembic's own default, then Flask-Migrate's
USUAL_SCRIPT_LOCATIONS = ("alembic", "migrations")
PLACEHOLDER_URL = "driver://user:pass@localhost/dbname"
MODEL_FILES = ("models.py", "models/__init__.py", "app/models.py", "app/models/__init__.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one run of a command works with; every path is absolute.

    `database_url` is for the engine's own connections; an adopted `env.py` decides the address by itself unless
    `database_url_source` is `--database-url`.
    """

    project: Path
    config_file: Path | None = None
    toml_file: Path | None = None
    section: str = "alembic"
    script_location: Path | None = None
    database_url: str = DEFAULT_DATABASE_URL
    database_url_source: str = "default"
    models: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    backup_directory: Path = Path("backups")
    x_arguments: tuple[str, ...] = ()
    policy: Policy = field(default_factory=Policy)

    @property
    def env_file(self) -> Path | None:
        """The project's `env.py`, when the configuration says where it lies."""
        return self.script_location / "env.py" if self.script_location else None

    @property
    def is_initialised(self) -> bool:
        """Does the project have a migration environment?"""
        if self.env_file is not None:
            return self.env_file.is_file()
        return self.config_file is not None or self.toml_file is not None

    def shown(self, path: Path) -> str:
        """A path as a person reads it: relative to the project where it lies inside."""
        return str(path.relative_to(self.project)) if path.is_relative_to(self.project) else str(path)


def find_project(start: Path) -> Path:
    """The nearest folder, from `start` upwards, that holds a project.

    Raises:
        NoProject: no folder up to the root holds one.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        if any((folder / marker).is_file() for marker in PROJECT_MARKERS) or _read_toml(folder, quiet=True):
            return folder
    if has_models(start):
        return start
    raise NoProject(
        f"no project in {start}, nor in a folder above it",
        why="there is no alembic.ini, no oppman.py and no [tool.oppman] in a pyproject.toml",
        do="go to your project's folder, or name it: oppman --project DIR …; to start one: oppman migrate init",
    )


def has_models(folder: Path) -> bool:
    """Are there models in one of the usual places?"""
    return any((folder / name).is_file() for name in MODEL_FILES)


def load_settings(
    project: Path,
    *,
    database_url: str | None = None,
    config_file: Path | None = None,
    section: str | None = None,
    models: Sequence[str] = (),
    x_arguments: Sequence[str] = (),
) -> Settings:
    """Read every source of settings of a project, in their order of precedence.

    Raises:
        ConfigurationError: a file cannot be read, or a value has the wrong type.
    """
    project = project.absolute()
    if not project.is_dir():
        raise ConfigurationError(
            f"the project folder {project} does not exist", do="name an existing folder with --project DIR"
        )
    environment = read_environment(project)
    tool = _read_toml(project)
    own: Mapping[str, Any] = tool.get("oppman", {})
    section = section or environment.get("OPPMAN_SECTION") or _text(own, "section") or "alembic"
    ini_file = _ini_file(project, config_file, environment, own)
    ini = _read_ini(ini_file, section) if ini_file else {}
    toml_alembic = tool.get("alembic") if ini_file is None or "script_location" not in ini else None
    location = ini.get("script_location") or _script_location_of(toml_alembic, project) or _text(own, "script_location")
    url, source = _database_url(database_url, environment, own, ini)
    return Settings(
        project=project,
        config_file=ini_file,
        toml_file=project / "pyproject.toml" if toml_alembic else None,
        section=section,
        script_location=_script_location(location, project, ini_file),
        database_url=absolute_url(url, project),
        database_url_source=source,
        models=tuple(models) or _names(environment.get("OPPMAN_MODELS")) or _names(own.get("models")),
        commands=_names(own.get("commands")),
        backup_directory=project
        / (environment.get("OPPMAN_BACKUP_DIRECTORY") or _text(own, "backup_directory") or "backups"),
        x_arguments=tuple(x_arguments),
        policy=read_policy(environment, own),
    )


def read_environment(project: Path) -> Mapping[str, str]:
    """The process's environment over the project's `.env`, which is read but never exported."""
    dotenv_file = project / ".env"
    if not dotenv_file.is_file():
        return os.environ
    from dotenv import dotenv_values

    try:
        _check_dotenv(dotenv_file)
        found = {name: value for name, value in dotenv_values(dotenv_file).items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(dotenv_file, error) from error
    return {**found, **os.environ}


def _check_dotenv(path: Path) -> None:
    """A line that dotenv cannot read is left out by it: without its DATABASE_URL, another database would be taken."""
    from dotenv.parser import parse_stream

    with path.open(encoding="utf-8") as stream:
        for binding in parse_stream(stream):
            ours = re.search(r"\b(DATABASE_URL|OPPMAN_\w+)\b", binding.original.string)
            if binding.error and ours and not binding.original.string.lstrip().startswith("#"):
                raise ConfigurationError(
                    f"line {binding.original.line} of {path}, with {ours[1]}, cannot be read",
                    why="it is not NAME=value, or a quote that is opened in it is not closed",
                    do="mend that line",
                )


def absolute_url(url: str, project: Path) -> str:
    """A SQLite URL with its path made absolute against the project; any other URL as it is."""
    match = re.fullmatch(r"(sqlite(?:\+\w+)?:///)([^?]*)(\?.*)?", url)
    if match is None:
        return url
    prefix, path, query = match[1], match[2], match[3] or ""
    scheme = "file:" if path.startswith("file:") else ""  # SQLite's own form of an address, in which % escapes
    path = path.removeprefix(scheme)
    if path in ("", ":memory:") or "mode=memory" in query or re.match(r"/|[A-Za-z]:[/\\]", path):
        return url
    if scheme:
        from urllib.parse import quote

        return f"{prefix}{scheme}{quote(project.as_posix())}/{path}{query}"
    return f"{prefix}{(project / path).resolve().as_posix()}{query}"


def hide_password(url: str) -> str:
    """A database URL, or a line with one in it, fit to be shown: `***` where the password stands.

    What is no proper URL is hidden generously: too much rather than too little.
    """
    url = re.sub(r"([?&][^=&]*(?:pass|pwd|secret|token|odbc_connect)[^=&]*=)[^&\s]*", r"\1***", url, flags=re.I)
    if re.match(r"sqlite(\+\w+)?:///", url):
        return url  # a path, in which : and @ stand for themselves
    if "://" in url:
        return re.sub(r"(://[^:]*):.*@", r"\1:***@", url, flags=re.DOTALL)
    return re.sub(r"^([^:\s]*):\S*@", r"\1:***@", url)


def _database_url(
    flag: str | None, environment: Mapping[str, str], own: Mapping[str, Any], ini: Mapping[str, str]
) -> tuple[str, str]:
    from_ini = ini.get("sqlalchemy.url", "").strip()
    if from_ini == PLACEHOLDER_URL:
        from_ini = ""
    sources = (
        (flag, "--database-url"),
        (environment.get("DATABASE_URL"), "environment"),
        (_text(own, "database_url"), "pyproject.toml"),
        (from_ini, "alembic.ini"),
    )
    return next(((url, source) for url, source in sources if url), (DEFAULT_DATABASE_URL, "default"))


def _ini_file(project: Path, given: Path | None, environment: Mapping[str, str], own: Mapping[str, Any]) -> Path | None:
    named = given or environment.get("OPPMAN_CONFIG") or _text(own, "config")
    if named:
        path = (project / named).absolute()
        if not path.is_file():
            raise ConfigurationError(
                f"the configuration file {path} does not exist", do="name another with --config FILE"
            )
        return path
    usual = (project / "alembic.ini", project / "migrations" / "alembic.ini")
    return next((path for path in usual if path.is_file()), None)


def _read_ini(path: Path, section: str) -> dict[str, str]:
    parser = ConfigParser({"here": path.parent.absolute().as_posix()})
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"), source=str(path))
        if not parser.has_section(section):
            return {}
        wanted = ("script_location", "sqlalchemy.url")
        return {name: _ini_value(parser, section, name) for name in wanted if parser.has_option(section, name)}
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    except InterpolationSyntaxError as error:  # its text holds a part of the value, which may be a password's
        if "%" in str(path.parent):
            why, do = "its folder has a `%` in its name, which Alembic cannot work with", "give the folder another name"
        else:
            why, do = (
                f"a `%` stands alone in `{error.option}`",
                "write `%%` there: one `%` has a meaning in an ini file",
            )
        raise ConfigurationError(f"{path} cannot be read", why=why, do=do) from error
    except IniError as error:
        why = hide_password(" ".join(str(error).split()))
        raise ConfigurationError(f"{path} cannot be read", why=why, do="mend that line") from error


def _ini_value(parser: ConfigParser, section: str, name: str) -> str:
    try:
        return parser.get(section, name)
    except InterpolationMissingOptionError:
        return parser.get(section, name, raw=True)  # `%(DB_HOST)s`: an env.py may fill it in


def _read_toml(project: Path, *, quiet: bool = False) -> Mapping[str, Any]:
    """`[tool.oppman]` and `[tool.alembic]` of the project's pyproject.toml; empty where neither stands."""
    path = project / "pyproject.toml"
    if not path.is_file():
        return {}
    import tomllib

    try:
        tool = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("tool")
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        if quiet:
            return {}
        if isinstance(error, tomllib.TOMLDecodeError):
            raise ConfigurationError(f"{path} cannot be read", why=str(error), do="mend that line") from error
        raise _unreadable(path, error) from error
    tables = tool if isinstance(tool, dict) else {}
    return {name: tables[name] for name in ("oppman", "alembic") if isinstance(tables.get(name), dict)}


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> ConfigurationError:
    if isinstance(error, OSError):
        return ConfigurationError(f"{path} cannot be read", why=str(error.strerror), do="look at the file's rights")
    return ConfigurationError(f"{path} is not UTF-8", why=str(error), do="save the file as UTF-8")


def _script_location_of(toml_alembic: Mapping[str, Any] | None, project: Path) -> str | None:
    location = (toml_alembic or {}).get("script_location")
    return location.replace("%(here)s", project.as_posix()) if isinstance(location, str) else None


def _script_location(location: str | None, project: Path, ini_file: Path | None) -> Path | None:
    """Where `env.py` lies; None when only Alembic can tell (a `package:folder` location)."""
    if location is not None:
        is_package = ":" in location and not Path(location).is_absolute()  # as Alembic tells them apart
        return None if is_package else (project / location).absolute()
    if ini_file is not None and (ini_file.parent / "env.py").is_file():
        return ini_file.parent  # Flask-Migrate's alembic.ini names no location: it lies in it
    usual = (project / name for name in USUAL_SCRIPT_LOCATIONS)
    return next((folder for folder in usual if (folder / "env.py").is_file()), None)


def _names(value: object) -> tuple[str, ...]:
    """A list of module names, from TOML's list or from a string parted by commas or spaces."""
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise ConfigurationError(
        f"pyproject.toml: [tool.oppman] holds {value!r} where module names belong",
        do='write a list: models = ["models"]',
    )


def _text(own: Mapping[str, Any], name: str) -> str | None:
    value = own.get(name)
    if value is None or isinstance(value, str):
        return value
    raise ConfigurationError(f"pyproject.toml: [tool.oppman] {name} is {value!r}, not a text", do=f'write {name} = "…"')
