"""Would a new revision file run? What can be told without a database."""

import ast
import builtins
import contextlib
import re
import symtable
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from alembic.util import CommandError, load_python_file

from oppmigrate.blame import one_line
from oppmigrate.errors import MigrateError, RevisionError, RevisionFileBroken

TEMPLATE = "script.py.mako"


@contextlib.contextmanager
def explaining_failures() -> Iterator[None]:
    """What goes wrong while the file is made is the project's template, type, hook or wish at fault: say so.

    Raises:
        RevisionError: Alembic refuses to make it (a parent that is no head, a hook that cannot be found).
        RevisionFileBroken: it does not compile, or raises when it is loaded.
    """
    try:
        yield
    except (MigrateError, OSError):
        raise
    except CommandError as error:
        if error.__context__ is not None and (told := re.search(r"rendering failed; see (\S+)", str(error))):
            Path(told[1]).unlink(missing_ok=True)  # Alembic's page about it, which would stay behind
            raise _unrenderable(error.__context__) from error
        raise RevisionError(str(error), why="Alembic refuses it; nothing was left behind") from error
    except (Exception, SystemExit) as error:
        raise RevisionFileBroken(
            f"the new revision file would not load: {one_line(error)}",
            why="nothing was left behind",
            do=f"look into alembic/{TEMPLATE}, and into the types that your models use",
        ) from error


def missing_template(path: Path) -> RevisionFileBroken:
    """The error for a project whose script.py.mako is gone."""
    return RevisionFileBroken(
        f"{path} does not exist",
        why="new revision files are made from it",
        do=f"bring it back (git checkout -- {path}), or write it anew: python oppman.py migrate init",
        path=str(path),
    )


def takes_no_operations(path: Path) -> RevisionFileBroken:
    """The error for a template of the project's own that leaves out what a revision begins with."""
    return RevisionFileBroken(
        f"{path} leaves out what a data step begins with",
        why="it has no `${upgrades}` or no `${imports}`; nothing was left behind",
        do="make an empty revision (--empty) and write into it: from oppmigrate.data import batches, tables",
        path=str(path),
    )


def _unrenderable(error: BaseException) -> RevisionFileBroken:
    return RevisionFileBroken(
        f"the template alembic/{TEMPLATE} cannot be rendered: {one_line(error)}",
        why="nothing was left behind",
        do="mend it, or delete it and write it anew: python oppman.py migrate init",
    )


def proofread(path: Path) -> None:
    """Load the file and look for names that it uses and does not have.

    Raises:
        RevisionFileBroken: with the line at fault.
    """
    module = load_python_file(path.parent, path.name)
    source = path.read_text(encoding="utf-8")
    for name, line in _unknown_names(source, module):
        raise RevisionFileBroken(
            f"the new revision file uses `{name}` and does not import it",
            why=f"in `{line}`; nothing was left behind",
            do=f"add the import of `{name}` to alembic/{TEMPLATE}",
            name=name,
        )
    for name, line in _unknown_attributes(source, module):
        raise RevisionFileBroken(
            f"the new revision file uses `{name}`, which there is not",
            why=f"in `{line}`; nothing was left behind",
            do="define a type of your own at the top of its module, or write it with your own render_item in env.py",
            name=name,
        )


def _unknown_names(source: str, module: ModuleType) -> Iterator[tuple[str, str]]:
    wanted = set(_globals_used(symtable.symtable(source, "revision", "exec"))) - set(vars(module)) - set(dir(builtins))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id in wanted:
            yield node.id, source.split("\n")[node.lineno - 1].strip()


def _globals_used(table: symtable.SymbolTable) -> Iterator[str]:
    """The names that functions, and what stands in them, look up in the module."""
    for inner in table.get_children():
        yield from (
            symbol.get_name() for symbol in inner.get_symbols() if symbol.is_global() and symbol.is_referenced()
        )
        yield from _globals_used(inner)


def _unknown_attributes(source: str, module: ModuleType) -> Iterator[tuple[str, str]]:
    """Names behind a module's (`models.Money`) that the module does not have."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            owner = _module_at(node.value, module)
            if owner is not None and not hasattr(owner, node.attr):
                yield ast.unparse(node), source.split("\n")[node.lineno - 1].strip()


def _module_at(node: ast.expr, module: ModuleType) -> ModuleType | None:
    """The imported module that an expression such as `sqlalchemy.dialects` names."""
    if isinstance(node, ast.Name):
        found = getattr(module, node.id, None)
    elif isinstance(node, ast.Attribute) and (owner := _module_at(node.value, module)) is not None:
        found = getattr(owner, node.attr, None)
    else:
        found = None
    return found if isinstance(found, ModuleType) else None
