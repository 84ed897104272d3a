"""Programs that a fork server runs (see `fork_server`): a page of fifty commands runs in seconds.

`with warm_python(folder) as programs:` gives a folder to put first on the PATH. The `python`, `oppman` and `alembic` in
it behave as the real ones do, with one difference: a revision's id is made from the command line that made it, so that
a page can name the ids that it shows.
"""

import contextlib
import hashlib
import importlib
import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fork_server

# the project's code, which these commands may have behind them: no test changes it under them
PRELOADED = (
    "oppmigrate.manager",
    "oppmigrate.cli.running",
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
answers = server.makefile("rb")
answers.readline()  # the names of the modules that it has loaded
command = [*{command!r}, *sys.argv[1:]]
request = dict(command=command, cwd=os.getcwd(), env=dict(os.environ), timeout_s=None)
socket.send_fds(server, [b"!"], [0, 1, 2])
server.sendall(json.dumps(request).encode() + b"\\n")
code = json.loads(answers.readline() or b"1")
sys.exit(code if code >= 0 else 128 - code)
"""
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",  # Alembic lists a table's indexes in the order of a set
    "PYTHONIOENCODING": "utf-8",
    "PYTHONUNBUFFERED": "1",  # what goes to both streams is to be in the order of saying
}


@contextlib.contextmanager
def warm_python(folder: Path) -> Iterator[Path]:
    """Start the server, its socket and programs in `folder` (whose path has to be short: sockets ask for that)."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("python", "oppman", "alembic"):
        script = [] if name == "python" else [str(Path(sysconfig.get_path("scripts")) / name)]
        source = CLIENT.format(python=sys.executable, address=str(folder / "socket"), command=[sys.executable, *script])
        (programs / name).write_text(source, encoding="utf-8")
        (programs / name).chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen(64)
        server = subprocess.Popen(
            [sys.executable, __file__, str(listener.fileno())],
            # pipes: a stream that began as a file would be asked for its position when it is a pipe
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **ENVIRONMENT},
            pass_fds=[listener.fileno()],
        )
    with server:
        try:
            yield programs
        finally:
            server.terminate()


def give_ids_by_command() -> None:
    """Before anything imports the name."""
    util: Any = importlib.import_module("alembic.util")
    util.rev_id = lambda: hashlib.sha1("\0".join(sys.argv[1:]).encode()).hexdigest()[:12]


def main() -> None:
    give_ids_by_command()
    fork_server.preload(*PRELOADED)
    fork_server.carry_out(fork_server.listen(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
