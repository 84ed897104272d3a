"""Edits of a CREATE TABLE text: each changes the characters that it is about, and no other."""

from collections.abc import Sequence

from oppmigrate.databases.sqlite_rebuild.definition import Clause, ColumnText, Definition, split
from oppmigrate.databases.sqlite_rebuild.reading import read_definition
from oppmigrate.databases.sqlite_rebuild.tokens import fold

Edit = tuple[int, int, str]  # from, to, and what stands there then


def add_column(definition: Definition, text: str, *, after: str | None = None, first: bool = False) -> Definition:
    """Add a column: behind the column `after`, before all others, or behind the last one."""
    between = "," + _space_between_items(definition)
    if first:
        return _edited(definition, (definition.columns[0].start, definition.columns[0].start, text + between))
    neighbour = (definition.column(after) if after else None) or definition.columns[-1]
    return _edited(definition, (neighbour.end, neighbour.end, between + text))


def add_constraint(definition: Definition, text: str) -> Definition:
    end = _items(definition)[-1].end
    return _edited(definition, (end, end, "," + _space_between_items(definition) + text))


def remove_column(definition: Definition, column: ColumnText) -> Definition:
    return _edited(definition, *_removal(definition, definition.columns.index(column)))


def remove_clause(definition: Definition, clause: Clause) -> Definition:
    """Take a constraint out of the table, or a clause out of its column."""
    if clause.column is None:
        place = len(definition.columns) + definition.constraints.index(clause)
        return _edited(definition, *_removal(definition, place))
    column = definition.column(clause.column)
    assert column is not None
    gone = [clause]
    if clause.kind == "FOREIGN KEY":
        gone += [each for each in column.clauses if each.kind == "DEFERRABLE"]
    return _edited(definition, *(_with_space_before(definition.sql, each.start, each.end) for each in gone))


def set_clause(definition: Definition, column: ColumnText, kind: str, text: str) -> Definition:
    """Put `text` in the place of the column's clause of this kind; behind its type where it has none."""
    clause = column.clause(kind)
    if clause is not None:
        return _edited(definition, (clause.start, clause.end, text))
    return _edited(definition, (column.head_end, column.head_end, " " + text))


def set_type(definition: Definition, column: ColumnText, text: str) -> Definition:
    if column.type_tokens:
        return _edited(definition, (column.type_tokens[0].start, column.type_tokens[-1].end, text))
    return _edited(definition, (column.tokens[0].end, column.tokens[0].end, " " + text))


def set_columns_of(definition: Definition, clause: Clause, kept: Sequence[str]) -> Definition:
    """Leave only these columns in the list of a table's PRIMARY KEY."""
    names = {fold(name) for name in kept}
    parts = [part for part in split(clause.group) if fold(part[0].name) in names]
    text = ", ".join(definition.text(part) for part in parts)
    return _edited(definition, (clause.group[0].start, clause.group[-1].end, text))


def reorder(definition: Definition, names: Sequence[str]) -> Definition:
    """Put the columns in this order; comments between them stay where they are."""
    columns = [column for column in map(definition.column, names) if column is not None]
    edits = [
        (place.start, place.end, definition.text(column.tokens))
        for place, column in zip(definition.columns, columns, strict=True)
    ]
    return _edited(definition, *edits)


def set_option(definition: Definition, words: str, is_on: bool) -> Definition:
    """Add or remove WITHOUT ROWID or STRICT behind the closing parenthesis."""
    present = [part.strip() for part in definition.sql[definition.closing.end :].split(",") if part.strip()]
    kept = [part for part in present if part.upper().split() != words.split()]
    wanted = [*kept, words] if is_on else kept
    if is_on and kept != present:
        return definition
    text = " " + ", ".join(wanted) if wanted else ""
    return _edited(definition, (definition.closing.end, len(definition.sql), text))


def without_own_name(definition: Definition) -> Definition:
    """Without the table's own name before its columns: `CHECK (users.age > 0)` becomes `CHECK (age > 0)`."""
    own = fold(definition.name.name)
    edits = []
    for clause in definition.clauses:
        for first, then in zip(clause.group, clause.group[1:], strict=False):
            if first.is_name and fold(first.name) == own and then.is_mark("."):
                edits.append((first.start, then.end, ""))
    return _edited(definition, *edits) if edits else definition


def _edited(definition: Definition, *edits: Edit) -> Definition:
    sql = definition.sql
    for start, end, text in sorted(edits, reverse=True):
        sql = _joined(_joined(sql[:start], text), sql[end:])
    return read_definition(sql)


def _joined(first: str, second: str) -> str:
    """Two texts as one, with a space where two words, or two strings, would become one."""
    ends, begins = first[-1:], second[:1]
    grow_together = (_is_of_word(ends) and _is_of_word(begins)) or (ends == begins and ends in ("'", '"', "`"))
    return f"{first} {second}" if grow_together else first + second


def _is_of_word(char: str) -> bool:
    return bool(char) and (char.isalnum() or char in "_$" or not char.isascii())


def _items(definition: Definition) -> list[ColumnText | Clause]:
    return [*definition.columns, *definition.constraints]


def _removal(definition: Definition, place: int) -> list[Edit]:
    """Take an item out of the list with one of the commas beside it; comments stay."""
    items, sql = _items(definition), definition.sql
    item, comma = items[place], definition.commas[place]
    if comma is not None:
        end = comma.end
        if not sql[item.end : comma.start].strip():
            return [(item.start, _past_space(sql, end, items[place + 1].start), "")]
        return [(item.start, item.end, ""), (comma.start, comma.end, "")]
    if place + 1 < len(items):  # constraints without a comma between them: the one before stays for the next
        return [(item.start, _past_space(sql, item.end, items[place + 1].start), "")]
    before = definition.commas[place - 1] if place else None
    if before is None:
        return [_with_space_before(sql, item.start, item.end)]
    if not sql[before.end : item.start].strip():
        return [(before.start, item.end, "")]
    return [(before.start, before.end, ""), (item.start, item.end, "")]


def _past_space(sql: str, start: int, end: int) -> int:
    """`end` if there are only spaces up to it; else where a comment begins, if that is on the same line."""
    between = sql[start:end]
    if not between.strip():
        return end
    return start + len(between) - len(between.lstrip(" \t"))


def _with_space_before(sql: str, start: int, end: int) -> Edit:
    kept = sql[:start].rstrip(" \t\r\n")
    # behind a comment that ends with its line, the line's end has to stay
    return (len(kept), end, "") if "--" not in kept.rsplit("\n", 1)[-1] else (start, end, "")


def _space_between_items(definition: Definition) -> str:
    """The layout that the statement has: what stands before its last item."""
    items = _items(definition)
    start = items[-1].start
    before = definition.sql[:start]
    space = before[len(before.rstrip(" \t\r\n")) :]
    return space if "\n" in space else " "
