"""Is the Alembic that will be imported the one that the engine needs?"""

import re
from importlib import metadata
from pathlib import Path

from oppmigrate.errors import AlembicShadowed, AlembicTooOld

# the first with `alembic.plugins` entry points
MINIMUM_ALEMBIC = (1, 18)


def check_installation(project: Path) -> None:
    """Look without importing Alembic.

    Raises:
        AlembicShadowed: `alembic/__init__.py`, or `alembic.py`, in the project hides the package.
        AlembicTooOld: Alembic is missing, or older than `MINIMUM_ALEMBIC`.
    """
    if (project / "alembic" / "__init__.py").is_file():
        raise AlembicShadowed(
            "alembic/__init__.py hides the alembic package",
            why="with it, `import alembic` finds your migrations folder and not the library",
            do=f"delete {project / 'alembic' / '__init__.py'}; Alembic does not need it",
        )
    if (project / "alembic.py").is_file():
        raise AlembicShadowed(
            "alembic.py hides the alembic package",
            why="with it, `import alembic` finds your module and not the library",
            do=f"give {project / 'alembic.py'} another name",
        )
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
