"""Is the Alembic that will be imported the one that the engine needs?"""

import re
from collections.abc import Sequence
from pathlib import Path

from oppmigrate.errors import AlembicShadowed, AlembicTooOld

# the first with `alembic.plugins` entry points
MINIMUM_ALEMBIC = (1, 18)


def check_installation(project: Path) -> None:
    """Look without importing Alembic.

    Raises:
        AlembicShadowed: a file of the project would be imported in place of the package.
        AlembicTooOld: Alembic is missing, or older than `MINIMUM_ALEMBIC`.
    """
    check_not_shadowed(project)
    from importlib import metadata  # 30 ms, and not every command gets here

    wanted = ".".join(map(str, MINIMUM_ALEMBIC))
    try:
        installed = metadata.version("alembic")
    except metadata.PackageNotFoundError as error:
        raise AlembicTooOld(
            "Alembic not found", do=f"uv add 'alembic>={wanted}'  (or: pip install 'alembic>={wanted}')"
        ) from error
    if tuple(map(int, re.findall(r"\d+", installed)[:2])) < MINIMUM_ALEMBIC:
        raise AlembicTooOld(
            f"Alembic {installed} is too old",
            why=f"oppmigrate needs {wanted} or later",
            do=f"uv add 'alembic>={wanted}'  (or: pip install -U 'alembic>={wanted}')",
        )


def check_not_shadowed(project: Path, roots: Sequence[Path] = ()) -> None:
    """Make sure that `import alembic` finds the package.

    A folder `alembic/` alone is no trouble: Python prefers a real package to it, until an `__init__.py` makes it one.

    Args:
        roots: the folders that the project's modules are imported from; its own alone when not given.

    Raises:
        AlembicShadowed: a file of the project would be imported in place of the package.
    """
    for file in (root / name for root in roots or (project,) for name in ("alembic/__init__.py", "alembic.py")):
        if not file.is_file():
            continue
        raise AlembicShadowed(
            f"{file.relative_to(project)} hides the alembic package",
            why=f"with {file}, `import alembic` finds your project's file and not the installed package",
            do=f"delete {file}; the migrations do not need it"
            if file.name == "__init__.py"
            else f"give {file} another name",
            file=str(file),
        )
