"""A command run by the fork server is a command run in a process of its own: the same streams, exit code and end."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from projects import FORK_SERVER, Project, clean_environment

MODELS = """
    from sqlmodel import Field, SQLModel


    class User(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
"""
WITHOUT_FORKS = not hasattr(os, "pidfd_open")
pytestmark = pytest.mark.skipif(WITHOUT_FORKS, reason="no pidfd here: every command has a process of its own")


class Twins:
    """Two projects of the same files: the commands of one go to the fork server, those of the other do not."""

    def __init__(self, folder: Path) -> None:
        self.forked, self.own = Project(folder / "a" / "shop"), Project(folder / "b" / "shop")
        self.write("models.py", MODELS)

    def write(self, name: str, text: str) -> None:
        for project in (self.forked, self.own):
            project.write(name, text)

    def python(
        self, *arguments: str, input: str = "", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the interpreter both ways, compare, and return what the fork server gave."""
        command = [sys.executable, *arguments]
        assert FORK_SERVER.can_run(command, self.forked.path, clean_environment())
        forked = self.forked.call(command, input=input, env=env)
        own = self.own.call(command, input=input, env=env, own_process=True)
        assert forked.args == own.args == command
        assert _answer(forked, self.forked) == _answer(own, self.own)
        return forked

    def script(self, source: str, *arguments: str, input: str = "", env: dict[str, str] | None = None) -> str:
        """The stdout of a script, which may end as it likes."""
        self.write("script.py", source)
        return self.python("script.py", *arguments, input=input, env=env).stdout


def _answer(done: subprocess.CompletedProcess[str], project: Project) -> tuple[int, str, str]:
    """What is compared: not the place, the ids, the times."""

    def plain(text: str) -> str:
        text = re.sub(r"\b[0-9a-f]{12}(?![0-9a-f])", "ID", text.replace(str(project.path), "PROJECT"))
        return re.sub(r"\d[\d.]* ?m?s\b|\d{4}-\d\d-\d\d[T ][\d:.]+", "TIME", text)

    return done.returncode, plain(done.stdout), plain(done.stderr)


@pytest.fixture
def twins(tmp_path: Path) -> Twins:
    return Twins(tmp_path)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("-m oppmigrate --help", 0),
        ("-m oppmigrate --version", 0),
        ("-m oppmigrate migrate create --help", 0),
        ("-m oppmigrate migrate upgrade --nonsense", 2),
        ("-m oppmigrate nonsense", 2),
        ("-m oppmigrate migrate current", 1),
        ("-m oppmigrate --project elsewhere migrate current --json", 2),
        ("-m alembic --help", 0),
        ("-m alembic nonsense", 2),
        ("-m alembic current", 255),
    ],
)
def test_command_without_a_project_answers_the_same(twins: Twins, command: str, code: int) -> None:
    assert twins.python(*command.split()).returncode == code


def test_walk_through_a_project_answers_the_same(twins: Twins) -> None:
    for command in (
        "-m oppmigrate migrate init",
        "oppman.py migrate create Initial",
        "oppman.py migrate check",
        "oppman.py migrate upgrade",
        "oppman.py migrate current --json",
        "-m alembic current",
        "-m alembic history",
        "oppman.py delete",
    ):
        twins.python(*command.split())
    twins.write("models.py", "raise ValueError('no models today')\n")
    for command in ("oppman.py migrate check", "oppman.py --verbose migrate check", "-m alembic check"):
        assert twins.python(*command.split()).returncode != 0


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("", 0),
        ("import sys; sys.exit()", 0),
        ("import sys; sys.exit(7)", 7),
        ("import sys; sys.exit('no more')", 1),
        ("def f(): raise ValueError('broken')\nf()", 1),
        ("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('broken') from error", 1),
        ("this is no Python", 1),
        ("import nonsense", 1),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("import os\nos._exit(9)", 9),
        ("import sys\nprint('said')\nsys.stdout.flush()\nsys.stdout.close()", 0),
        ("import os\nprint('lost')\nos.close(1)", 120),
        ("import atexit\natexit.register(print, 'last words')\nprint('first words')", 0),
        ("import sys\nsys.excepthook = lambda *_: print('caught')\n1 / 0", 1),
        ("import threading\nthreading.Timer(0.1, print, ['after the end']).start()", 0),
        ("import sys, os\nprint('err', file=sys.stderr)\nos.write(1, b'out\\r\\n')\nos.system('echo child')", 0),
    ],
)
def test_script_ends_the_same(twins: Twins, source: str, code: int) -> None:
    twins.write("script.py", source)
    assert twins.python("script.py").returncode == code


