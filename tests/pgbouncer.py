"""A pgbouncer of the tests' own in front of a PostgreSQL server."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from free_ports import free_port

START_S = 20
USER = "postgres"  # it refuses to run as root
SETTINGS = """
[databases]
* = host={host} port={port} user={user}{password}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {pool_size}
max_client_conn = 200
"""


@contextlib.contextmanager
def pgbouncer(server: str, folder: Path, *, pool_size: int = 10, mode: str = "transaction") -> Iterator[int]:
    """The port at which it answers for every database of the server; skips where it is not installed."""
    program = shutil.which("pgbouncer", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if program is None:
        pytest.skip("pgbouncer is not installed (Debian's package `pgbouncer`)")
    url, listen = make_url(server), free_port()
    password = f" password={url.password}" if url.password else ""
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        SETTINGS.format(
            host=url.host or "127.0.0.1",
            port=url.port or 5432,
            user=url.username or "postgres",
            password=password,
            listen=listen,
            pool_size=pool_size,
            mode=mode,
        )
    )
    # as another user, who may not read pytest's folders, it reads from a descriptor that is open already
    with settings.open("rb") as stdin, (folder / "pgbouncer.log").open("wb") as log:
        as_user = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
        process = subprocess.Popen(
            [program, "-q", "/dev/stdin"],
            stdin=stdin,
            stdout=log,
            stderr=log,
            cwd="/",
            **as_user,  # type: ignore[arg-type]
        )
    try:
        wait_for(listen, process, folder / "pgbouncer.log")
        yield listen
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail(f"pgbouncer did not start:\n{log.read_text()}", pytrace=False)
