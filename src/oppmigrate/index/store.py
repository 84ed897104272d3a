"""One file with what was read: where it lies, how it is written whole, and when it is believed.

It lies in the project's `__pycache__`, as bytecode does, for the same reasons: it is made from the files beside it,
belongs to one version of Python, goes when the project goes, and every `.gitignore` knows the folder. Whoever wants no
such folder has told Python so (PYTHONDONTWRITEBYTECODE, PYTHONPYCACHEPREFIX), and is heard here too.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
import time
import zlib

from oppmigrate import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT = 1
MAGIC = b"oppmigrate\n"
KILLED_S = 60  # whoever has not written the file in that time does not write it any more
# what wrote it: another release may read files otherwise, and marshal's format is Python's own affair
MAKER = (FORMAT, __version__, sys.version)


class Store:
    """One value of plain types, kept beside a project.

    Args:
        project: its folder.
        name: what is kept.
    """

    def __init__(self, project: str, name: str) -> None:
        folder = os.path.join(project, "__pycache__")
        if sys.pycache_prefix is not None:
            folder = sys.pycache_prefix + os.path.splitdrive(os.path.abspath(project))[1]
        self.path = os.path.join(folder, f"oppman.{name}.{sys.implementation.cache_tag}")

    def load(self) -> Any:
        """The value; None where there is none, or none to be believed.

        That is one that is torn or damaged, that another version wrote, or that another user may have written.
        """
        try:
            data = self._read()
        except OSError:
            return None
        start = len(MAGIC) + 4
        if data[: len(MAGIC)] != MAGIC or int.from_bytes(data[len(MAGIC) : start], "big") != zlib.crc32(data[start:]):
            return None
        try:
            maker, value = marshal.loads(data[start:])
        except (EOFError, ValueError, TypeError):
            return None
        return value if maker == MAKER else None

    def save(self, value: Any) -> None:
        """Put the value in the place of the one that was there, whole or not at all; nowhere to write is no error."""
        if sys.dont_write_bytecode:
            return
        data = marshal.dumps((MAKER, value))
        data = MAGIC + zlib.crc32(data).to_bytes(4, "big") + data
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            self._replace(data)
        except OSError:
            return

    def _replace(self, data: bytes) -> None:
        """Write beside, then rename: one writer at a time, and whoever comes second leaves it at that."""
        temporary = f"{self.path}.new"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            if abs(time.time() - os.stat(temporary).st_mtime) > KILLED_S:
                os.unlink(temporary)
            return
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
            os.replace(temporary, self.path)
        except OSError:
            os.unlink(temporary)

    def _read(self) -> bytes:
        """The file's bytes; none where somebody else may have put them there. Raises OSError."""
        descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                return b""
            if hasattr(os, "geteuid") and (found.st_uid not in (os.geteuid(), 0) or found.st_mode & 0o022):
                return b""
            return file.read()
