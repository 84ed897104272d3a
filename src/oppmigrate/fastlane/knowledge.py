"""What is known of a project from an earlier run, and whether that still holds.

The settings and the revision files are read by `learning`, with the readers that the full command has. Here is only
looked whether everything that they were read from stands as it did.
"""

from __future__ import annotations

import marshal
import os
import sys

from oppmigrate.index import digest_of_file, is_settled, list_folder, look_again, now_ns, packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from oppmigrate.index import Listing

    # revision, message, date, marks, parents and dependencies
    Row = tuple[str, str, str, str, tuple[str, ...]]

STORE = "quick"
HISTORY = "history"
PREFIX, PROJECT = "OPPMAN_", "OPPMAN_PROJECT"
# what else decides which Alembic is found
OUTSIDE = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


class Settings:
    """What the quick answers need of the project's settings."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.folder: str = values["folder"]
        self.url: str | None = values["url"]
        self.journal: str = values["journal"]
        self.values = values


class Files:
    """What the revision files come to.

    Attributes:
        heads, tips: ids, in the order of the files: no one's parents, and those that the database records at the end.
        token: stands for this state of the files.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.heads: Sequence[str] = values["heads"]
        self.tips: Sequence[str] = values["tips"]
        self.token: bytes = values["token"]
        self.values = values
        self._digests: Mapping[str, str] | None = None

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256, in hexadecimal, of each revision's file; unpacked when it is needed."""
        if self._digests is None:
            self._digests = marshal.loads(self.values["digests"])
        return self._digests

    def know(self, revisions: Iterable[str]) -> bool:
        """Are there files for all of them?"""
        return frozenset(revisions) <= frozenset(self.tips) or self.digests.keys() >= set(revisions)


def key_of(project: str, looked_at: str, has_url: bool) -> tuple[Any, ...]:
    """What the settings of a run depend on beside files.

    Args:
        looked_at: the folder in which something may stand in front of Alembic.
        has_url: the caller, or the environment, names the database; which one is no matter.
    """
    own = [name for name in os.environ if name.startswith(PREFIX) and name != PROJECT and "PASSWORD" not in name]
    outside = [os.environ.get(name) for name in OUTSIDE]
    return (project, looked_at, has_url, _digest_of_variables(own), tuple(outside), sys.prefix)


def _digest_of_variables(names: Sequence[str]) -> bytes:
    """Stands for their values, which are nobody's business but the reader's of the settings."""
    if not names:
        return b""
    from hashlib import sha256  # imports OpenSSL; most runs have no such variables

    return sha256(repr(sorted((name, os.environ[name]) for name in names)).encode("utf-8", "surrogateescape")).digest()


def recall_settings(known: Mapping[str, Any], key: tuple[Any, ...]) -> Settings | None:
    """The settings of an earlier run, if each file that they came from is as it was."""
    values = known.get("settings")
    if values is None or values["key"] != key:
        return None
    begun_ns = now_ns()
    try:
        watched = [look_again(each, begun_ns) for each in values["watched"]]
    except OSError:
        return None
    if None in watched:
        return None
    return Settings(values if watched == values["watched"] else {**values, "watched": watched})


def recall_files(known: Mapping[str, Any], folder: str) -> Files | None:
    """What the files came to in an earlier run, if each is as it was, and there is no other.

    Raises:
        OSError, Oddity: see `list_folder`.
    """
    begun_ns = now_ns()
    values = known.get("files")
    if values is None or values["folder"] != folder:
        return None
    listing = list_folder(folder)
    if packed(listing) != values["listing"]:
        return None
    unsettled = values["unsettled"]
    if not unsettled:
        return Files(values)
    if any(digest_of_file(os.path.join(folder, name)) != digest for name, digest in unsettled):
        return None
    # compared a second after the first reading, each would be compared for ever
    left = settle(listing, unsettled, begun_ns)
    return Files({**values, "unsettled": left} if len(left) < len(unsettled) else values)


def settle(listing: Listing, read: Sequence[tuple[str, bytes]], begun_ns: int) -> list[tuple[str, bytes]]:
    """Those of the files, each a name and a digest, whose stamps are not to be relied on."""
    stamps = {name: (size, mtime, ctime, inode) for name, size, mtime, ctime, inode in listing}
    return [(name, digest) for name, digest in read if name in stamps and not is_settled(stamps[name], begun_ns)]
