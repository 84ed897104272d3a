"""A stored CREATE TABLE statement, read: where each column, each of its clauses and each constraint stands in it.

Source of the grammar: SQLite, src/parse.y. It takes more than its manual shows: constraints without commas between
them, `CONSTRAINT name` with nothing behind it, a string for a name, `GENERATED ALWAYS` as the end of a type.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from oppmigrate.databases.sqlite_rebuild.tokens import Token, fold, names_used, normalized, tokenize

CLAUSE_WORDS = (
    "CONSTRAINT",
    "PRIMARY",
    "NOT",
    "NULL",
    "UNIQUE",
    "CHECK",
    "DEFAULT",
    "COLLATE",
    "REFERENCES",
    "AS",
    "DEFERRABLE",
)
CONSTRAINT_WORDS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")


class Unreadable(Exception):
    """The text is no CREATE TABLE that can be edited."""


@dataclass(frozen=True)
class Clause:
    """One constraint or property, of a column or of the table.

    Args:
        kind: PRIMARY KEY, NOT NULL, NULL, UNIQUE, CHECK, DEFAULT, COLLATE, FOREIGN KEY (`REFERENCES …` of a column
            too), GENERATED, DEFERRABLE; or CONSTRAINT, for a name with nothing behind it.
        name: what stands behind CONSTRAINT.
        body: the tokens behind that name; `tokens` has all.
        column: the column that it stands in; None for one of the table.
    """

    kind: str
    name: str | None
    tokens: tuple[Token, ...]
    body: tuple[Token, ...]
    column: str | None = None

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end

    @cached_property
    def group(self) -> tuple[Token, ...]:
        """What stands in its first parentheses."""
        opening = next((place for place, token in enumerate(self.body) if token.is_mark("(")), None)
        if opening is None:
            return ()
        return self.body[opening + 1 : _closing(self.body, opening)]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns it is about, of its own table: a CHECK's and an expression's are those it mentions."""
        if self.column is not None and self.kind != "CHECK" and self.kind != "GENERATED":
            return (self.column,)
        if self.kind in ("PRIMARY KEY", "UNIQUE", "FOREIGN KEY"):
            return tuple(part[0].name for part in split(self.group) if part)
        return ()

    @cached_property
    def mentioned(self) -> set[str]:
        """Every column, folded, that it could not do without."""
        if self.kind in ("CHECK", "GENERATED", "DEFAULT"):
            return names_used(self.group)
        return {fold(name) for name in self.columns}

    @cached_property
    def referred(self) -> tuple[str, tuple[str, ...]]:
        """A foreign key's table, and the columns there: none where it means the primary key."""
        place = next(place for place, token in enumerate(self.body) if token.is_word("REFERENCES"))
        table = self.body[place + 1].name
        if place + 2 < len(self.body) and self.body[place + 2].is_mark("("):
            inner = self.body[place + 3 : _closing(self.body, place + 2)]
            return table, tuple(part[0].name for part in split(inner) if part)
        return table, ()

    @property
    def says(self) -> tuple[str, ...]:
        """Its content, for comparing."""
        return normalized(self.group) if self.kind == "CHECK" else normalized(self.body)


@dataclass(frozen=True)
class ColumnText:
    """One column as it is written. `type_tokens` are empty for a column without a type."""

    name: str
    tokens: tuple[Token, ...]
    type_tokens: tuple[Token, ...]
    clauses: tuple[Clause, ...]

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end

    @property
    def head_end(self) -> int:
        """Where the name and the type end."""
        return (self.type_tokens or self.tokens)[-1 if self.type_tokens else 0].end

    def clause(self, kind: str) -> Clause | None:
        return next((clause for clause in self.clauses if clause.kind == kind), None)

    @property
    def is_generated(self) -> bool:
        return self.clause("GENERATED") is not None

    @property
    def is_stored(self) -> bool:
        generated = self.clause("GENERATED")
        return generated is not None and generated.body[-1].is_word("STORED")


