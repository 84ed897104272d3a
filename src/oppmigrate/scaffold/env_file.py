"""What an env.py is, read from its syntax tree: Alembic's own, Alembic's own but for the models, or hand-written."""

import ast
import builtins
import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from oppmigrate.errors import EnvironmentFailed
from oppmigrate.scaffold.textfile import BOM, newline_of, split_lines

# Alembic's templates of one database; `multidb` is left out, as nothing else says which table belongs where
TEMPLATES = ("generic", "async")
# bodies of earlier templates that `_plain` does not bring to today's form
EARLIER_BODIES = frozenset(
    {
        "75a1c2c41dc62f036d3f4b19280b549fd676a9dd495ecd59e19d2ae605adde7b",  # async, Alembic 1.6
        "799d41393f42f0c87bfeb709aa057d2ac525a9367e4357fb0f14a7b8009a9765",  # async, Alembic 1.7 and 1.8
    }
)
TARGET = "target_metadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFile:
    """An env.py by its parts.

    Args:
        own_imports: those that Alembic's templates do not have, as source text.
        own_comments: likewise, where they are lines of their own; those inside a statement go with it.
        target: the one module-level `target_metadata = …`; None where there is no such line, or more than one.
        is_stock: apart from imports and from that line, it is one of Alembic's templates.
    """

    text: str
    own_imports: tuple[str, ...]
    own_comments: tuple[str, ...]
    target: ast.Assign | ast.AnnAssign | None
    is_stock: bool
    body: tuple[ast.stmt, ...]

    @property
    def has_no_models(self) -> bool:
        """Does it say `target_metadata = None`, as Alembic's templates do?"""
        return (
            self.target is not None and isinstance(self.target.value, ast.Constant) and self.target.value.value is None
        )

    @property
    def has_empty_dict(self) -> bool:
        """Does it say `target_metadata = {}`, as Alembic's template of several databases does?"""
        return self.target is not None and isinstance(self.target.value, ast.Dict) and not self.target.value.keys

    @property
    def target_stands_alone(self) -> bool:
        """Does `target_metadata` need nothing but what `own_imports` bring?"""
        assert self.target is not None
        used = {node.id for node in ast.walk(self.target) if isinstance(node, ast.Name)} - {TARGET}
        imports = ast.parse("\n".join(self.own_imports)).body
        bound = {(asname or name) for node in imports for name, asname in _bound_names(node)}
        return used <= bound | set(dir(builtins))

    @property
    def target_source(self) -> str:
        """The line, or lines, of `target_metadata`, with the comment behind it."""
        assert self.target is not None
        return _source(self.text, self.target)


def read_env_file(text: str, name: str, path: Path) -> EnvFile:
    """Take an env.py apart.

    Raises:
        EnvironmentFailed: it is not Python.
    """
    try:
        tree = ast.parse(text.removeprefix(BOM).encode("utf-8", "surrogateescape"))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise EnvironmentFailed(
            f"{name} cannot be read as Python: {getattr(error, 'msg', error)}",
            why=f"{name}:{line}: {(getattr(error, 'text', None) or '').strip()}" if line else None,
            do="mend that line, then run the command again",
            file=str(path),
            line=line,
        ) from error
    own = [node for node in tree.body if _is_import(node) and not _bindings(node) <= _stock_imports()]
    return EnvFile(
        text=text,
        own_imports=tuple(_source(text, node) for node in own),
        own_comments=_own_comments(text, tree),
        target=_find_target(tree),
        is_stock=_fingerprint(tree) in _stock_bodies(),
        body=tuple(tree.body),
    )


def wire(env: EnvFile, imports: str, target_metadata: str) -> str:
    """The same env.py with `target_metadata = None` put right: the one line replaced, the imports added above it."""
    assert env.target is not None
    lines = split_lines(env.text)
    start, end = env.target.lineno - 1, env.target.end_lineno or env.target.lineno
    place = _place_for_imports(env, start)
    newline = newline_of(env.text)
    above = [f"{line}{newline}" for line in imports.split("\n")]
    if place == start:
        above.append(newline)
    target = [f"{line}{newline}" for line in target_metadata.split("\n")]
    if end == len(lines):
        target[-1] = target[-1].removesuffix(newline) + lines[-1][len(lines[-1].rstrip("\r\n")) :]
    return "".join([*lines[:place], *above, *lines[place:start], *target, *lines[end:]])


def _place_for_imports(env: EnvFile, start: int) -> int:
    """Behind the last import, unless something before `target_metadata` still changes where modules are found."""
    before = [node for node in env.body if node.lineno - 1 < start]
    marks = [node for node in before if _is_import(node) or "sys.path" in _source(env.text, node)]
    return marks[-1].end_lineno or start if marks else start


