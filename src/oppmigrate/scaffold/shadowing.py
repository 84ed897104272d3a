"""A project that hides the alembic package from itself."""

from pathlib import Path

from oppmigrate.errors import AlembicShadowed


def check_not_shadowed(project: Path) -> None:
    """Make sure that `import alembic` finds the package; needs no alembic itself.

    A folder `alembic/` alone is no trouble: Python prefers a real package to it, until an `__init__.py` makes it one.

    Raises:
        AlembicShadowed: a file of the project would be imported in place of the package.
    """
    for relative in ("alembic/__init__.py", "alembic.py", "src/alembic/__init__.py", "src/alembic.py"):
        file = project / relative
        if not file.is_file():
            continue
        raise AlembicShadowed(
            f"{relative} hides the alembic package",
            why=f"with {file}, `import alembic` finds your project's file and not the installed package",
            do=f"delete {relative}; the migrations do not need it"
            if file.name == "__init__.py"
            else f"give {relative} another name",
            file=str(file),
        )