@dataclass(frozen=True)
class Definition:
    """A CREATE TABLE statement. `commas` has the comma behind each item of `columns` and `constraints`, if any."""

    sql: str
    name: Token
    columns: tuple[ColumnText, ...]
    constraints: tuple[Clause, ...]
    commas: tuple[Token | None, ...]
    closing: Token
    options: tuple[Token, ...]

    def column(self, name: str) -> ColumnText | None:
        return next((column for column in self.columns if fold(column.name) == fold(name)), None)

    def text(self, tokens: Sequence[Token]) -> str:
        """The text from the first token to the last, comments between them included."""
        return self.sql[tokens[0].start : tokens[-1].end] if tokens else ""

    def type_of(self, column: ColumnText) -> str:
        return self.text(column.type_tokens)

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """Every clause, of the columns first."""
        return (*(clause for column in self.columns for clause in column.clauses), *self.constraints)

    def of_kind(self, kind: str) -> tuple[Clause, ...]:
        return tuple(clause for clause in self.clauses if clause.kind == kind)

    @property
    def primary_key(self) -> Clause | None:
        return next(iter(self.of_kind("PRIMARY KEY")), None)

    @property
    def has_rowid(self) -> bool:
        return not any(token.is_word("WITHOUT") for token in self.options)

    @property
    def is_strict(self) -> bool:
        return any(token.is_word("STRICT") for token in self.options)

    @property
    def autoincrements(self) -> bool:
        key = self.primary_key
        return key is not None and any(token.is_word("AUTOINCREMENT") for token in key.body)

    @property
    def qualifies_itself(self) -> bool:
        """Does an expression name the table before a column, `CHECK (users.age > 0)`?"""
        tokens = [token for clause in self.clauses for token in clause.group]
        own = fold(self.name.name)
        pairs = zip(tokens, tokens[1:], strict=False)
        return any(first.is_name and fold(first.name) == own and then.is_mark(".") for first, then in pairs)


def read_definition(sql: str) -> Definition:
    """Read a CREATE TABLE statement as SQLite stores it.

    Raises:
        Unreadable: it is a virtual table, or says something that no SQLite up to 3.50 says.
    """
    return _Reader(sql).read()


