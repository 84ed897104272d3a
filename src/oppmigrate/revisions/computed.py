"""Revision files that compute their ids: found by their syntax, then run by Alembic's own loader."""

import ast
import contextlib
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oppmigrate.errors import RevisionFileBroken
from oppmigrate.revisions.places import LOOK_AGAIN, shown

_OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def bound_names(statement: ast.stmt) -> frozenset[str]:
    """The names that `statement`, at the top of a module, may give a value or take one from; "*" for any name."""
    if isinstance(statement, ast.AnnAssign) and statement.value is None:
        return frozenset()
    return frozenset(name for node in _walk_scope(statement) for name in _bound_by(node))


def _walk_scope(tree: ast.AST) -> list[ast.AST]:
    """The nodes of `tree` that run in its own scope: not the insides of functions and classes.

    No generator that calls itself: this looks at every node of every file that has changed.
    """
    found: list[ast.AST] = [tree]
    for node in found:  # which grows meanwhile
        if isinstance(node, _OWN_SCOPE):
            continue
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                found.append(value)
            elif isinstance(value, list):
                found += (each for each in value if isinstance(each, ast.AST))
    return found


def _bound_by(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return () if isinstance(node.ctx, ast.Load) else (node.id,)
    if isinstance(node, ast.alias):
        return (node.asname or node.name.partition(".")[0],)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (node.name,)
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return (node.name,) if node.name else ()
    return ()


def run_file(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """Run the file as Alembic does, and return those of `names` that it then defines.

    Raises:
        RevisionFileBroken: it raises, with the line of it that did.
    """
    # imported here: only such a file is worth Alembic's 0.4 s
    from alembic.util import load_python_file

    try:
        with contextlib.redirect_stdout(sys.stderr):
            module = load_python_file(path.parent, path.name)
    except (Exception, SystemExit) as error:
        raise _raised(path, error) from error
    return {name: getattr(module, name) for name in names if hasattr(module, name)}


def _raised(path: Path, error: BaseException) -> RevisionFileBroken:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = frames[-1].lineno if frames else None
    text = (frames[-1].line if frames else "") or ""
    place = f"{shown(path)}:{line}" if line else shown(path)
    return RevisionFileBroken(
        f"`{place}` raises {type(error).__name__}: {error}",
        why=f"it computes its ids, so it has to be run to know them; the line reads `{text}`",
        do=f"write the ids as plain text, or correct the line, then run `{LOOK_AGAIN}`",
        path=str(path),
        line=line,
        source_line=text,
    )
