"""The files by which a project is known; light to import."""

PROJECT_MARKERS = ("alembic.ini", "oppman.py", "migrations/alembic.ini", "migrations/env.py", "alembic/env.py")
