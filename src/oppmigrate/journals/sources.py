"""The text of a revision's file, from its bytes."""

import io
import tokenize


def decoded(source: bytes) -> tuple[str, str]:
    """The text, and the encoding by which it becomes the same bytes again, save for what is no text."""
    try:
        encoding, _lines = tokenize.detect_encoding(io.BytesIO(source).readline)
    except SyntaxError:
        encoding = "utf-8"
    return source.decode(encoding, "surrogateescape"), encoding
