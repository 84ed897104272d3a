"""The process that forks for each run of the fault suite: all that `upgrade` imports is imported, once.

python warm.py FILENO: a `fork_server` whose commands are runs (see `faulty.Run`).
"""

import socket
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # which `preload` takes away again

import fork_server  # noqa: E402

PRELOADED = (
    "faults.faulty",
    "shutil",
    "sqlalchemy.dialects.sqlite.aiosqlite",
)


def main() -> None:
    sys.path.insert(1, sys.path[0])
    fork_server.preload(*PRELOADED)
    command = fork_server.serve(socket.socket(fileno=int(sys.argv[1])))
    from faults.faulty import Run, carry_out

    sys.path.remove(str(Path(__file__).resolve().parents[1]))
    carry_out(Run.from_json(command[0]))


if __name__ == "__main__":
    main()
