"""The way to the journals, which lie beside the version tables: where `env.py` decides that, by way of `env.py`."""

from collections.abc import Callable
from typing import TypeVar

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from oppmigrate.environment.hooks import Visit
from oppmigrate.environment.session import Environment
from oppmigrate.recorder import Journal, JournalEntry
from oppmigrate.results import Run

T = TypeVar("T")
# what is asked of each journal, with the context of the connection that leads there
Question = Callable[[Journal, MigrationContext], T]


def ask_journals(environment: Environment, question: Question[T]) -> tuple[T, ...]:
    """What the journal of each of the project's databases answers; nothing where there is no database yet."""
    name = environment.settings.policy.journal_table
    if environment.is_ours:
        database = environment.database()
        if not database.exists():
            return ()
        if not environment.sets_version_table:

            def ask(connection: Connection) -> T:
                context = MigrationContext.configure(connection)
                return question(Journal.beside(context, name), context)

            return (database.run(ask),)
    answers: list[T] = []

    def work(_heads: tuple[str, ...], context: MigrationContext) -> tuple[()]:
        answers.append(question(Journal.beside(context, name), context))
        return ()

    environment.run(Visit(work))
    return tuple(answers)


def connection_of(context: MigrationContext) -> Connection:
    """The connection that a question is asked on."""
    assert context.connection is not None
    return context.connection


def list_runs(environment: Environment) -> tuple[Run, ...]:
    """Every run of a revision that a journal tells of, newest first."""
    answers = ask_journals(environment, lambda journal, context: journal.entries(connection_of(context)))
    runs = [run_of(entry) for entries in answers for entry in entries]
    # those of one journal are in order already, also where a clock was set back; Python's sort leaves them so
    return tuple(runs if len(answers) == 1 else sorted(runs, key=lambda run: run.started, reverse=True))


def run_of(entry: JournalEntry) -> Run:
    """An entry as a fact for the user."""
    return Run(
        entry.revision,
        entry.direction,
        entry.outcome,
        entry.started,
        entry.finished,
        entry.duration_ms,
        entry.rows_moved,
        entry.by,
        entry.version,
        entry.backup,
        entry.error,
    )
