"""Who writes to a SQLite file: Linux lists every process's locks, the other systems tell nobody."""

import os
import shlex
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from oppmigrate.databases.locking import Holder

NOBODY_KNOWN = Holder("another process")
LOCKS = Path("/proc/locks")
# the byte that a writer locks, in the file itself and, in WAL mode, in the -shm beside it
# Source: SQLite, "File Format", 1.4, The Lock-Byte Page; "WAL-mode File Format", 2.3.1
RESERVED_BYTE = 0x40000001
WAL_WRITE_BYTE = 120
LONGEST = 80  # characters of a command line
MIGRATIONS = frozenset({"oppman", "oppmigrate"})  # `python oppman.py`, `python -m oppmigrate`, `oppman`


def find_holder(path: Path | None) -> Holder:
    """The process that has the file's write lock, where that can be found out; never an error."""
    with suppress(OSError, ValueError, IndexError):
        for pid in _writers(path) if path else ():
            return _holder(pid)
    return NOBODY_KNOWN


def _writers(path: Path) -> list[int]:
    wanted = {}
    for place, locked in ((path, RESERVED_BYTE), (path.with_name(f"{path.name}-shm"), WAL_WRITE_BYTE)):
        with suppress(FileNotFoundError):
            wanted[place.stat().st_ino] = locked
    found = []
    for line in LOCKS.read_text().splitlines():
        # 1: POSIX  ADVISORY  WRITE 4711 08:01:131 1073741825 1073741825; "->" marks one that waits
        words = line.split()
        if words[1] == "->" or words[3] != "WRITE":
            continue
        byte = wanted.get(int(words[5].rpartition(":")[2]))
        if byte is None:
            continue
        first, last, pid = int(words[6]), byte if words[7] == "EOF" else int(words[7]), int(words[4])
        if first <= byte <= last and pid > 0:  # the pid of another container's process is not shown
            found.append(pid)
    return found


def _holder(pid: int) -> Holder:
    words = _command_line(pid)
    line = shlex.join(words)
    shown = f"{line[: LONGEST - 1]}…" if len(line) > LONGEST else line
    is_migration = any(word.removesuffix(".py") in MIGRATIONS for word in words[:3])
    # since when another program has been writing nobody knows: it may have been running for weeks
    return Holder(
        f"process {pid} ({shown})" if shown else f"process {pid}", _started(pid) if is_migration else None, pid
    )


def _command_line(pid: int) -> list[str]:
    """The process's words, without the folders of files and without what may hold a password."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended, or is hidden from us
        return []
    words = raw.decode(errors="replace").split("\0")
    return [Path(word).name if word.startswith("/") else word for word in words if word and "://" not in word]


def _started(pid: int) -> datetime:
    """When the process began. Source: proc(5), /proc/PID/stat field 22, and `btime` in /proc/stat."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    seconds = int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
    return datetime.fromtimestamp(seconds, UTC)
