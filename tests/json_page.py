"""docs/json.md, made from the results and errors themselves.

python tests/json_page.py            print it
python tests/json_page.py --write    write it
"""

import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from oppmigrate import errors, results

PAGE = Path(__file__).resolve().parents[1] / "docs" / "json.md"
# what each command's --json is; a list holds any number
COMMANDS: dict[str, str] = {
    "oppman migrate init": "InitResult",
    "oppman migrate setup": "SetupResult",
    "oppman migrate create": "CreateResult",
    "oppman migrate merge": "MergeResult",
    "oppman migrate upgrade": "ApplyResult",
    "oppman migrate upgrade --plan": "Plan",
    "oppman migrate upgrade --sql": "Script",
    "oppman migrate downgrade": "ApplyResult",
    "oppman migrate downgrade --plan": "Plan",
    "oppman migrate downgrade --sql": "Script",
    "oppman migrate stamp": "StampResult",
    "oppman migrate current": "CurrentResult",
    "oppman migrate history": "HistoryResult",
    "oppman migrate heads": "HistoryResult",
    "oppman migrate show": "ShowResult",
    "oppman migrate show --from-journal": "StoredRevision",
    "oppman migrate check": "CheckResult",
    "oppman backup": "BackupInfo",
    "oppman backup --list": "[BackupInfo, …]",
    "oppman restore": "RestoreResult",
    "oppman delete": "DeleteResult",
}
WORDS = {str: "text", int: "number", float: "number", bool: "true or false", Path: "path", datetime: "time"}
INTRODUCTION = """\
# What `--json` prints

With `--json` each command prints one JSON value on stdout, and nothing else there; the story goes to stderr as ever.
The exit code is the same as without: `check` prints its findings and exits with 1 when there are any.

A *path* is an absolute path, a *time* is ISO 8601, both as text. Skip the keys that you do not know.

This page is made from `src/oppmigrate/results.py` and `errors.py`: `make pages` writes it, and a test compares.
"""
ERRORS = """\
## Errors

An error is printed in its three lines on stderr, and on stdout as:

```text
{
  "error": {
    "kind": one of the kinds below,
    "what": text,
    "why": text or null,
    "do": text or null,
    …
  }
}
```

`…` stands for facts that a kind may add, such as `revision`, `heads` or `path`.

| kind | exit code | when |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = [f"| `{command} --json` | {linked(shape)} |" for command, shape in COMMANDS.items()]
    parts = [INTRODUCTION, "| command | prints |\n|---|---|\n" + "\n".join(rows) + "\n"]
    parts += [section(shape) for shape in shapes()]
    return "\n".join(parts) + "\n" + ERRORS + "\n".join(error_rows()) + "\n"


def shapes() -> list[Any]:
    """Every dataclass of the results, in the order of the file."""
    classes = [each for each in vars(results).values() if dataclasses.is_dataclass(each)]
    return [each for each in classes if each.__module__ == results.__name__]


def section(shape: Any) -> str:
    """One shape: what it is, its keys with their types."""
    description = " ".join(inspect.getdoc(shape).split()).replace("None", "null").replace("False", "false")
    body = ",\n".join(f'  "{name}": {kind}' for name, kind in keys(shape))
    return f"## {shape.__name__}\n\n{description}\n\n```text\n{{\n{body}\n}}\n```\n"


def keys(shape: Any) -> Iterator[tuple[str, str]]:
    """The fields, then the derived properties, as `as_json` has them."""
    hints = typing.get_type_hints(shape)
    for field in dataclasses.fields(shape):
        yield field.name, in_words(hints[field.name])
    for name, value in vars(shape).items():
        if isinstance(value, property):
            yield name, in_words(typing.get_type_hints(value.fget)["return"])


def in_words(hint: Any) -> str:
    """A type, for a reader who knows JSON and no Python."""
    if hint is type(None):
        return "null"
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(f'"{each}"' for each in arguments)
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return " or ".join(in_words(each) for each in arguments)
    if typing.get_origin(hint) is tuple:
        return f"[{in_words(arguments[0])}, …]"
    return WORDS.get(hint) or hint.__name__


def linked(shape: str) -> str:
    """A shape's name as a link to its section."""
    name = shape.strip("[], …")
    return shape.replace(name, f"[{name}](#{name.lower()})").replace("[[", "list of [").replace(", …]", "")


def error_rows() -> Iterator[str]:
    """Every kind of error that can be raised."""
    for each in vars(errors).values():
        if inspect.isclass(each) and issubclass(each, errors.MigrateError) and not each.__doc__.startswith("Base of"):
            yield f"| `{each('').kind}` | {each.exit_code} | {' '.join(inspect.getdoc(each).split())} |"


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page())