def split(tokens: Sequence[Token]) -> list[list[Token]]:
    """A list in parentheses by its commas."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += token.is_mark("(") - token.is_mark(")")
        if depth == 0 and token.is_mark(","):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts if parts != [[]] else []


def _closing(tokens: Sequence[Token], place: int) -> int:
    depth = 0
    for number in range(place, len(tokens)):
        depth += tokens[number].is_mark("(") - tokens[number].is_mark(")")
        if depth == 0:
            return number
    raise Unreadable("a parenthesis is never closed")


class _Reader:
    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._tokens = list(tokenize(sql))
        self._place = 0

    def read(self) -> Definition:
        self._expect("CREATE")
        self._skip("TEMP", "TEMPORARY")
        self._expect("TABLE")
        name = self._name()
        self._open()
        columns: list[ColumnText] = []
        constraints: list[Clause] = []
        commas: list[Token | None] = []
        while True:
            if self._is_word(*CONSTRAINT_WORDS) and columns:
                constraints.append(self._constraint())
            elif not constraints:
                columns.append(self._column())
            else:
                raise self._unexpected()
            token = self._next()
            if token.is_mark(","):
                commas.append(token)
            elif token.is_mark(")"):
                commas.append(None)
                break
            elif constraints and token.is_word(*CONSTRAINT_WORDS):  # SQLite asks for no comma between constraints
                self._place -= 1
                commas.append(None)
            else:
                self._place -= 1
                raise self._unexpected()
        return Definition(
            self._sql,
            name,
            tuple(columns),
            tuple(constraints),
            tuple(commas),
            token,
            tuple(self._tokens[self._place :]),
        )

    # ---- columns

    def _column(self) -> ColumnText:
        start = self._place
        name = self._name()
        type_tokens = self._type()
        clauses = []
        while not self._at_item_end():
            clauses.append(self._column_clause(name.name))
        return ColumnText(name.name, tuple(self._tokens[start : self._place]), type_tokens, tuple(clauses))

    def _type(self) -> tuple[Token, ...]:
        start = self._place
        while self._peek().is_name and not self._begins_clause():
            self._place += 1
        if self._place > start and self._peek().is_mark("("):
            self._group()
        return tuple(self._tokens[start : self._place])

    def _begins_clause(self) -> bool:
        if self._is_word("GENERATED"):
            return self._place + 1 < len(self._tokens) and self._tokens[self._place + 1].is_word("ALWAYS")
        return self._is_word(*CLAUSE_WORDS)

    def _column_clause(self, column: str) -> Clause:
        start = self._place
        name = self._constraint_name()
        body = self._place
        if name is not None and (self._at_item_end() or self._is_word("CONSTRAINT")):
            return Clause("CONSTRAINT", name, tuple(self._tokens[start:body]), (), column)
        kind = self._column_clause_kind()
        tokens = tuple(self._tokens[start : self._place])
        return Clause(kind, name, tokens, tuple(self._tokens[body : self._place]), column)

    def _column_clause_kind(self) -> str:
        word = self._next()
        kind = word.text.upper() if word.kind == "word" else ""
        if kind == "NOT" and self._skip("DEFERRABLE"):
            self._deferred()
            return "DEFERRABLE"
        if kind == "DEFERRABLE":
            self._deferred()
            return kind
        if kind in ("NOT", "NULL"):
            if kind == "NOT":
                self._expect("NULL")
            self._on_conflict()
            return "NOT NULL" if kind == "NOT" else kind
        if kind == "PRIMARY":
            self._expect("KEY")
            self._skip("ASC", "DESC")
            self._on_conflict()
            self._skip("AUTOINCREMENT")
            return "PRIMARY KEY"
        if kind == "UNIQUE":
            self._on_conflict()
            return kind
        if kind == "CHECK":
            self._group()
            return kind
        if kind == "DEFAULT":
            self._default()
            return kind
        if kind == "COLLATE":
            self._name()
            return kind
        if kind == "REFERENCES":
            self._references()
            return "FOREIGN KEY"
        if kind in ("GENERATED", "AS"):
            if kind == "GENERATED":
                self._expect("ALWAYS")
                self._expect("AS")
            self._group()
            self._skip("STORED", "VIRTUAL")
            return "GENERATED"
        self._place -= 1
        raise self._unexpected()

    def _default(self) -> None:
        if self._peek().is_mark("("):
            self._group()
            return
        if self._peek().is_mark("+", "-"):
            self._place += 1
        self._next()

    # ---- constraints of the table

    def _constraint(self) -> Clause:
        start = self._place
        name = self._constraint_name()
        body = self._place
        if name is not None and (self._at_item_end() or self._is_word("CONSTRAINT")):
            return Clause("CONSTRAINT", name, tuple(self._tokens[start:body]), ())
        word = self._next()
        kind = word.text.upper()
        if word.is_word("PRIMARY", "FOREIGN"):
            self._expect("KEY")
            kind += " KEY"
        elif not word.is_word("UNIQUE", "CHECK"):
            self._place -= 1
            raise self._unexpected()
        self._group()
        if kind == "FOREIGN KEY":
            self._expect("REFERENCES")
            self._references()
        else:
            self._on_conflict()
        return Clause(kind, name, tuple(self._tokens[start : self._place]), tuple(self._tokens[body : self._place]))

    def _constraint_name(self) -> str | None:
        return self._name().name if self._skip("CONSTRAINT") else None

    def _references(self) -> None:
        self._name()
        if self._peek().is_mark("("):
            self._group()
        while True:
            if self._skip("MATCH"):
                self._name()
            elif self._is_word("ON"):
                self._place += 2
                if not self._skip("CASCADE", "RESTRICT"):
                    self._place += 2  # SET NULL, SET DEFAULT, NO ACTION
            elif self._skip("DEFERRABLE"):
                self._deferred()
            elif self._is_word("NOT") and self._tokens[self._place + 1].is_word("DEFERRABLE"):
                self._place += 2
                self._deferred()
            else:
                return

    def _deferred(self) -> None:
        if self._skip("INITIALLY"):
            self._place += 1

    def _on_conflict(self) -> None:
        if self._is_word("ON"):
            self._place += 3

    # ---- tokens

    def _peek(self) -> Token:
        if self._place >= len(self._tokens):
            raise Unreadable("it ends too early")
        return self._tokens[self._place]

    def _next(self) -> Token:
        token = self._peek()
        self._place += 1
        return token

    def _name(self) -> Token:
        token = self._next()
        if not token.is_name:
            self._place -= 1
            raise self._unexpected()
        return token

    def _is_word(self, *words: str) -> bool:
        return self._peek().is_word(*words)

    def _skip(self, *words: str) -> bool:
        if self._is_word(*words):
            self._place += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._skip(word):
            raise self._unexpected()

    def _open(self) -> None:
        if not self._next().is_mark("("):
            self._place -= 1
            raise self._unexpected()

    def _group(self) -> None:
        if not self._peek().is_mark("("):
            raise self._unexpected()
        self._place = _closing(self._tokens, self._place) + 1

    def _at_item_end(self) -> bool:
        return self._peek().is_mark(",", ")")

    def _unexpected(self) -> Unreadable:
        token = self._peek()
        return Unreadable(f"`{token.text}` at character {token.start + 1} is not expected there")
