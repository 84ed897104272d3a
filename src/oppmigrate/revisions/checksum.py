"""A digest of what a revision file does, which a formatter or a licence header leaves as it is."""

import ast
import hashlib
import warnings

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
    # the length before each piece: ("ab", "c") and ("a", "bc") differ
    return hashlib.sha256(b"".join(b"%d:%b" % (len(piece), piece) for piece in pieces)).hexdigest()


def _write(value: object, pieces: list[bytes]) -> None:
    if isinstance(value, ast.AST):
        pieces += (b"(", type(value).__name__.encode())
        for name in value._fields:
            _write_field(value, name, pieces)
        pieces.append(b")")
    elif isinstance(value, list):
        pieces.append(b"[")
        for item in value:
            _write(item, pieces)
        pieces.append(b"]")
    else:
        pieces += (type(value).__name__.encode(), _scalar(value))


def _write_field(node: ast.AST, name: str, pieces: list[bytes]) -> None:
    value = getattr(node, name, None)
    if name in _LAYOUT or value == [] or (value is None and not isinstance(node, ast.Constant)):
        return
    if name == "body" and isinstance(node, _DOCUMENTED):
        value = _without_docstring(node)
    pieces.append(name.encode())
    _write(value, pieces)


def _scalar(value: object) -> bytes:
    if isinstance(value, str):
        # not repr(): which characters it escapes follows the Unicode tables of each Python
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return value
    # hexadecimal: Python refuses to write out very long decimals
    return (hex(value) if type(value) is int else repr(value)).encode()


def _without_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    """The statements that do something: a formatter may re-indent the docstring, and no one runs it."""
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return node.body[1:]
    return node.body
