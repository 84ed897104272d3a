"""What stands behind main.py: configuration, engine, login, admin views, audit log."""
