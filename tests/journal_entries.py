"""A journal in a test's database, with what a run of `oppman` would have written."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from oppmigrate.databases import open_database
from oppmigrate.recorder import Journal
from oppmigrate.revisions import read_revision_file


def in_journal(url: str, work: Callable[[Journal, Connection], Any], *, name: str = "oppman_journal") -> Any:
    """Do the work on the journal, which is made where there is none, and commit."""
    journal = Journal(name)

    def run(connection: Connection) -> Any:
        with connection.begin():
            journal.ensure(connection)
            return work(journal, connection)

    return open_database(url).run(run)


def write_down(
    url: str, *files: Path, direction: Any = "upgrade", outcome: Any = "done", name: str = "oppman_journal", **end: Any
) -> None:
    """An entry for a run of each file, as it is now."""

    def work(journal: Journal, connection: Connection) -> None:
        for path in files:
            file = read_revision_file(path)
            id_ = journal.begin(
                connection,
                revision=file.revision,
                direction=direction,
                checksum=file.checksum,
                body=file.source,
                by="ada@tower",
                version="0.1.0",
            )
            journal.finish(connection, id_, outcome=outcome, **{"duration_ms": 12.5, "rows_moved": 3, **end})

    in_journal(url, work, name=name)


def replace_bodies(url: str, body: bytes) -> None:
    """Put another file's source into every entry."""
    in_journal(
        url, lambda journal, connection: connection.execute(journal.table.update().values(body=zlib.compress(body)))
    )
