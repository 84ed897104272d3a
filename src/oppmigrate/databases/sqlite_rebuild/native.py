"""What ALTER TABLE does as exactly as a rebuild.

Source: SQLite, lang_altertable.html; what it refuses, and what it would take and do otherwise.
"""

from collections.abc import Iterable

from oppmigrate.databases.sqlite_rebuild.definition import ColumnText, Definition, StoredIndex
from oppmigrate.databases.sqlite_rebuild.tokens import fold

SIMPLE = ("DEFAULT", "NOT NULL", "NULL", "COLLATE")


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
