"""A digest of what a revision file does, which a formatter or a licence header leaves as it is."""

import ast
import hashlib
import warnings
from functools import lru_cache
from typing import Any

# where nodes lie, how a literal was prefixed, and whether a name is read or written (which its place says already)
_LAYOUT = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def checksum_of(source: bytes) -> str:
    """SHA-256, in hexadecimal, over the syntax tree of `source` without comments, layout and docstrings.

    The tree is written out here rather than by `ast.dump`, whose text changes with Python's versions: fields that
    are empty are left out, so that a field added to a node by a later Python does not count. What remains bound to
    the version: a release that parses old code into other nodes gives another digest, and only a Python that can parse
    the file gives one at all. The order of imports counts.

    Raises:
        SyntaxError, ValueError: `source` is not Python; a RevisionFile has been parsed already and is.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    pieces: list[bytes] = []
    _write(tree, pieces)
    return hashlib.sha256(b"".join(pieces)).hexdigest()


def _piece(text: bytes) -> bytes:
    """With its length before it: ("ab", "c") and ("a", "bc") differ."""
    return b"%d:%b" % (len(text), text)


_OPEN, _CLOSE, _OPEN_LIST, _CLOSE_LIST = map(_piece, (b"(", b")", b"[", b"]"))


class _Kind:
    """What is written of every node of a kind: how it opens, and of each field that counts its name, and as a piece."""

    def __init__(self, kind: type[ast.AST]) -> None:
        self.opening = _OPEN + _piece(kind.__name__.encode())
        self.fields = tuple((name, _piece(name.encode())) for name in kind._fields if name not in _LAYOUT)
        self.is_constant = kind is ast.Constant
        self.is_documented = issubclass(kind, _DOCUMENTED)


class _Kinds(dict[type[ast.AST], _Kind]):
    def __missing__(self, kind: type[ast.AST]) -> _Kind:
        self[kind] = found = _Kind(kind)
        return found


_kinds = _Kinds()


def _write(value: object, pieces: list[bytes]) -> None:
    if isinstance(value, ast.AST):
        kind = _kinds[type(value)]
        pieces.append(kind.opening)
        for name, piece in kind.fields:
            field = getattr(value, name, None)
            if field == [] or (field is None and not kind.is_constant):
                continue
            pieces.append(piece)
            _write(_without_docstring(field) if kind.is_documented and name == "body" else field, pieces)
        pieces.append(_CLOSE)
    elif isinstance(value, list):
        pieces.append(_OPEN_LIST)
        for item in value:
            _write(item, pieces)
        pieces.append(_CLOSE_LIST)
    elif isinstance(value, str):
        pieces.append(_text(value))
    else:
        pieces += (_piece(type(value).__name__.encode()), _piece(_scalar(value)))


@lru_cache(1024)  # names: `op`, `sa`, `Column` and the like make up most of a file, and of the next one
def _text(value: str) -> bytes:
    # not repr(): which characters it escapes follows the Unicode tables of each Python
    return _piece(b"str") + _piece(value.encode("utf-8", "surrogatepass"))


def _scalar(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    # hexadecimal: Python refuses to write out very long decimals
    return (hex(value) if type(value) is int else repr(value)).encode()


def _without_docstring(body: Any) -> Any:
    """The statements that do something: a formatter may re-indent the docstring, and no one runs it."""
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:]
    return body
