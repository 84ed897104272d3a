"""What ALTER TABLE does as exactly as a rebuild, and what is left for an edit of the definition, or for a rebuild.

Source: SQLite, lang_altertable.html; what it refuses, and what it would take and do otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from oppmigrate.databases.sqlite_rebuild.definition import ColumnText, Definition, StoredIndex
from oppmigrate.databases.sqlite_rebuild.tokens import fold

SIMPLE = ("DEFAULT", "NOT NULL", "NULL", "COLLATE")
EDITABLE = ("CHECK", "FOREIGN KEY")  # constraints that lie nowhere but in the definition


@dataclass
class Way:
    """How a change can be carried out.

    Args:
        clauses: of ALTER TABLE, in their order.
        is_native: they are all that it takes.
        is_editable: what they leave may be an edit of the stored definition.
    """

    clauses: list[str] = field(default_factory=list)
    is_native: bool = True
    is_editable: bool = True

    def alter(self, is_exact: bool, clause: str) -> None:
        """Take this clause, where it does exactly what is asked."""
        if is_exact:
            self.clauses.append(clause)
        else:
            self.rebuild()

    def change_clause(self, kind: str) -> None:
        """Take a constraint of this kind that comes or goes."""
        if kind in EDITABLE:
            self.edit()
        else:
            self.rebuild()

    def edit(self) -> None:
        self.is_native = False

    def rebuild(self) -> None:
        self.is_native = self.is_editable = False

    @property
    def drops(self) -> int:
        """How many columns ALTER TABLE would drop."""
        return sum(clause.startswith("DROP") for clause in self.clauses)


def adds_exactly(column: ColumnText) -> bool:
    """Does ADD COLUMN take it? Not with a default that is computed for each row, or with no value for a NOT NULL."""
    if column.clause("PRIMARY KEY") is not None or column.is_stored:
        return False
    if column.is_generated:
        return True
    default = column.clause("DEFAULT")
    if default is None:
        return column.clause("NOT NULL") is None
    if default.body[1].is_mark("(") or default.body[-1].text.upper().startswith("CURRENT_"):
        return False
    return column.clause("NOT NULL") is None or not default.body[-1].is_word("NULL")


def drops_exactly(definition: Definition, column: ColumnText, indexes: Iterable[StoredIndex]) -> bool:
    """Does DROP COLUMN take it? Not if anything of the table leans on it; views and triggers it looks after itself."""
    key = fold(column.name)
    others = [clause for clause in definition.clauses if clause.column != column.name]
    is_used = any(key in clause.mentioned for clause in others) or any(key in index.uses for index in indexes)
    return not is_used and all(clause.kind in SIMPLE for clause in column.clauses)
