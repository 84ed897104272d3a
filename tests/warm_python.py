"""Python that has the heavy imports behind it and forks for each command: a page of fifty commands runs in seconds.

`with warm_python(folder) as programs:` gives a folder to put first on the PATH. The `python`, `oppman` and `alembic` in
it behave as the real ones do, with one difference: a revision's id is made from the command line that made it, so that
a page can name the ids that it shows.
"""

import contextlib
import hashlib
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PRELOADED = (
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.ext.asyncio",
    "sqlmodel",
    "alembic.command",
    "alembic.config",
    "alembic.autogenerate",
    "oppmigrate.manager",
    "oppmigrate.cli.main",
    "oppmigrate.planner",
    "oppmigrate.executor",
    "oppmigrate.difference",
    "oppmigrate.databases",
    "oppmigrate.environment.session",
    "oppmigrate.scaffold",
)
CLIENT = """\
#!{python} -IS
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
request = dict(program={name!r}, arguments=sys.argv[1:], folder=os.getcwd(), environment=dict(os.environ))
socket.send_fds(server, [b"!"], [0, 1, 2])
server.sendall(json.dumps(request).encode() + b"\\n")
sys.exit(int(server.recv(8) or b"1"))
"""
STARTED_S = 60


@contextlib.contextmanager
def warm_python(folder: Path) -> Iterator[Path]:
    """Start the server, its socket and programs in `folder` (whose path has to be short: sockets ask for that)."""
    address = folder / "socket"
    programs = folder / "bin"
    programs.mkdir()
    for name in ("python", "oppman", "alembic"):
        program = programs / name
        program.write_text(CLIENT.format(python=sys.executable, address=str(address), name=name), encoding="utf-8")
        program.chmod(0o755)
    command = [sys.executable, __file__, str(address)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}  # Alembic lists a table's indexes in the order of a set
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout
        if server.stdout.readline() != b"ready\n":
            raise RuntimeError("the server of the warm Python did not start")
        try:
            yield programs
        finally:
            server.terminate()


def serve(address: str) -> None:
    """Fork for each request, for ever."""
    give_ids_by_command()
    for name in PRELOADED:
        importlib.import_module(name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.write(1, b"ready\n")
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            answer(connection)
        connection.close()


def answer(connection: socket.socket) -> None:
    """Run one command in the place and with the streams of the client, and send its exit code."""
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rb") as lines:
        request = json.loads(lines.readline())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    # as on a terminal: line by line, each in one piece
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    code = exit_code(request["program"], request["arguments"])
    sys.stdout.flush()
    connection.sendall(str(code).encode())
    os._exit(0)


def exit_code(program: str, arguments: list[str]) -> int:
    """What the command ends with, its last words said."""
    import traceback

    try:
        run(program, arguments)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def run(program: str, arguments: list[str]) -> Any:
    """What the interpreter does with its command line."""
    sys.argv = [program, *arguments]
    if program == "oppman":
        return sys.exit(importlib.import_module("oppmigrate.cli").main())
    if program == "alembic":
        return sys.exit(importlib.import_module("alembic.config").main())
    sys.argv = arguments[1:] if arguments[0] == "-m" else arguments
    if arguments[0] == "-m":
        sys.path[0] = str(Path.cwd())
        return runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    if arguments[0] == "-c":
        sys.path[0] = ""
        return exec(arguments[1], {"__name__": "__main__"})
    sys.path[0] = str(Path(arguments[0]).absolute().parent)
    return runpy.run_path(arguments[0], run_name="__main__")


def give_ids_by_command() -> None:
    """Before anything imports the name."""
    util: Any = importlib.import_module("alembic.util")
    util.rev_id = lambda: hashlib.sha1("\0".join(sys.argv[1:]).encode()).hexdigest()[:12]


if __name__ == "__main__":
    serve(sys.argv[1])
