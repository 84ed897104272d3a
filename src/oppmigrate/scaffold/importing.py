"""Importing the project's modules: from its own folders, quietly, and without a trace when it goes wrong."""

import contextlib
import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from oppmigrate.blame import MEND, models_broken, one_line, own_line
from oppmigrate.errors import ModelsBroken, ModelsNotFound
from oppmigrate.scaffold.discovery import find_file, import_roots


def import_models(project: Path, names: Sequence[str]) -> dict[str, ModuleType]:
    """Import the modules, and of packages all their modules, by name and in order.

    What they print goes to stderr. When it fails, the project's modules imported so far are forgotten, with their
    tables in `SQLModel.metadata`, so that a second attempt starts afresh.

    Raises:
        ModelsNotFound: a named module does not exist.
        ModelsBroken: a module cannot be imported; the message has the project's own line.
    """
    for name in names:
        _check_not_another(project, name)
    imported: dict[str, ModuleType] = {}
    with _all_or_nothing(project), _at_home(project):
        for name in names:
            try:
                imported |= _import(name)
            except (Exception, SystemExit) as error:
                raise _explain(error, project, name) from error
    return imported


def uses_src(project: Path) -> bool:
    """Is a module loaded that was found by way of `src` on sys.path?"""
    source = project / "src"
    loaded = ((name, module) for name, module in list(sys.modules.items()) if not name.startswith("src."))
    return any(_is_below(module, source) for name, module in loaded if name != "src")


def _import(name: str) -> dict[str, ModuleType]:
    module = importlib.import_module(name)
    found = {name: module}
    if hasattr(module, "__path__"):
        inside = pkgutil.walk_packages(module.__path__, f"{name}.", onerror=_raise_again)
        found |= {info.name: importlib.import_module(info.name) for info in inside}
    return found


def _raise_again(_name: str) -> None:
    """For walk_packages, which would pass over a package that cannot be imported."""
    raise


@contextlib.contextmanager
def _at_home(project: Path) -> Iterator[None]:
    """In the project's folder, its modules found before all others, stdout kept free for our own output."""
    added = [str(root) for root in import_roots(project)]
    sys.path[:0] = added
    importlib.invalidate_caches()  # a file that was written a moment ago is seen, too
    try:
        with contextlib.chdir(project), contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        for entry in added:
            with contextlib.suppress(ValueError):
                sys.path.remove(entry)


@contextlib.contextmanager
def _all_or_nothing(project: Path) -> Iterator[None]:
    modules, tables = set(sys.modules), set(_sqlmodel_tables())
    try:
        yield
    except BaseException:
        # all are looked at before one goes: a package without __init__.py asks its parent where it lies
        own = [name for name in set(sys.modules) - modules if _is_below(sys.modules[name], project)]
        for name in own:
            del sys.modules[name]
        _forget_tables(set(_sqlmodel_tables()) - tables)
        raise


def _sqlmodel_tables() -> Iterable[str]:
    sqlmodel = sys.modules.get("sqlmodel")
    return tuple(sqlmodel.SQLModel.metadata.tables) if sqlmodel else ()


def _forget_tables(names: Iterable[str]) -> None:
    for name in names:
        metadata = sys.modules["sqlmodel"].SQLModel.metadata
        metadata.remove(metadata.tables[name])


def _is_below(module: ModuleType, folder: Path) -> bool:
    known = getattr(module, "__dict__", {})  # without asking the module, which may be one that loads when asked
    file = known.get("__file__")
    paths = [Path(place) for place in ([file] if file else known.get("__path__", ()))]
    return any(path.is_relative_to(folder) and "site-packages" not in path.parts for path in paths)


def _check_not_another(project: Path, name: str) -> None:
    """A process holds one module of a name: with another project's `models` loaded, ours would not be imported."""
    top = name.split(".")[0]
    loaded, own = sys.modules.get(top), find_file(project, top)
    if loaded is None or own is None or any(_is_below(loaded, root) for root in import_roots(project)):
        return
    raise ModelsBroken(
        f"the module `{top}` is loaded already, from {getattr(loaded, '__file__', None) or 'elsewhere'}",
        why=f"a Python process holds one module of a name, so {own} cannot be imported",
        do="run the command for this project in a process of its own",
        file=str(own),
    )


def _explain(error: BaseException, project: Path, name: str) -> ModelsBroken | ModelsNotFound:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and f"{name}.".startswith(f"{missing}.") and own_line(error, project) is None:
        return ModelsNotFound(f"there is no module `{name}`", why=one_line(error), do="correct the name", module=name)
    named = error.filename if isinstance(error, SyntaxError) else None
    file = Path(named or find_file(project, name) or name)
    return models_broken(error, project, file=file, do=_remedy(missing, project), module=name)


def _remedy(missing: str | None, project: Path) -> str:
    if missing and find_file(project, missing.split(".")[0]) is None:
        return f"install `{missing.split('.')[0]}` for {sys.executable}, or mend that line"
    return MEND
