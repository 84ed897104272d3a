"""The structure that the revisions make, without running them: that of a database which they have made.

A database tells how it is made, and not by whom: a table may have come of `create_all()`, a column of a statement by
hand. What the revisions write is looked through for the names of what is there, and anything that is not found means
that they have to be run.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from alembic.runtime.migration import MigrationContext, StampStep

from oppmigrate.databases import Database
from oppmigrate.databases.structure_questions import Structure
from oppmigrate.errors import MigrateError
from oppmigrate.planner.state import State
from oppmigrate.revisions import Graph

# in lower case, as everything here: rows that a revision adds, on which one that follows may fail
ADDS_ROWS = ("insert", "replace into", "add_all(", ".add(")
# what stands before the name of a table where it is given to it
MAKES = re.compile(
    r"""(?: create_table\(\s*(?:table_name\s*=\s*)?["']
          | rename_table\(\s*["'][^"']+["']\s*,\s*["']
          | \b(?:table|rename\s+to)\s+(?:if\s+not\s+exists\s+)?[\\"'`\[]* )\Z""",
    re.VERBOSE,
)
LONGEST_BEFORE = 200


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a scratch database may begin, in place of empty: with the structure of `database`, which is at `heads`."""

    database: Database
    heads: tuple[str, ...]
    structure: Structure

    def steps(self, context: MigrationContext) -> Iterator[StampStep]:
        """Make it, and record its heads."""
        assert context.script is not None and context.connection is not None
        self.database.make_structure(context.connection, self.structure)
        yield from context.script._stamp_revs(self.heads, ())


def beginning_at_heads(state: State, tables: Collection[str]) -> Beginning | None:
    """What running every revision would come to; None where that is not certain.

    Args:
        tables: those that matter, with their schema where they have one.
    """
    database = state.database
    if not state.is_at_heads or len(state.databases) > 1 or any("." in table for table in tables):
        return None
    try:
        structure = database.run(lambda connection: database.read_structure(connection, tables))
    except MigrateError:  # whatever it is, the revisions can still be run
        return None
    if structure is None or not _is_made_by(state.graph, structure):
        return None
    return Beginning(database, state.heads, structure)


def _is_made_by(graph: Graph, structure: Structure) -> bool:
    sources = [file.source.decode(errors="replace").lower() for file in graph.revisions.values()]
    return all(
        _makes(sources, table.lower(), {name.lower() for name in names}) for table, names in structure.names.items()
    )


def _makes(sources: Iterable[str], table: str, names: Collection[str]) -> bool:
    """Do these files make the table, with nothing in it but the names in them?"""
    places = {source: list(_places(source, table)) for source in sources}
    about = [source for source, found in places.items() if found]
    return (
        not any(words in source for source in about for words in ADDS_ROWS)
        and any(
            MAKES.search(source, max(0, place - LONGEST_BEFORE), place) for source in about for place in places[source]
        )
        and all(any(_has(source, name) for source in about) for name in names)
    )


def _places(source: str, word: str) -> Iterator[int]:
    """Where the word stands by itself."""
    for found in re.finditer(rf"{re.escape(word)}(?!\w)", source):
        before = source[found.start() - 1 : found.start()]
        if not (before.isalnum() or before == "_"):
            yield found.start()


def _has(source: str, word: str) -> bool:
    return next(_places(source, word), None) is not None
