"""Reading a stored CREATE TABLE statement.

Source of the grammar: SQLite, src/parse.y. It takes more than its manual shows: constraints without commas between
them, `CONSTRAINT name` with nothing behind it, a string for a name, `GENERATED ALWAYS` as the end of a type.
"""

from oppmigrate.databases.sqlite_rebuild.definition import Clause, ColumnText, Definition, Unreadable, closing
from oppmigrate.databases.sqlite_rebuild.tokens import Token, tokenize

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


def read_definition(sql: str) -> Definition:
    """Read a CREATE TABLE statement as SQLite stores it.

    Raises:
        Unreadable: it is a virtual table, or says something that no SQLite up to 3.50 says.
    """
    return _Reader(sql).read()


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
        if name is not None and self._at_item_end():
            return Clause("CONSTRAINT", name, tuple(self._tokens[start:body]), (), column)
        kind = self._column_clause_kind()
        tokens = tuple(self._tokens[start : self._place])
        return Clause(kind, name, tokens, tuple(self._tokens[body : self._place]), column)

    def _column_clause_kind(self) -> str:
        word = self._next()
        kind = word.text.upper() if word.kind == "word" else ""
        if kind in ("NOT", "NULL", "DEFERRABLE"):
            return self._null_or_deferrable(kind)
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

    def _null_or_deferrable(self, word: str) -> str:
        kind = word
        if word == "NOT":
            kind = "DEFERRABLE" if self._skip("DEFERRABLE") else "NOT NULL"
        if kind == "DEFERRABLE":
            self._deferred()
            return kind
        if word == "NOT":
            self._expect("NULL")
        self._on_conflict()
        return kind

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
        if name is not None and self._at_item_end():
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
        name = None
        while self._skip("CONSTRAINT"):  # of several names, SQLite takes the last
            name = self._name().name
        return name

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
        self._place = closing(self._tokens, self._place) + 1

    def _at_item_end(self) -> bool:
        return self._peek().is_mark(",", ")")

    def _unexpected(self) -> Unreadable:
        token = self._peek()
        return Unreadable(f"`{token.text}` at character {token.start + 1} is not expected there")
