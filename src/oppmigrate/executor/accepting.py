"""`stamp --accept-edits`: edited files stand for what was applied."""

from collections.abc import Collection

from alembic.runtime.migration import MigrationContext

from oppmigrate import __version__
from oppmigrate.config import Policy
from oppmigrate.environment.hooks import Visit
from oppmigrate.environment.session import Environment
from oppmigrate.identity import user_at_host
from oppmigrate.recorder import Journal
from oppmigrate.results import EditedRevision
from oppmigrate.revisions import Graph


def accept_edits(environment: Environment, graph: Graph, edited: Collection[EditedRevision], policy: Policy) -> None:
    """Write down that the files, as they are now, stand for what was applied; what was run stays in the journal."""

    def work(_heads: tuple[str, ...], context: MigrationContext) -> tuple[()]:
        journal, connection = Journal.beside(context, policy.journal_table), context.connection
        assert connection is not None
        # where env.py has each revision in a transaction of its own, nobody has begun one for us
        with context.begin_transaction(_per_migration=True):
            for revision in journal.applied(connection, {each.revision for each in edited}):
                file = graph.revisions[revision]
                journal.accept(
                    connection,
                    revision=revision,
                    checksum=file.checksum,
                    body=file.source,
                    by=user_at_host(),
                    version=__version__,
                )
        return ()

    visit = Visit(work, writes=True, lock_timeout_s=policy.lock_timeout_s)
    environment.run(visit, command="stamp", revision="heads")
