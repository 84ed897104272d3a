from sqlalchemy import create_engine

from alembic import context

import models

print("env.py is run")


def number(migration_context, revision, directives):
    """Revisions are numbered rather than given an id at random."""
    (directive,) = directives
    head = context.script.get_current_head()
    directive.rev_id = f"{int(head or 0) + 1:04}"


with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=models.Base.metadata,
        process_revision_directives=number,
        template_args={"customer": "shop"},
    )
    with context.begin_transaction():
        context.run_migrations()
