"""Scratch databases: removed at the end whatever happens, and fenced off where real data is within reach."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from oppmigrate.errors import AccessDenied, DatabaseError, MigrateError

PREFIX = "oppman_scratch_"

DATA_DEFINITION = re.compile(r"\s*(create|alter|drop|truncate|comment|grant|revoke|rename)\b", re.IGNORECASE)
# what is not inside of any schema, or moves to another one; USE begins a statement: `in_use BOOL` is a column
WHOLE_DATABASE = re.compile(
    r"\b(create|alter|drop)\s+(schema|database|extension|role|user|publication|subscription|event\s+trigger|server)\b"
    r"|(^|;|\*/)\s*use\b|\bset\s+(session\s+|local\s+)?search_path\b|\bset_config\s*\(\s*'search_path'",
    re.IGNORECASE,
)
SHOWN_CHARACTERS = 120


def fence_off(engine: Engine, names: Iterable[str], *, what: str, do: str) -> None:
    """Refuse, on the engine, every statement that names one of the schemas or databases.

    It reads the text of statements: what a function on the server composes goes through.

    Args:
        names: the schemas or databases with real data.
        what: the scratch place, in words.
        do: what gives a scratch place that needs no fence.
    """
    choice = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    qualified = rf"""(?<![\w$."`])["`]?(?:{choice})["`]?\s*\.\s*["`\w]"""
    anywhere = re.compile(qualified, re.IGNORECASE) if choice else None
    words = r"\b(?:from|join|into|update|table|only|using|call)\s+(?:\(\s*)*"
    as_table = re.compile(words + qualified.replace('(?<![\\w$."`])', ""), re.IGNORECASE) if choice else None

    def refuse(_c: Any, _cursor: Any, statement: str, _p: Any, _context: Any, _many: bool) -> None:
        # outside of data definition, `users.id` may as well be a column of the table `users`
        pattern = anywhere if DATA_DEFINITION.match(statement) else as_table
        if (pattern and pattern.search(statement)) or WHOLE_DATABASE.search(statement):
            raise AccessDenied(
                f"a statement was not run in {what}: {' '.join(statement.split())[:SHOWN_CHARACTERS]}",
                why="it names a schema or a database outside of it, and would change real data",
                do=do,
            )

    event.listen(engine, "before_cursor_execute", refuse)


@contextmanager
def removed_after(run: Callable[[str], None], removal: str, name: str) -> Iterator[None]:
    """Run the removal at the end; an error of the block goes before one of the removal."""
    try:
        yield
    except BaseException as error:
        try:
            run(removal)
        except MigrateError as left:
            error.add_note(f"{name} was left behind ({left.what}); to remove it: {removal}")
        raise
    try:
        run(removal)
    except MigrateError as error:
        raise DatabaseError(f"{name} could not be removed", why=error.what, do=removal) from error
