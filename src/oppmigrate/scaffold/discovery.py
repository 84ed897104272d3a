"""Which modules hold the models: those that were named, else those in the usual places."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

from oppmigrate.config import Settings
from oppmigrate.errors import ModelsNotFound

USUAL_PLACES = ("models.py", "models/", "app/models.py", "app/models/", "src/*/models.py", "src/*/models/")


def discover_models(settings: Settings) -> tuple[str, ...]:
    """The modules with the models, by the names that they are imported by; nothing is imported yet.

    All of the usual places count, not the first one alone: a table left out would look like a table to drop.

    Raises:
        ModelsNotFound: there is no such module, or none in the usual places.
    """
    if settings.models:
        return tuple(dict.fromkeys(_named(settings.project, text) for text in settings.models))
    found = tuple(_usual(settings.project))
    if found:
        return found
    raise ModelsNotFound(
        f"no models were found in {settings.project}",
        why=f"there is none of {', '.join(USUAL_PLACES)}",
        do="name their module: oppman migrate init --models PACKAGE.MODULE\n"
        '       or in pyproject.toml: [tool.oppman] models = ["package.module"]',
        tried=list(USUAL_PLACES),
    )


def likely_modules(settings: Settings) -> tuple[str, ...]:
    """The same for a project whose env.py is there: it, not we, knows its models, so finding none is no error."""
    try:
        return discover_models(settings)
    except ModelsNotFound:
        return ()


def import_roots(project: Path) -> tuple[Path, ...]:
    """The folders that the project's modules are imported from: its own, and `src` where there is one."""
    source = project / "src"
    return (project, source) if source.is_dir() else (project,)


def find_file(project: Path, module: str) -> Path | None:
    """The file or the folder of one of the project's own modules; None for any other module."""
    found = (_module_at(root, module) for root in import_roots(project))
    return next((path for path in found if path), None)


def is_in_src(project: Path, module: str) -> bool:
    """Does importing the module, by this name, take `src` on sys.path?"""
    return _module_at(project, module) is None and _module_at(project / "src", module) is not None


def _module_at(root: Path, module: str) -> Path | None:
    """What Python would import from this root: a package first, then a file, then a folder without `__init__.py`."""
    folder = root.joinpath(*module.split("."))
    file = folder.parent / f"{folder.name}.py"
    if (folder / "__init__.py").is_file():
        return folder
    if file.is_file():
        return file
    return folder if _holds_code(folder) else None


def _holds_code(folder: Path) -> bool:
    return folder.is_dir() and any(any(folder.glob(pattern)) for pattern in ("*.py", "*/*.py"))


def _usual(project: Path) -> Iterator[str]:
    yield from (name for name in ("models", "app.models") if _module_at(project, name))
    if not (project / "src").is_dir():
        return
    packages = sorted(path.name for path in (project / "src").iterdir() if path.is_dir() and path.name.isidentifier())
    names = [f"{package}.models" for package in packages if _module_at(project / "src", f"{package}.models")]
    prefix = "src." if any(_is_imported_by_src(project, name) for name in names) else ""
    yield from (f"{prefix}{name}" for name in names)


def _is_imported_by_src(project: Path, module: str) -> bool:
    """Is `src` itself the package? Under two names the models would be imported, and their tables defined, twice."""
    if (project / "src" / "__init__.py").is_file():
        return True
    path = _module_at(project / "src", module)
    files = [path] if path and path.is_file() else path.rglob("*.py") if path else []
    texts = (file.read_text(encoding="utf-8", errors="replace") for file in files)
    return any(re.search(r"^\s*(from|import)\s+src\b", text, re.MULTILINE) for text in texts)


def _named(project: Path, text: str) -> str:
    """The module that somebody named, by its name or by its path."""
    name = _as_module(text)
    if all(part.isidentifier() for part in name.split(".")) and (find_file(project, name) or _is_installed(name)):
        return name
    tried = _possible_files(project, name)
    raise ModelsNotFound(
        f"there is no module `{name}`" + ("" if name == text else f" (from {text!r})"),
        why=f"looked for {', '.join(tried)}, and among the installed packages",
        do=f"write the name that Python imports it by from {project}, for example --models app.models",
        module=name,
        tried=tried,
    )


def _as_module(text: str) -> str:
    """`src/shop/models.py` as `shop.models`; a name stays as it is."""
    if not re.search(r"[/\\]|\.py$", text):
        return text
    path = re.sub(r"(/__init__)?\.py$", "", text.replace("\\", "/").strip("/"))
    return path.removeprefix("./").removeprefix("src/").replace("/", ".")


def _possible_files(project: Path, module: str) -> list[str]:
    bases = [root.relative_to(project) / module.replace(".", "/") for root in import_roots(project)]
    return [place for base in bases for place in (f"{base.as_posix()}.py", f"{base.as_posix()}/")]


def _is_installed(module: str) -> bool:
    """Is its first package installed? Asked without importing it, so its submodules are seen only later."""
    try:
        return importlib.util.find_spec(module.split(".")[0]) is not None
    except (ImportError, ValueError):  # ValueError: a module that was made by hand and has no spec
        return False