def _source(text: str, node: ast.stmt) -> str:
    """Whole lines, so that a comment behind the statement stays with it; with plain line ends."""
    lines = split_lines(text.removeprefix(BOM))[node.lineno - 1 : node.end_lineno]
    return "".join(line.rstrip("\r\n") + "\n" for line in lines).rstrip("\n")


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _bindings(node: ast.stmt) -> set[tuple[str, str | None]]:
    """What an import statement imports, and under which names, whichever way it is laid out."""
    if isinstance(node, ast.Import):
        return {(alias.name, alias.asname) for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        base = "." * node.level + (node.module or "")
        return {(f"{base}.{alias.name}", alias.asname) for alias in node.names}
    return set()


def _bound_names(node: ast.stmt) -> list[tuple[str, str | None]]:
    assert isinstance(node, ast.Import | ast.ImportFrom)
    return [(alias.name.split(".")[0], alias.asname) for alias in node.names]


def _find_target(tree: ast.Module) -> ast.Assign | ast.AnnAssign | None:
    stored = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == TARGET and isinstance(node.ctx, ast.Store)
    ]
    found = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign) and _assigns_target(node)]
    return found[0] if len(found) == len(stored) == 1 else None


def _assigns_target(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == TARGET


# ---- comparing with Alembic's templates


@cache
def _stock_texts() -> tuple[str, ...]:
    """The templates of the installed Alembic, found without importing it."""
    spec = importlib.util.find_spec("alembic")
    folders = [Path(place) / "templates" for place in (spec and spec.submodule_search_locations) or ()]
    files = [folder / template / "env.py" for folder in folders for template in TEMPLATES]
    return tuple(file.read_text(encoding="utf-8") for file in files if file.is_file())


def _stock_trees() -> tuple[ast.Module, ...]:
    return tuple(ast.parse(text) for text in _stock_texts())


@cache
def _stock_imports() -> frozenset[tuple[str, str | None]]:
    earlier = {("sqlalchemy.ext.asyncio.AsyncEngine", None), ("__future__.with_statement", None)}
    return frozenset(earlier.union(*(_bindings(node) for tree in _stock_trees() for node in tree.body)))


def _own_comments(text: str, tree: ast.Module) -> tuple[str, ...]:
    inside = {number for node in tree.body for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    comments = [comment for number, comment in _comment_lines(text) if number not in inside]
    return tuple(comment for comment in comments if comment not in _stock_comments())


@cache
def _stock_comments() -> frozenset[str]:
    return frozenset(comment for text in _stock_texts() for _number, comment in _comment_lines(text))


def _comment_lines(text: str) -> Iterator[tuple[int, str]]:
    """Comments that stand on lines of their own, with the numbers of the lines."""
    for number, line in enumerate(split_lines(text.removeprefix(BOM)), start=1):
        if line.startswith("#"):
            yield number, line.rstrip()


@cache
def _stock_bodies() -> frozenset[str]:
    return frozenset(_fingerprint(tree) for tree in _stock_trees()) | EARLIER_BODIES


def _fingerprint(tree: ast.Module) -> str:
    """Stands for the statements but imports and `target_metadata`, whatever the layout, comments and version."""
    target = _find_target(tree)
    body = [_shape(node) for node in tree.body if not _is_import(node) and node is not target]
    plain = repr([shape for shape in body if shape is not None])
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _shape(node: Any) -> Any:
    """A syntax tree as nested tuples, alike in every version of Python and for every version of a template."""
    if isinstance(node, list):
        return [shape for shape in map(_shape, node) if shape is not None]
    if not isinstance(node, ast.AST):
        return repr(node)
    node = _plain(node)
    if node is None:
        return None
    fields = [(name, value) for name, value in ast.iter_fields(node) if _tells(name, value)]
    return (type(node).__name__, *((name, _shape(value)) for name, value in fields))


def _tells(name: str, value: Any) -> bool:
    # annotations came to the templates with Alembic 1.8; the other fields are None or empty where not used
    return name not in {"annotation", "returns", "ctx", "kind", "type_comment"} and value not in (None, [])


def _plain(node: ast.AST) -> ast.AST | None:
    """What differs between one version of Alembic's templates and the next is taken off."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return None  # a docstring
        case ast.If(test=ast.Compare(left=ast.Attribute(attr="config_file_name")), body=[only], orelse=[]):
            return only
        case ast.Call(func=ast.Attribute(attr="get_section"), args=[section, ast.Dict(keys=[])]):
            return ast.Call(func=node.func, args=[section], keywords=node.keywords)
        case ast.keyword(arg="dialect_opts", value=ast.Dict(values=[ast.Constant(value="named")])):
            return None
    return node
