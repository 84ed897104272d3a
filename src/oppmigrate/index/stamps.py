"""How a file stands, without reading it: what changes with every edit, and when that is not to be relied on."""

from __future__ import annotations

import marshal
import os
import stat
import time

# size, mtime and ctime in nanoseconds, inode: a tool can put an mtime back, and no tool a ctime
Stamp = tuple[int, int, int, int]
Listing = list[tuple[str, int, int, int, int]]  # name and stamp
# a path, its stamp (None: not there), whether that can be relied on, and a digest of the contents
Watch = tuple[str, "Stamp | None", bool, bytes]

# The coarsest clock of a file system (FAT): two edits within it, of one size, leave one stamp.
TICK_NS = 2_000_000_000


class Oddity(Exception):
    """A folder that holds what is no plain file: a link, a pipe, a name with a line end."""


def now_ns() -> int:
    """The time that stamps are compared with."""
    return time.time_ns()


def stamp_of(path: str) -> Stamp | None:
    """The stamp of the file that the path leads to; None where there is none.

    Raises:
        OSError: it cannot be told.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def is_settled(stamp: Stamp, begun_ns: int) -> bool:
    """Would an edit after `begun_ns`, when the file was about to be read, leave another stamp?

    Not where the file is as young as the clock of its file system is coarse, nor where its time lies in the future
    because a clock was set back: such a file's contents have to be compared.
    """
    return max(stamp[1], stamp[2]) + TICK_NS < begun_ns


def list_folder(folder: str) -> Listing:
    """The files of a folder whose names end in `.py`, with their stamps, by their names.

    Raises:
        OSError: it cannot be listed, or a file is gone meanwhile.
        Oddity: see there.
    """
    listing: Listing = []
    with_descriptor = os.stat in os.supports_dir_fd
    descriptor = os.open(folder, os.O_RDONLY) if with_descriptor else None
    try:
        for name in os.listdir(folder if descriptor is None else descriptor):
            if not name.endswith(".py"):
                if ".py" in name and "\n" in name:
                    raise Oddity(name)
                continue
            found = (
                os.stat(os.path.join(folder, name), follow_symlinks=False)
                if descriptor is None
                else os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            )
            kind = stat.S_IFMT(found.st_mode)
            if kind == stat.S_IFREG:
                listing.append((name, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino))
            elif kind != stat.S_IFDIR:
                raise Oddity(name)
    finally:
        if descriptor is not None:
            os.close(descriptor)
    listing.sort()
    return listing


def packed(listing: Listing) -> bytes:
    """The listing as bytes that are equal where it is: to make them takes half the time of unpacking such ones."""
    return marshal.dumps(listing, 2)  # a later format tells how often a value is referred to


def watch(path: str, begun_ns: int) -> Watch:
    """A file as it stands now, to be compared by `look_again` later.

    Raises:
        OSError: it is there and cannot be read.
    """
    stamp = stamp_of(path)
    if stamp is None:
        return (path, None, True, b"")
    if not os.path.isfile(path):  # of a folder it counts that it is there, and a pipe is not to be read
        return (path, None, True, b"folder" if os.path.isdir(path) else b"special")
    return (path, stamp, is_settled(stamp, begun_ns), digest_of_file(path))


def look_again(watched: Watch, begun_ns: int) -> Watch | None:
    """The file as it stands now, if it holds what it held. Raises OSError where that cannot be told."""
    path, stamp, settled, digest = watched
    if stamp is not None and settled and stamp_of(path) == stamp:
        return watched
    now = watch(path, begun_ns)
    return now if now[3] == digest and (now[1] is None) == (stamp is None) else None


def digest_of_file(path: str) -> bytes:
    """SHA-256 of the contents. Raises OSError."""
    from hashlib import sha256  # imports OpenSSL; most runs need none

    with open(path, "rb") as file:
        return sha256(file.read()).digest()
