"""One revision file: its ids, parents, labels, message and date, read from its syntax tree without running it.

Neither Alembic nor SQLAlchemy is imported, save for a file that computes its ids, which Alembic's loader then runs.
"""

import ast
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from oppmigrate.errors import RevisionFileBroken
from oppmigrate.revisions.checksum import checksum_of
from oppmigrate.revisions.computed import bound_names, run_file
from oppmigrate.revisions.places import LOOK_AGAIN, shown

# Alembic before 0.2 wrote no `revision`: the id was the file's name. It still takes such files, so this does too.
_LEGACY_NAME = re.compile(r"([a-f0-9]+)\.py$")
_CREATED = re.compile(r"^[ \t]*Create Date:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
# what a range or a relative step is written with; Alembic refuses the same
_ILLEGAL_IN_ID = "@-+:"
_HEADER = ("revision", "down_revision", "branch_labels", "depends_on")


@dataclass(frozen=True, slots=True)
class RevisionFile:
    """What one revision file says of itself.

    Attributes:
        message: the first paragraph of the docstring, what Alembic calls `doc`.
        created: the docstring's `Create Date:`, as written: naive, or aware where it names an offset. None without one.
        path: absolute, symbolic links resolved.
        digest: SHA-256, in hexadecimal, of the file's bytes.
        body: those bytes; None where an earlier run has read them.
        known_checksum: None where it has to be worked out.
        is_computed: it computes its ids, which may be others at the next run though the file stays as it is.
    """

    revision: str
    down_revisions: tuple[str, ...]
    branch_labels: tuple[str, ...]
    depends_on: tuple[str, ...]
    message: str
    docstring: str
    created: datetime | None
    path: Path
    digest: str = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    is_computed: bool = False
    known_checksum: str | None = field(default=None, repr=False)

    @property
    def source(self) -> bytes:
        """The bytes of the file: those that it was read from, or else what it holds now. Raises RevisionFileBroken."""
        return read_bytes(self.path) if self.body is None else self.body

    @property
    def checksum(self) -> str:
        """A digest of what the file does: comments, layout and docstrings do not count."""
        return self.known_checksum or checksum_of(self.source)


def read_revision_file(path: Path, *, may_run: bool = True) -> RevisionFile:
    """Read `path` as Alembic would understand it, without running it.

    A file whose ids are computed (`revision = PREFIX + "1"`, an import, an `if`) cannot be read by its syntax; it
    alone is run, by Alembic's own loader, and whatever it prints goes to stderr.

    Args:
        may_run: False takes what is computed for not there.

    Raises:
        RevisionFileBroken: it cannot be opened, is no Python, is not text in its encoding, or names no id or parent.
    """
    source = read_bytes(path)
    tree = _parse(path, source)
    header, is_computed = _read_header(path, tree, may_run)
    docstring = (ast.get_docstring(tree, clean=False) or "").strip()
    return RevisionFile(
        revision=_check_id(path, header.get("revision", _Absent)),
        down_revisions=_texts(path, "down_revision", header.get("down_revision", _Absent)),
        branch_labels=_texts(path, "branch_labels", header.get("branch_labels")),
        depends_on=_texts(path, "depends_on", header.get("depends_on")),
        message=" ".join(docstring.split("\n\n", 1)[0].split()),
        docstring=docstring,
        created=_read_created(docstring),
        path=path,
        digest=sha256(source).hexdigest(),
        body=source,
        is_computed=is_computed,
    )


class _Absent:
    """Stands for a name that the file does not assign, since None is a value that it may assign."""


def read_bytes(path: Path) -> bytes:
    """The file's contents. Raises RevisionFileBroken."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise RevisionFileBroken(
            f"revision file `{shown(path)}` cannot be opened",
            why=error.strerror or str(error),
            do=f"`ls -l '{shown(path)}'` shows what it is and whose; put that right, then run `{LOOK_AGAIN}`",
            path=str(path),
        ) from error


def _parse(path: Path, source: bytes) -> ast.Module:
    try:
        with warnings.catch_warnings():
            # an escape such as "\d" in somebody's old revision is not this command's news
            warnings.simplefilter("ignore")
            return ast.parse(source, filename=str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _not_python(path, source, error) from error


def _not_python(path: Path, source: bytes, error: Exception) -> RevisionFileBroken:
    line = (error.lineno or 0) if isinstance(error, SyntaxError) else 0
    reason = error.msg if isinstance(error, SyntaxError) else str(error)
    do = f"correct the line, then run `{LOOK_AGAIN}`"
    wrong_byte = _first_wrong_byte(source)
    if wrong_byte is not None and _names_no_encoding(source):
        line = source.count(b"\n", 0, wrong_byte) + 1
        reason = f"byte 0x{source[wrong_byte]:02x} is not UTF-8, the encoding of Python source"
        do = "save the file as UTF-8, or name its encoding in the first line: `# -*- coding: latin-1 -*-`"
    elif b"\0" in source:
        line = source.count(b"\n", 0, source.index(b"\0")) + 1
        reason = "a null byte; this is not a text file"
        do = "restore the file from version control or a backup"
    text = _line_of(source, line)
    place = f"{shown(path)}:{line}" if line else shown(path)
    return RevisionFileBroken(
        f"`{place}` is not Python: {reason}",
        why=f"the line reads `{text}`" if text else None,
        do=do,
        path=str(path),
        line=line or None,
        source_line=text,
    )


def _first_wrong_byte(source: bytes) -> int | None:
    try:
        source.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def _names_no_encoding(source: bytes) -> bool:
    return not any(re.match(rb"[ \t\f]*#.*?coding[:=]", line) for line in source.split(b"\n", 2)[:2])


def _line_of(source: bytes, number: int) -> str:
    lines = source.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}").splitlines()
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def _read_header(path: Path, tree: ast.Module, may_run: bool) -> tuple[dict[str, Any], bool]:
    """The file's `revision`, `down_revision`, `branch_labels` and `depends_on`, as far as it assigns them.

    Returns:
        them, and whether the file had to be run for it.
    """
    header: dict[str, Any] = {}
    for statement in tree.body:
        bound = bound_names(statement)
        names = [name for name in _HEADER if name in bound or "*" in bound]
        if not names:
            continue
        value = _plain_value(statement)
        if value is _Absent and may_run:
            return run_file(path, _HEADER), True
        header.update(dict.fromkeys(names, value))
    return header, False


def _plain_value(statement: ast.stmt) -> Any:
    """What `name = literal` assigns; _Absent for any other statement."""
    if isinstance(statement, ast.Assign):
        plain = all(isinstance(target, ast.Name) for target in statement.targets)
    else:
        plain = isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    value = getattr(statement, "value", None)
    if not plain or value is None:
        return _Absent
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        items = [_literal(item) for item in value.elts]
        return _Absent if _Absent in items else items
    return _literal(value)


def _literal(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else _Absent


def _check_id(path: Path, value: Any) -> str:
    if value is _Absent:
        return _legacy_id(path)
    if not isinstance(value, str) or not value:
        raise _wrong_value(path, "revision", value, "an id is a text that is not empty", 'revision = "<id>"')
    illegal = sorted(set(value).intersection(_ILLEGAL_IN_ID))
    if illegal:
        raise _wrong_value(
            path,
            "revision",
            value,
            f"Alembic takes no {' '.join(illegal)} in an id: ranges and relative steps are written with it",
            f"revision = {re.sub('[-@+:]', '_', value)!r}",
        )
    return value


def _legacy_id(path: Path) -> str:
    match = _LEGACY_NAME.match(path.name)
    if match is None:
        raise RevisionFileBroken(
            f"`{shown(path)}` has no revision id: it assigns no `revision`",
            why="every `.py` file of a versions folder is read as a revision",
            do='write `revision = "<id>"` and `down_revision = "<id of its parent>"` in it, or move it elsewhere',
            path=str(path),
        )
    return match.group(1)


def _texts(path: Path, name: str, value: Any) -> tuple[str, ...]:
    """What Alembic makes of a text, of None, or of a list, tuple or set of texts."""
    if value is None:
        return ()
    if value is _Absent:
        raise RevisionFileBroken(
            f"`{shown(path)}` names no parent: it assigns no `{name}`",
            why="without one, the revision has no place in the history",
            do=f'write `{name} = "<id of its parent>"` in it, or `{name} = None` if it is a first revision',
            path=str(path),
        )
    items = (value,) if isinstance(value, str) or not isinstance(value, Iterable) else tuple(value)
    if not all(isinstance(item, str) for item in items):
        raise _wrong_value(path, name, value, "it takes a text, several texts in a tuple, or None", f"{name} = None")
    if name != "down_revision":
        # Alembic passes over an empty label or dependency, and looks for a parent of that name
        items = tuple(item for item in items if item)
    return items


def _wrong_value(path: Path, name: str, value: Any, why: str, line: str) -> RevisionFileBroken:
    return RevisionFileBroken(
        f"`{shown(path)}` sets `{name} = {value!r}`",
        why=why,
        do=f"write such a line as `{line}` in it; where other files name an id that you change, change it there too",
        path=str(path),
        name=name,
    )


def _read_created(docstring: str) -> datetime | None:
    match = _CREATED.search(docstring)
    if match is None:
        return None
    try:
        return datetime.fromisoformat(match.group(1))
    except ValueError:
        return None
