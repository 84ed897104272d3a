"""How long commands take, beside stock Alembic and beside the least that the work could cost."""
