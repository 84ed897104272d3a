"""The refusal of a data step, in the words of both commands."""

from alembic.util import CommandError

from oppmigrate import errors


class DataStepRefused(errors.DataStepRefused, CommandError):
    """Stock `alembic` prints a `CommandError` as one message, and anything else as a traceback."""


def not_offline(what: str, instead: str) -> DataStepRefused:
    """The refusal where SQL is only written.

    Args:
        what: what cannot be had.
        instead: a line that can be written as SQL.
    """
    return DataStepRefused(
        f"{what} cannot be had: SQL is only written, and no database is asked",
        why="how a table is at this revision, and what it holds, is known to the database alone",
        do=f"carry the revision out on a database, without --sql; or write the step as one statement: {instead}",
    )
