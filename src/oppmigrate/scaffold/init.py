"""`init`: a migration environment where there is none, or what is missing of one."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from oppmigrate import config
from oppmigrate.config import Settings
from oppmigrate.installation import check_not_shadowed
from oppmigrate.scaffold import textfile
from oppmigrate.scaffold.address import url_for_ini
from oppmigrate.scaffold.discovery import discover_models, find_file, import_roots, is_in_src, likely_modules
from oppmigrate.scaffold.importing import uses_src
from oppmigrate.scaffold.ini import IniFile
from oppmigrate.scaffold.metadata import LoadedMetadata, load_models
from oppmigrate.scaffold.plans import InitPlan, PlannedFile
from oppmigrate.scaffold.rendering import read_template, render_env, render_ini

DEFAULT_FOLDER = "alembic"


def plan_init(settings: Settings, modules: Sequence[str] | None = None) -> InitPlan:
    """Plan the files of a migration environment; no file that is there is ever touched.

    The models are imported only where an env.py is to be written.

    Args:
        modules: those with the models; found by `discover_models` when None.

    Raises:
        AlembicShadowed, ConfigurationError, ModelsNotFound, ModelsBroken, ModelsEmpty
    """
    check_not_shadowed(settings.project, import_roots(settings.project))
    reason = _foreign(settings)
    if reason:
        return InitPlan(project=settings.project, adopted=True, reason=reason)
    plan = _with_env(settings, InitPlan(project=settings.project), modules)
    plan = _with_ini(settings, plan)
    location = _location(settings)
    plan = _with_file(plan, location / "script.py.mako", read_template("script.py.mako"))
    if not _has_own_version_locations(settings):
        plan = _with_versions(plan, location / "versions")
    return _with_file(plan, settings.project / "oppman.py", read_template("oppman.py.template"))


def is_ours(env_file: Path) -> bool:
    """Was this env.py written by `init`, or at least run the migrations the same way?"""
    return config.is_ours(textfile.read(env_file))


def packages_of(project: Path, modules: Iterable[str]) -> tuple[str, ...]:
    """Those of the project's modules that are packages: their submodules are to be imported, too."""
    found = ((name, find_file(project, name)) for name in modules)
    return tuple(name for name, path in found if path is not None and path.is_dir())


def search_path(folder: Path, project: Path, modules: Iterable[str]) -> tuple[str, ...]:
    """What alembic.ini in `folder` puts on sys.path, relative to itself."""
    relative = Path(os.path.relpath(project, folder)).as_posix()
    here = "%(here)s" if relative == "." else f"%(here)s/{relative}"
    needs_src = uses_src(project) or any(is_in_src(project, name) for name in modules)
    return (here, f"{here}/src") if needs_src else (here,)


def ini_path(location: Path, folder: Path) -> str:
    """A folder as alembic.ini in `folder` names it: relative to itself where it lies below."""
    if location.is_relative_to(folder):
        return f"%(here)s/{location.relative_to(folder).as_posix()}".removesuffix("/.")
    return location.as_posix().replace("%", "%%")


def _foreign(settings: Settings) -> str | None:
    """Why this is an Alembic project of somebody's own making; None when there is none, or one of ours."""
    env_file, shown = settings.env_file, settings.shown
    if env_file and env_file.is_file():
        if is_ours(env_file):
            return None
        source = settings.config_file or settings.toml_file
        return f"{shown(env_file)} is there" + (f", and {shown(source)} configures Alembic" if source else "")
    if settings.toml_file and env_file is None:
        return f"{shown(settings.toml_file)} has [tool.alembic]"
    if settings.config_file is None:
        return None
    ini = IniFile(textfile.read(settings.config_file))
    sections = [name for name in ini.sections if ini.get(name, "script_location")]
    if env_file is None and sections:
        location = ini.get(sections[0], "script_location")
        return f"{shown(settings.config_file)} has script_location = {location} in [{sections[0]}]"
    return None


def _location(settings: Settings) -> Path:
    return settings.script_location or settings.project / DEFAULT_FOLDER


def _with_env(settings: Settings, plan: InitPlan, modules: Sequence[str] | None) -> InitPlan:
    env_file = _location(settings) / "env.py"
    if env_file.is_file():
        return replace(plan, kept=(*plan.kept, env_file))
    found = tuple(discover_models(settings) if modules is None else modules)
    models: tuple[LoadedMetadata, ...] = load_models(settings, found)
    text = render_env(found, models, packages_of(settings.project, found))
    return _with_file(replace(plan, modules=found, models=models), env_file, text)


def _with_ini(settings: Settings, plan: InitPlan) -> InitPlan:
    """alembic.ini, unless pyproject.toml stands in for it."""
    if settings.config_file:
        return replace(plan, kept=(*plan.kept, settings.config_file), notes=(*plan.notes, *_ini_notes(settings)))
    if settings.toml_file:
        return plan
    url, note = url_for_ini(settings)
    text = render_ini(
        script_location=ini_path(_location(settings), settings.project),
        search_path=search_path(settings.project, settings.project, plan.modules or likely_modules(settings)),
        database_url=url,
    )
    plan = replace(plan, database_url=url, notes=(*plan.notes, note) if note else plan.notes)
    return _with_file(plan, settings.project / "alembic.ini", text)


def _ini_notes(settings: Settings) -> tuple[str, ...]:
    assert settings.config_file is not None
    name = settings.shown(settings.config_file)
    notes = []
    if settings.database_url_source == "--database-url":
        notes.append(f"{name} is there and keeps its sqlalchemy.url: change it there, or set DATABASE_URL")
    location = IniFile(textfile.read(settings.config_file)).get(settings.section, "script_location")
    if location is None and settings.toml_file is None:
        notes.append(f"{name} has no script_location, which the stock `alembic` needs: run `oppman migrate setup`")
    return tuple(notes)


def _has_own_version_locations(settings: Settings) -> bool:
    if settings.config_file is None:
        return settings.toml_file is not None
    return IniFile(textfile.read(settings.config_file)).get(settings.section, "version_locations") is not None


def _with_versions(plan: InitPlan, folder: Path) -> InitPlan:
    if folder.is_dir() and any(folder.iterdir()):
        return replace(plan, kept=(*plan.kept, folder))
    # git keeps no empty folder, and Alembic fails without this one; it reads *.py there and nothing else
    return _with_file(plan, folder / ".gitkeep", "")


def _with_file(plan: InitPlan, path: Path, text: str) -> InitPlan:
    if path.exists():
        return replace(plan, kept=(*plan.kept, path))
    return replace(plan, files=(*plan.files, PlannedFile(path=path, old=None, new=text, project=plan.project)))
