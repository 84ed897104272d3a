"""What Python's own code does to files, as points of a run: each is passed before the file system is asked."""

import errno
import os
import sys
from pathlib import Path
from typing import Any

from faults.drivers import Call, Driver, Passed

# audit events; `os.replace` is an `os.rename` to them. Source: Python, "Audit events table"
EVENTS = frozenset(
    {"open", "os.rename", "os.remove", "os.chmod", "os.chown", "os.mkdir", "os.truncate", "shutil.copyfile"}
)


class Files(Driver):
    """The file system, as far as it is used below the project's folder and the database's."""

    def hook_in(self, passed: Passed, *, max_pages: int | None = None) -> None:
        folders = (str(Path.cwd()), os.environ["FAULTS_FOLDER"])
        fsync = os.fsync

        def looked_at(event: str, arguments: tuple[Any, ...]) -> None:
            if event not in EVENTS or not arguments or not isinstance(arguments[0], (str, os.PathLike)):
                return
            path = os.fspath(arguments[0])
            if path.startswith(folders) and not path.endswith((".py", ".pyc", "__pycache__")):
                passed(self, Call(None, f"{event} {Path(path).name}", lambda: None))

        sys.addaudithook(looked_at)
        os.fsync = lambda file: passed(self, Call(None, "os.fsync", lambda: fsync(file)))

    def begin(self, call: Call) -> None:
        call.carry_out()

    def refuse(self, call: Call, *, busy: bool = False) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), call.statement)

    def error(self) -> Exception:
        return OSError(errno.EIO, os.strerror(errno.EIO))
