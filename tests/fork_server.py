"""A Python that has imported all that the commands need already, and forks for each command of a test.

A process of its own pays about half a second of imports for a command that works for a tenth of one. Each worker of
pytest-xdist keeps one server, started at its first command: a process of its own with a single thread, so that forking
is safe; it leaves when the worker closes its end of the socket, by `close()` or by dying, and takes a running command
with it. A command runs as `python -m NAME`, `-c CODE` or `SCRIPT.py` would run it: arguments, folder, environment,
streams, `__main__`, traceback and exit code are those of a fresh interpreter, and its end too (threads, atexit, flush).

What differs: modules are in `sys.modules` though nobody asked for them, and are not torn down at the end, which would
take five times as long as to start; the streams are files, not pipes;
all commands of one worker share a hash seed; there is no controlling terminal. Where any of that is the matter of a
test, the test asks for `own_process=True` (see `projects.Project`). `ForkServer.can_run` leaves to a process of their
own the commands of another kind, those whose environment the interpreter reads while it starts, and those in a folder
whose files hide a module that is loaded already.

`warm_python` is the other user: its server listens at an address, for programs that a page's shell starts.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, BinaryIO, NoReturn

import oppmigrate

LEFT_OUT = ("oppmigrate.__main__", "oppmigrate.environment.flask", "oppmigrate.environment.django")
PRELOADED = (
    "alembic.autogenerate",
    "alembic.command",
    "alembic.config",
    "argparse",
    "asyncio",
    "concurrent.futures.thread",
    "configparser",
    "dotenv",
    "logging.config",
    "psycopg",
    "pymysql",
    "rich.console",
    "sqlalchemy.dialects.mysql.pymysql",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.ext.asyncio",
    "sqlmodel",
    "tomllib",
)
MODULES = frozenset({"oppmigrate", "alembic"})  # `python -m` of another is left to a process of its own
# variables that the interpreter, or a preloaded module, reads once and for all
READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "SQLALCHEMY_", "DISABLE_SQLALCHEMY_", "PSYCOPG_", "PYDANTIC_")
STOP_S = 10


class ForkServer:
    """The worker's end.

    Args:
        env: what the server is started with.
        program: what is started; it ends in `serve`, as this file run as a program does.
    """

    def __init__(self, env: Mapping[str, str], program: str = __file__) -> None:
        self._env = dict(env)
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket
        self._lines: BinaryIO
        self._loaded: frozenset[str] = frozenset()

    @property
    def pid(self) -> int | None:
        """The server's process, where one runs."""
        return self._process.pid if self._process else None

    def can_run(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> bool:
        """Would the command do here what it does in a process of its own?"""
        if not hasattr(os, "pidfd_open") or len(command) < 2 or command[0] != sys.executable or not cwd.is_dir():
            return False
        if _read_at_start(env) != _read_at_start(self._env):
            return False
        if command[1] == "-m":
            return command[2:3] != [] and command[2] in MODULES and not self._hidden_modules(cwd)
        script = cwd / command[1]
        return script.suffix == ".py" and script.is_file() and not self._hidden_modules(script.resolve().parent)

    def run(
        self, command: Sequence[str], *, input: str, cwd: Path, env: Mapping[str, str], timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a command; the same answer, and the same TimeoutExpired, as from `subprocess.run`."""
        self._start()
        request = {"command": list(command), "cwd": str(cwd), "env": dict(env), "timeout_s": timeout_s}
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
            files[0].write(input.encode())
            files[0].seek(0)
            try:
                socket.send_fds(self._socket, [b"!"], [file.fileno() for file in files])
                self._socket.sendall(json.dumps(request).encode() + b"\n")
                code = self._answer()
            except BaseException:  # Ctrl-C too: what comes next on this socket would answer another request
                self.close()
                raise
            output, errors = (_read_all(file) for file in files[1:])
        if code is None:
            raise subprocess.TimeoutExpired(command, timeout_s, output=output, stderr=errors)
        return subprocess.CompletedProcess(command, code, _text(output), _text(errors))

    def close(self) -> None:
        """Stop the server, if it runs; the next command starts another."""
        if self._process is None:
            return
        self._lines.close()
        self._socket.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _start(self) -> None:
        if self._process:
            return
        self._socket, theirs = socket.socketpair()
        self._lines = self._socket.makefile("rb")
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, self._program, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self._env,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for the worker, which closes the socket
            )
        try:
            self._loaded = frozenset(self._answer())
        except BaseException:
            self.close()
            raise

    def _answer(self) -> Any:
        line = self._lines.readline()
        if not line:
            raise RuntimeError(f"the fork server ended; its imports, by hand: {sys.executable} {self._program}")
        return json.loads(line)

    def _hidden_modules(self, folder: Path) -> set[str]:
        """What a fresh interpreter would import from the folder, and the server has from elsewhere."""
        self._start()
        modules = (
            path for path in folder.iterdir() if path.suffix in (".py", ".so") or (path / "__init__.py").exists()
        )
        return {path.name.partition(".")[0] for path in modules} & self._loaded


def _read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(READ_AT_START)}


def _read_all(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def _text(output: bytes) -> str:
    """As the text mode of `subprocess` reads a pipe."""
    return output.decode().replace("\r\n", "\n").replace("\r", "\n")


# ---- the server's end


def preload(*more: str) -> None:
    """Import what every server has, and more, and see to it that a fork is safe."""
    sys.path_importer_cache.pop(sys.path.pop(0), None)  # this file's folder, which no command is to find modules in
    for name in (*PRELOADED, *_own_modules(), *more):
        importlib.import_module(name)
    threads = Path("/proc/self/task")
    if threads.exists() and len(list(threads.iterdir())) > 1:
        raise RuntimeError("one of the preloaded modules has started a thread")
    gc.collect()
    gc.freeze()  # the collector of a child is not to touch, and so copy, what is shared


def _own_modules() -> Iterator[str]:
    """Every module of the project's but those that an installation may lack what they need for."""
    for module in pkgutil.walk_packages(oppmigrate.__path__, "oppmigrate."):
        if not module.name.startswith(LEFT_OUT):
            yield module.name


def serve(connection: socket.socket) -> list[str]:
    """Fork for each request until the worker is gone; returns in the child only, which is ready to run its command."""
    lines = connection.makefile("rb")
    loaded = {name.partition(".")[0] for name in sys.modules} | set(sys.builtin_module_names)
    connection.sendall(json.dumps(sorted(loaded)).encode() + b"\n")
    while True:
        _, streams, _, _ = socket.recv_fds(connection, 1, 3)
        if not streams:
            sys.exit()
        request = json.loads(lines.readline())
        pid = os.fork()
        if pid == 0:
            lines.close()
            connection.close()
            os.setpgid(0, 0)
            dress(streams, **request)
            return list(request["command"])
        for stream in streams:
            os.close(stream)
        code = wait_for(pid, connection, request["timeout_s"])
        connection.sendall(json.dumps(code).encode() + b"\n")


def listen(listener: socket.socket) -> list[str]:
    """Give each client that connects a server of its own, for ever; returns in the commands' processes, as `serve`."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return serve(connection)
        connection.close()


def wait_for(pid: int, connection: socket.socket, timeout_s: float | None) -> int | None:
    """The child's exit code; None after it has been killed for taking too long. Leaves when the worker is gone.

    Without pidfd, which is Linux's, it sees neither of the two.
    """
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)  # the child does so too: whoever comes first
    if not hasattr(os, "pidfd_open"):
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    ended = os.pidfd_open(pid)
    ready, _, _ = select.select([ended, connection], [], [], timeout_s)
    os.close(ended)
    if ended not in ready:
        os.killpg(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if connection in ready:
        sys.exit()
    return os.waitstatus_to_exitcode(status) if ready else None


def dress(streams: Sequence[int], *, command: Sequence[str], cwd: str, env: Mapping[str, str], **_: Any) -> None:
    """Give the child what its parent would have given to a process of its own.

    The objects in `sys.stdout` and so on stay: Alembic has them as default arguments since its import.
    """
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.orig_argv[:] = command


def carry_out(command: list[str]) -> NoReturn:
    """Run a command and end the process; any end but a plain exit code is left to the interpreter."""
    try:
        run(command)
    except SystemExit as error:
        if error.code is not None and not isinstance(error.code, int):
            raise
        leave(error.code or 0)
    leave(0)


def leave(code: int) -> NoReturn:
    """The end of the process as the interpreter brings it about, up to where it would tear the modules down."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        sys.exit(code)  # the interpreter has words for it
    os._exit(code & 0xFF)


def run(command: list[str]) -> None:
    """What the interpreter does with its command line."""
    main = sys.modules["__main__"] = ModuleType("__main__")
    main.__dict__.update(__annotations__={}, __builtins__=sys.modules["builtins"])
    try:
        if command[1] == "-m":
            sys.argv = command[1:2] + command[3:]
            sys.path.insert(0, str(Path.cwd()))
            # not `run_module`, whose frames and messages differ from those of `python -m`
            runpy._run_module_as_main(command[2])  # type: ignore[attr-defined]
        elif command[1] == "-c":
            sys.argv = command[1:2] + command[3:]
            sys.path.insert(0, "")
            exec(compile(command[2], "<string>", "exec", dont_inherit=True), main.__dict__)
        else:
            sys.argv = command[1:]
            run_script(main, command[1])
    except SystemExit:
        raise
    except BaseException as error:
        error.with_traceback(without_this_file(error.__traceback__))
        sys.excepthook(type(error), error, error.__traceback__)
        sys.excepthook = lambda *_: None  # all is said; the interpreter sees to exit 1, or to SIGINT after Ctrl-C
        raise


def run_script(main: ModuleType, script: str) -> None:
    path = os.path.join(Path.cwd(), script)  # noqa: PTH118 - joined as the interpreter does, `..` and all
    sys.path.insert(0, os.path.dirname(os.path.realpath(path)))  # noqa: PTH120 - the same
    loader = SourceFileLoader("__main__", path)
    main.__dict__.update(__file__=path, __cached__=None, __loader__=loader)
    exec(compile(Path(path).read_bytes(), path, "exec", dont_inherit=True), main.__dict__)


def without_this_file(trace: TracebackType | None) -> TracebackType | None:
    while trace and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def main() -> NoReturn:
    preload()
    if len(sys.argv) > 1:
        carry_out(serve(socket.socket(fileno=int(sys.argv[1]))))
    sys.exit()


if __name__ == "__main__":
    main()
