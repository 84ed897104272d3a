"""SQL as it comes out of a run: Alembic's offline output, or what a live connection is given."""

import contextlib
import re
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, TextClause, event, literal
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import NullType

# what batch mode asks the database while it works; not part of what a revision does
_QUESTION = re.compile(r"\s*(SELECT|PRAGMA|SHOW|EXPLAIN)\b", re.IGNORECASE)

LITERAL = {"literal_binds": True}


class Output(StringIO):
    """Collects SQL, a statement or a comment an item.

    `softened`: a table that may be there already. Alembic's script makes the version table wherever it starts from the
    base, and a database that was brought back to the base has one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.statements: list[str] = []
        self.softened: str | None = None

    def write(self, text: str, /) -> int:
        """Alembic writes one statement, or one comment, a call."""
        if text.strip():
            self.statements.append(self._soft(text.strip()))
        return len(text)

    def _soft(self, statement: str) -> str:
        making = f"CREATE TABLE {self.softened} ("
        if self.softened is not None and statement.startswith(making):
            return statement.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1)
        return statement

    @contextlib.contextmanager
    def listening(
        self, connection: Connection, on_statement: Callable[[bool], None] = lambda _is_question: None
    ) -> Iterator[None]:
        """Collect what is executed on the connection meanwhile, its questions aside.

        Args:
            on_statement: told of each, and whether it is a question.
        """
        dialect: Any = type(connection.dialect)
        plain = dialect(paramstyle="named")  # other styles double every percent sign

        def heard(_connection: Any, _cursor: Any, statement: str, parameters: Any, context: Any, _many: bool) -> None:
            is_question = _QUESTION.match(statement) is not None
            on_statement(is_question)
            if not is_question:
                self.statements.extend(_written_out(statement, parameters, context, plain))

        event.listen(connection, "before_cursor_execute", heard)
        try:
            yield
        finally:
            event.remove(connection, "before_cursor_execute", heard)


def _written_out(statement: str, parameters: Any, context: Any, plain: Dialect) -> list[str]:
    """The statement with its values in it, once for each row of them, as a script needs it."""
    clause = getattr(getattr(context, "compiled", None), "statement", None)
    if clause is None:
        return [f"{statement.strip()};{_shown(parameters)}"]
    rows = context.compiled_parameters if parameters else [{}]
    try:
        return [
            f"{str(_with_values(clause, row).compile(dialect=plain, compile_kwargs=LITERAL)).strip()};" for row in rows
        ]
    except (SQLAlchemyError, NotImplementedError):  # a value that has no literal form
        return [f"{statement.strip()};{_shown(parameters)}"]


def _with_values(clause: Any, row: dict[str, Any]) -> Any:
    if isinstance(clause, Insert) and row:
        return clause.values({name: _literal(clause, name, value) for name, value in row.items()})
    return clause.bindparams(**row) if isinstance(clause, TextClause) else clause


def _literal(insert: Insert, name: str, value: Any) -> Any:
    """A value of the column's type; a column that names none gets the value's own."""
    column = insert.table.c.get(name)
    return literal(value, None if column is None or isinstance(column.type, NullType) else column.type)


def _shown(parameters: Any) -> str:
    return f"  -- with {parameters!r}" if parameters else ""
