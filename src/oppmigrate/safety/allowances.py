"""What a person allows in a revision file: `# oppman: allow RULE -- REASON` on an operation's line, or right above."""

import ast
import functools
import re
import sys
import tokenize
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from types import CodeType, FrameType

LOSSY_CONVERSION = "lossy-conversion"
COMMENT = re.compile(r"#\s*oppman:\s*allow\s+([\w-]+(?:\s*,\s*[\w-]+)*)\s+--\s*\S")


def is_allowed(slug: str, file: Path) -> bool:
    """Does the statement of `file` that is running right now carry an allowance of `slug`, with a reason?

    The statement is found through the call stack. Of a `with` that is being left, as when `batch_alter_table` carries
    out what was collected in it, the whole block counts.
    """
    frame = _frame_in(file)
    if frame is None:
        return False
    source = file.read_text(encoding="utf-8")
    comments = _allowances(slug, source)
    if not comments:
        return False
    lines = _lines_of_statement(_parsed(source), frame.f_lineno)
    return any(number in lines or (is_alone and number == lines.start - 1) for number, is_alone in comments.items())


def _frame_in(file: Path) -> FrameType | None:
    """The innermost call that runs code of the file."""
    wanted = file.resolve()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not _is_from(frame.f_code, wanted):
        frame = frame.f_back
    return frame


def _is_from(code: CodeType, file: Path) -> bool:
    path = Path(code.co_filename)
    return path.name == file.name and path.resolve() == file


@functools.lru_cache(maxsize=8)  # each operation of a long file asks
def _allowances(slug: str, source: str) -> dict[int, bool]:
    """The numbers of the lines with a comment that allows it, and whether it is all of the line.

    A text that only looks like a comment is none.
    """
    if not COMMENT.search(source):
        return {}
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    comments = ((token, COMMENT.search(token.string)) for token in tokens if token.type == tokenize.COMMENT)
    return {
        token.start[0]: token.line.lstrip().startswith("#")
        for token, found in comments
        if found and slug in re.split(r"\s*,\s*", found[1])
    }


@functools.lru_cache(maxsize=2)
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


def _lines_of_statement(tree: ast.Module, line: int) -> range:
    """The lines of the smallest statement that holds this one."""
    around = [node for node in _statements(tree) if node.lineno <= line <= (node.end_lineno or node.lineno)]
    if not around:
        return range(line, line + 1)
    statement = max(around, key=lambda node: (node.lineno, -(node.end_lineno or node.lineno)))
    return range(statement.lineno, _end(statement) + 1)


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.stmt))


def _end(statement: ast.stmt) -> int:
    """The last line that speaks for the statement; of an `if` or a `for`, that of its head."""
    body = getattr(statement, "body", None)
    if body and not isinstance(statement, ast.With | ast.AsyncWith):
        return int(body[0].lineno) - 1
    return statement.end_lineno or statement.lineno
