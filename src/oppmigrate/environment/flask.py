"""Flask-Migrate's `env.py` asks the running application for its database: give it one to ask."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from oppmigrate.errors import EnvironmentFailed


@contextlib.contextmanager
def application_context(env_file: Path) -> Iterator[None]:
    """Push the Flask application that FLASK_APP names (else app.py or wsgi.py), where `env.py` reads `current_app`.

    Raises:
        EnvironmentFailed: Flask is not installed, or it finds no application.
    """
    if "current_app" not in env_file.read_text(encoding="utf-8", errors="replace"):
        yield
        return
    try:
        from flask import has_app_context
        from flask.cli import NoAppException, ScriptInfo
    except ImportError as error:
        raise EnvironmentFailed(
            f"{env_file.name} asks Flask for its application, and Flask is not installed",
            do="run the command with the Python of that project",
        ) from error
    if has_app_context():
        yield
        return
    # `flask` puts the working directory on the path; the engine runs in the project's folder
    sys.path.insert(0, str(Path.cwd()))
    try:
        application = ScriptInfo().load_app()
    except NoAppException as error:
        raise EnvironmentFailed(
            "Flask finds no application for env.py",
            why=" ".join(str(error).split()),
            do="name it: FLASK_APP=package.module:application",
        ) from error
    with application.app_context():
        yield