def test_script_finds_the_same_interpreter(twins: Twins) -> None:
    twins.script(
        """
        import gc, os, signal, sys, threading, warnings

        print(__name__, __file__, __doc__, __package__, __spec__, __cached__, type(__loader__), sorted(globals()))
        print(sys.modules["__main__"].__dict__ is globals(), sys.argv, sys.orig_argv, sys.path, sys.flags)
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            print(stream.name, stream.encoding, stream.errors, stream.isatty())
            print(stream.line_buffering, stream.write_through)
        print(os.getcwd(), sorted(os.environ), os.environ["SHOP"], sorted(os.listdir("/proc/self/fd")), flush=True)
        os.system("echo $SHOP; pwd")
        print([signal.getsignal(number) for number in sorted(signal.valid_signals())], signal.pthread_sigmask(0, []))
        print(warnings.filters, [thread.name for thread in threading.enumerate()])
        print(gc.isenabled(), sys.getrecursionlimit(), os.umask(0))

        from alembic.runtime.plugins import _all_plugins
        from sqlalchemy.dialects import registry
        from sqlmodel import SQLModel
        print(sorted(_all_plugins), sorted(registry.impls), dict(SQLModel.metadata.tables))
        """,
        "one",
        "two words",
        env={"SHOP": "Zoë"},
    )


def test_stdin_is_what_the_test_gives(twins: Twins) -> None:
    source = "import sys\nprint(repr(input()), repr(sys.stdin.read()))\nprint(repr(sys.stdin.readline()))"
    assert twins.script(source, input="Zoë\nAda\nGrace") == "'Zoë' 'Ada\\nGrace'\n''\n"
    assert twins.script("import subprocess\nsubprocess.run(['cat'])", input="for a child") == "for a child"
    assert twins.script("input()") == ""


def test_nothing_stays_from_one_command_to_the_next(twins: Twins, tmp_path: Path) -> None:
    source = """
        import os, random, signal, sys
        print(os.getcwd(), os.environ.get("SHOP"), hasattr(sys, "left"), signal.getsignal(signal.SIGTERM))
        print(random.random(), file=sys.stderr)
        os.environ["SHOP"] = sys.left = "behind"
        os.chdir("/")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    """
    script = str(twins.forked.write("script.py", source))
    first = twins.forked.call([sys.executable, script], env={"SHOP": "one"})
    second = twins.forked.call([sys.executable, script], cwd=tmp_path)
    assert first.stdout == f"{twins.forked.path} one False 0\n"
    assert second.stdout == f"{tmp_path} None False 0\n"
    assert first.stderr != second.stderr


def test_more_output_than_a_pipe_holds_arrives_whole(twins: Twins) -> None:
    source = "import sys\nfor stream in (sys.stdout, sys.stderr): stream.write('x' * 300_000)"
    assert len(twins.script(source)) == 300_000


@pytest.mark.parametrize("own_process", [False, True])
def test_too_slow_command_is_killed(twins: Twins, own_process: bool) -> None:
    script = str(twins.forked.write("slow.py", "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)"))
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        twins.forked.call([sys.executable, script], timeout_s=1, own_process=own_process)
    assert not _lives(int(caught.value.output))
    assert twins.script("print('next')") == "next\n"


@pytest.mark.parametrize(
    ("command", "env"),
    [
        (["-c", "print()"], {}),
        (["-W", "error", "-m", "oppmigrate"], {}),
        (["-m", "ruff"], {}),
        (["missing.py"], {}),
        (["models.py"], {"PYTHONPATH": "/tmp"}),
        (["models.py"], {"LC_ALL": "tlh"}),
        (["hiding/script.py"], {}),
    ],
)
def test_what_needs_a_fresh_interpreter_gets_one(project: Project, command: list[str], env: dict[str, str]) -> None:
    for name in ("models.py", "hiding/script.py", "hiding/sqlalchemy/__init__.py"):
        project.write(name, "")
    assert FORK_SERVER.can_run([sys.executable, "models.py"], project.path, clean_environment())
    assert not FORK_SERVER.can_run([sys.executable, *command], project.path, {**clean_environment(), **env})


@pytest.mark.parametrize("end", ["FORK_SERVER.close()", "os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_server_leaves_with_its_worker(project: Project, end: str) -> None:
    project.write("empty.py", "")
    worker = f"""
import os, signal, sys
from collections.abc import Callable
from pathlib import Path
from projects import FORK_SERVER, Project, clean_environment
Project(Path.cwd()).call([sys.executable, "empty.py"])
print(FORK_SERVER.pid, flush=True)
{end}
"""
    done = project.call([sys.executable, "-c", worker], env={"PYTHONPATH": str(Path(__file__).parent)})
    assert _gone(int(done.stdout)), done.stderr


def test_running_command_leaves_with_its_worker(project: Project) -> None:
    project.write(
        "slow.py",
        """
        import os, time
        from pathlib import Path

        Path("part").write_text(str(os.getpid()))
        Path("part").rename("pid")
        time.sleep(60)
        """,
    )
    worker = """
import sys
from pathlib import Path
from projects import Project
Project(Path.cwd()).call([sys.executable, "slow.py"])
"""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen([sys.executable, "-c", worker], cwd=project.path, env=env) as process:
        assert _within(20, (project.path / "pid").exists)
        process.kill()
    assert _gone(int((project.path / "pid").read_text()))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _gone(pid: int) -> bool:
    return _within(20, lambda: not _lives(pid))


def _within(seconds: float, happened: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not happened() and time.monotonic() < end:
        time.sleep(0.02)
    return happened()
