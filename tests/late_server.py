"""An address at which a database's server answers late: it opens late, or says for a while that it is starting."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

from sqlalchemy import make_url

from free_ports import free_port

SSL_REQUEST = 80877103


def postgresql_starting(client: socket.socket) -> None:
    """What PostgreSQL answers while it starts. Source: its manual, "Message Formats"."""
    length, code = struct.unpack("!ii", client.recv(8, socket.MSG_WAITALL))
    if code == SSL_REQUEST:
        client.sendall(b"N")
        length = struct.unpack("!i", client.recv(4, socket.MSG_WAITALL))[0] + 4
    client.recv(length - 8, socket.MSG_WAITALL)
    fields = (b"SFATAL", b"VFATAL", b"C57P03", b"Mthe database system is starting up")
    body = b"".join(field + b"\0" for field in fields) + b"\0"
    client.sendall(b"E" + struct.pack("!i", len(body) + 4) + body)


def mysql_full(client: socket.socket) -> None:
    """What MariaDB answers with all its connections taken. Source: its documentation, "ERR_Packet"."""
    body = b"\xff" + struct.pack("<H", 1040) + b"#08004Too many connections"
    client.sendall(struct.pack("<I", len(body))[:3] + b"\0" + body)


REFUSALS = {"postgresql": postgresql_starting, "mysql": mysql_full}


class LateServer:
    """A port of ours before the server's own; until `open`, it is closed, or every client is refused."""

    def __init__(self, url: str, *, refuses: bool) -> None:
        self._target = make_url(url)
        self._port = free_port()
        self._refuses = refuses
        self._is_open = threading.Event()
        self._over = threading.Event()
        self._listener: socket.socket | None = None
        if refuses:
            self._listen()

    def url(self, driver: str | None = None) -> str:
        late = self._target.set(host="127.0.0.1", port=self._port)
        late = late.set(drivername=driver) if driver else late
        return late.render_as_string(hide_password=False)

    def open(self) -> None:
        """From now on, clients reach the server."""
        self._is_open.set()
        if self._listener is None:
            self._listen()

    def close(self) -> None:
        self._over.set()
        if self._listener:
            self._listener.close()

    def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while not self._over.is_set():
            try:
                client, _ = listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, struct.error):
            if not self._is_open.is_set():
                REFUSALS[self._target.get_backend_name()](client)
                return
            with socket.create_connection((self._target.host or "127.0.0.1", self._target.port or 0)) as server:
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def late_server(url: str, *, opens_after_s: float | None, refuses: bool = False) -> Iterator[LateServer]:
    """A `LateServer` that opens by itself; never with None."""
    server = LateServer(url, refuses=refuses)
    timer = threading.Timer(opens_after_s or 0, server.open)
    if opens_after_s is not None:
        timer.start()
    try:
        yield server
    finally:
        timer.cancel()
        server.close()
