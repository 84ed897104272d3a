"""`setup`: what an existing project's files lack of what `init` would write, line by line and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from oppmigrate.config import Settings
from oppmigrate.errors import NotInitialised
from oppmigrate.installation import check_not_shadowed
from oppmigrate.scaffold import textfile
from oppmigrate.scaffold.discovery import discover_models, import_roots, likely_modules
from oppmigrate.scaffold.env_file import EnvFile, read_env_file, wire
from oppmigrate.scaffold.init import is_ours, packages_of
from oppmigrate.scaffold.metadata import LoadedMetadata, load_models
from oppmigrate.scaffold.plans import PlannedFile, SetupPlan
from oppmigrate.scaffold.rendering import (
    read_template,
    render_env,
    render_env_around,
    render_imports,
    render_plain_target,
)
from oppmigrate.scaffold.setup_ini import edit_ini

SQLMODEL_IMPORT = "import sqlmodel  # noqa: F401"
FLASK_NOTE = "it takes its database and its models from the Flask application; there is nothing to set up"


@dataclass(frozen=True, slots=True)
class _NewEnv:
    """env.py as it is to be. `takes_url`: the database is the one that alembic.ini names, as in Alembic's templates."""

    text: str
    takes_url: bool
    modules: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def plan_setup(settings: Settings) -> SetupPlan:
    """Plan the changes; a file that needs none is not in the plan. What is the user's own work is left to notes.

    The models are imported only where env.py does not name them yet.

    Raises:
        NotInitialised: there is no env.py to set up.
        AlembicShadowed, EnvironmentFailed, ConfigurationError, ModelsNotFound, ModelsBroken, ModelsEmpty
    """
    check_not_shadowed(settings.project, import_roots(settings.project))
    env_file = settings.env_file
    if env_file is None or not env_file.is_file():
        raise _not_initialised(settings)
    old = textfile.read(env_file)
    plan = SetupPlan(project=settings.project)
    if "current_app" in old:
        return replace(
            plan, unchanged=(env_file,), notes=(f"{settings.shown(env_file)} is Flask-Migrate's: {FLASK_NOTE}",)
        )
    new = _new_env(settings, env_file, old)
    plan = _with_change(replace(plan, notes=new.notes), env_file, old, new.text)
    plan = _with_ini(settings, plan, new)
    return _with_revision_template(settings, plan, env_file.parent / "script.py.mako")


def _not_initialised(settings: Settings) -> NotInitialised:
    where = settings.shown(settings.env_file) if settings.env_file else f"env.py in {settings.project}"
    return NotInitialised(
        f"there is no {where} to set up",
        why="`setup` changes an environment that is there; `init` writes one, or what is missing of it",
        do="python oppman.py migrate init",
    )


# ---- env.py


def _new_env(settings: Settings, env_file: Path, old: str) -> _NewEnv:
    name = settings.shown(env_file)
    env = read_env_file(old, name, env_file)
    if is_ours(env_file):
        return _NewEnv(old, True, notes=_missing_imports(settings, name, old))
    if env.is_stock and env.has_no_models:
        modules, models, packages = _find_models(settings)
        text = render_env(modules, models, packages, env.own_comments)
        return _NewEnv(textfile.in_style_of(old, text), True, modules)
    if env.is_stock and env.target is not None and env.target_stands_alone:
        return _NewEnv(textfile.in_style_of(old, _around(env)), True)
    if env.has_no_models:
        modules, models, packages = _find_models(settings)
        imports = render_imports(modules, models, packages)
        notes = (_own_work(name), f"{name}: its target_metadata = None is replaced by your models")
        return _NewEnv(wire(env, imports, render_plain_target(models)), False, modules, notes)
    return _NewEnv(old, False, notes=(_own_work(name), *_target_notes(env, name)))


def _find_models(settings: Settings) -> tuple[tuple[str, ...], tuple[LoadedMetadata, ...], tuple[str, ...]]:
    modules = discover_models(settings)
    return modules, load_models(settings, modules), packages_of(settings.project, modules)


def _around(env: EnvFile) -> str:
    """Ours, around the user's own models."""
    head = ["from alembic import context", "from oppmigrate.environment import run_migrations"]
    imports = "\n".join([*head, "", *env.own_imports]).rstrip("\n")
    return render_env_around(imports, "\n".join([*env.own_comments, env.target_source]))


def _own_work(name: str) -> str:
    return (
        f"{name} is written by hand and works as it is; to have DATABASE_URL, every driver and SQLite's table rebuilds "
        "done for you, end it with run_migrations(context, target_metadata) from oppmigrate.environment"
    )


def _target_notes(env: EnvFile, name: str) -> tuple[str, ...]:
    if env.target is None:
        return ()
    if env.has_empty_dict:
        return (f'{name} names no models: give each database its own, target_metadata = {{"engine1": Base.metadata}}',)
    return ()


def _missing_imports(settings: Settings, name: str, text: str) -> tuple[str, ...]:
    found = [module for module in likely_modules(settings) if module not in text]
    return tuple(f"{name} does not import {module}, which looks like models" for module in found)


# ---- alembic.ini and script.py.mako


def _with_ini(settings: Settings, plan: SetupPlan, new: _NewEnv) -> SetupPlan:
    if settings.config_file is None:
        return plan
    old = textfile.read(settings.config_file)
    modules: Sequence[str] = new.modules or likely_modules(settings)
    text, notes = edit_ini(old, settings, modules, takes_url=new.takes_url)
    return _with_change(replace(plan, notes=(*plan.notes, *notes)), settings.config_file, old, text)


def _with_revision_template(settings: Settings, plan: SetupPlan, path: Path) -> SetupPlan:
    if not path.is_file():
        file = PlannedFile(path=path, old=None, new=read_template("script.py.mako"), project=plan.project)
        return replace(plan, files=(*plan.files, file))
    old = textfile.read(path)
    new = _with_sqlmodel(old)
    if new is None:
        note = f"{settings.shown(path)} imports neither alembic nor sqlalchemy: add the line `{SQLMODEL_IMPORT}`"
        return replace(plan, notes=(*plan.notes, note), unchanged=(*plan.unchanged, path))
    return _with_change(plan, path, old, new)


def _with_sqlmodel(text: str) -> str | None:
    """The template with `import sqlmodel`; None when there is no line to put it behind."""
    lines = textfile.split_lines(text)
    if any(line.split()[:2] in (["import", "sqlmodel"], ["from", "sqlmodel"]) for line in lines):
        return text
    starts = ("import sqlalchemy", "from alembic", "import alembic", "from sqlalchemy")
    places = [number for start in starts for number, line in enumerate(lines) if line.startswith(start)]
    if not places:
        return None
    newline = textfile.newline_of(text)
    lines.insert(places[0] + 1, SQLMODEL_IMPORT + newline)
    return "".join(lines)


def _with_change(plan: SetupPlan, path: Path, old: str, new: str) -> SetupPlan:
    if new == old:
        return replace(plan, unchanged=(*plan.unchanged, path))
    return replace(plan, files=(*plan.files, PlannedFile(path=path, old=old, new=new, project=plan.project)))
