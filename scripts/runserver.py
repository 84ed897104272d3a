"""Start the application with its admin, for development and behind a proxy.

Example: python oppman.py runserver --reload
"""

import argparse
import asyncio
import os
import socket
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oppmigrate.config import Settings

NEEDED = ("uvicorn", "fastapi", "sqladmin", "argon2", "itsdangerous", "greenlet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=port_number, default=8000, help="which port (default: 8000)")
    parser.add_argument("--reload", action="store_true", help="start again when a file of the project changes")


def port_number(text: str) -> int:
    """A port from the command line."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text} is no port; ports are numbers from 1 to 65535")
    return int(text)


def run(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Serve until Ctrl-C; whatever would stop the server from being of use is said before it starts."""
    check_packages()
    from application.configuration import load_configuration

    configuration = load_configuration(settings.project)
    # the server, and with --reload each of its processes, uses the same database and signs with the same key
    os.environ.update(DATABASE_URL=settings.database_url, SECRET_KEY=configuration.secret_key)
    asyncio.run(check_database(settings.database_url))
    check_address(arguments.host, arguments.port)
    address = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    arguments.terminal.story(f"the admin is at http://{address}:{arguments.port}/admin; Ctrl-C ends the server")
    import uvicorn

    uvicorn.run(
        "main:app",
        host=arguments.host,
        port=arguments.port,
        app_dir=str(settings.project),
        reload=arguments.reload,
        reload_dirs=[str(settings.project)] if arguments.reload else None,
    )
    return 0


def check_packages() -> None:
    """Raise when the application's packages are not installed."""
    from application.errors import PackageMissing

    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise PackageMissing(
            f"the application needs packages that are not installed: {', '.join(missing)}",
            why="the migrations do without them, so they come only with the extra `admin`",
            do="pip install 'oppmigrate[admin]'",
            packages=missing,
        )


async def check_database(database_url: str) -> None:
    """Raise when the database does not answer, or lacks what the models need."""
    from application.engine import create_engine
    from application.readiness import read_readiness

    engine = create_engine(database_url)
    try:
        if error := (await read_readiness(engine)).error():
            raise error
    finally:
        await engine.dispose()


def check_address(host: str, port: int) -> None:
    """Raise when nothing can listen there."""
    from application.errors import AddressUnusable

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise AddressUnusable(
            f"the server cannot listen at {host}, port {port}",
            why=(getattr(error, "strerror", None) or str(error)).lower(),
            do="end what is running there, or choose another port: python oppman.py runserver --port 8001",
            host=host,
            port=port,
        ) from error
