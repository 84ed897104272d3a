"""What a database says of all tables of a schema at once: enough to tell which of them are as they are modelled.

Whatever these facts cannot say makes a table one that is not plain, and is asked for table by table, as ever.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: its columns, what they refer to, and what happens to them; None where nothing is said."""

    columns: tuple[str, ...]
    schema: str | None
    table: str
    referred: tuple[str, ...]
    on_delete: str | None = None
    on_update: str | None = None


@dataclass(slots=True)
class TableFacts:
    """A table.

    Args:
        columns: all that the server says of each but its name: two of the same are read as the same.
        indexes: those on columns alone: is it unique, and which columns.
        uniques: name and columns of each constraint; None where the server keeps them as indexes.
        foreign_keys: with their names.
        checks: the condition of each.
        is_plain: do these facts say everything of the table?
    """

    columns: dict[str, Hashable] = field(default_factory=dict)
    primary_key: tuple[str, ...] = ()
    indexes: dict[str, tuple[bool, tuple[str, ...]]] = field(default_factory=dict)
    uniques: list[tuple[str | None, tuple[str, ...]]] | None = field(default_factory=list)
    foreign_keys: list[tuple[str | None, Reference]] = field(default_factory=list)
    checks: dict[str, str] = field(default_factory=dict)
    comment: str | None = None
    is_plain: bool = True


class FactQuestions:
    """The answer of a server that nobody here knows how to ask for all tables at once."""

    def read_facts(self, connection: Connection, schema: str | None) -> Mapping[str, TableFacts] | None:
        """The tables of a schema, by name; None where they are to be asked for one by one.

        Args:
            schema: None for the default one.
        """
        return None
